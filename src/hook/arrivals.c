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

#include "hook/child.h"
#include "hook/push.h"

struct arrivals {
    const struct push *push;
    FILE *tips;
    FILE *large;
};

static int take_object(char *line, void *userdata) {
    const struct arrivals *arrivals = userdata;
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
        to = arrivals->tips;
    } else if (strcmp(kind, "blob") == 0 && size > arrivals->push->rules->max_file_bytes) {
        to = arrivals->large;
    }
    return !to || fprintf(to, "%s\n", id) > 0 ? 0 : -EIO;
}

static int take_missing(char *line, void *userdata) {
    const struct push *push = ((const struct arrivals *)userdata)->push;
    char *space = strchr(line, ' ');

    if (space && strcmp(space, " missing") == 0) {
        *space = '\0';
        report_refuse(push->report, NULL,
                      "the file %.12s, which comes without a commit, has more than the %" PRIu64
                      " bytes that are allowed",
                      line, push->rules->max_file_bytes);
    }
    return 0;
}

int arrivals_find(const struct push *push, FILE *tips, FILE *large) {
    static const char *const argv[] = {"cat-file",
                                       "--batch-all-objects",
                                       "--unordered",
                                       "--buffer",
                                       "--batch-check=%(objecttype) %(objectname) %(objectsize)",
                                       NULL};
    const struct child_git git = {.program = push->git.program, .objects = CHILD_NEW_OBJECTS};
    struct arrivals arrivals = {.push = push, .tips = tips, .large = large};

    if (push->base || !getenv("GIT_QUARANTINE_PATH")) {
        return 0;
    }
    return child_each_line(&git, -1, argv, take_object, &arrivals);
}

int arrivals_judge(const struct push *push, FILE *large) {
    static const char *const argv[] = {"cat-file", "--buffer", "--batch-check=%(objecttype)", NULL};
    const struct child_git git = {.program = push->git.program, .objects = CHILD_OLD_OBJECTS};
    struct arrivals arrivals = {.push = push};
    int r;

    if (ftell(large) == 0) {
        return 0;
    }
    r = child_input_fd(large);
    return r < 0 ? r : child_each_line(&git, r, argv, take_missing, &arrivals);
}
