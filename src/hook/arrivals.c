/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds what a push brings besides that to which its references lead. Git takes such objects, too, and who knows their
 * ids can fetch them. So their commits are judged like all others, and their blobs by their size. A blob that git has
 * added to a thin pack, or that a client has sent without need, was there before.
 */

#include "hook/arrivals.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "hook/child.h"
#include "hook/push.h"

static int take_line(const struct push *push, FILE *tips, FILE *large, char *line) {
    char *rest = line;
    const char *kind = strsep(&rest, " ");
    const char *id = rest ? strsep(&rest, " ") : NULL;
    FILE *to = NULL;
    uint64_t size;

    if (!rest) {
        return -EIO;
    }
    errno = 0;
    size = strtoull(rest, NULL, 10);
    if (errno) {
        return -errno;
    }
    if (strcmp(kind, "commit") == 0) {
        to = tips;
    } else if (strcmp(kind, "blob") == 0 && size > push->rules->max_file_bytes) {
        to = large;
    }
    return !to || fprintf(to, "%s\n", id) > 0 ? 0 : -EIO;
}

static int take_missing(const struct push *push, char *line) {
    char *space = strchr(line, ' ');

    if (space && strcmp(space, " missing\n") == 0) {
        *space = '\0';
        report_refuse(push->report, NULL,
                      "the file %.12s, which comes without a commit, has more than the %" PRIu64
                      " bytes that are allowed",
                      line, push->rules->max_file_bytes);
    }
    return 0;
}

static int read_objects(const struct push *push, int fd, FILE *tips, FILE *large) {
    FILE *output = fdopen(fd, "r");
    char *line = NULL;
    size_t room = 0;
    int r = output ? 0 : -ENOMEM;

    while (!r && getline(&line, &room, output) > 0) {
        r = tips ? take_line(push, tips, large, line) : take_missing(push, line);
    }
    r = r || !ferror(output) ? r : -EIO;
    free(line);
    if (output) {
        (void)fclose(output);
    } else {
        (void)fd_close(fd);
    }
    return r;
}

int arrivals_find(const struct push *push, FILE *tips, FILE *large) {
    static const char *const argv[] = {"cat-file",
                                       "--batch-all-objects",
                                       "--unordered",
                                       "--buffer",
                                       "--batch-check=%(objecttype) %(objectname) %(objectsize)",
                                       NULL};
    const struct child_git git = {.program = push->git.program, .objects = CHILD_NEW_OBJECTS};
    struct child child = CHILD_NONE;
    int r;

    if (push->base || !getenv("GIT_QUARANTINE_PATH")) {
        return 0;
    }
    r = child_start(&child, &git, -1, argv);
    r = r ? r : read_objects(push, fd_take(&child.output), tips, large);
    r = r ? r : child_end(&child);
    child_kill(&child);
    return r;
}

int arrivals_judge(const struct push *push, FILE *large) {
    static const char *const argv[] = {"cat-file", "--buffer", "--batch-check=%(objecttype)", NULL};
    const struct child_git git = {.program = push->git.program, .objects = CHILD_OLD_OBJECTS};
    struct child child = CHILD_NONE;
    int r;

    if (ftell(large) == 0) {
        return 0;
    }
    r = child_input_fd(large);
    r = r < 0 ? r : child_start(&child, &git, r, argv);
    r = r ? r : read_objects(push, fd_take(&child.output), NULL, NULL);
    r = r ? r : child_end(&child);
    child_kill(&child);
    return r;
}
