/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds objects of a push that none of its references leads to. git stores such objects, too, and anybody who knows
 * their ids can fetch them. So their commits are judged like all others, and their blobs by size. A blob that was there
 * before must not be refused: git may have added it to a thin pack, or a client may have sent it without need. A commit
 * for which there is no room counts as one that no reference leads to, and a blob as one of unknown size.
 */

#include "hook/arrivals.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hook/child.h"
#include "hook/push.h"

enum {
    REMEMBERED_MAX = 64 * 1024, /* of each kind: 9 MB */
};

int arrivals_init(struct arrivals *arrivals, const struct push *push) {
    int r;

    *arrivals = (struct arrivals){.push = push, .strays = child_input_open(), .large = child_input_open()};
    r = arrivals->strays && arrivals->large ? 0 : -errno;
    r = r ? r : ids_init(&arrivals->commits, REMEMBERED_MAX);
    return r ? r : ids_init(&arrivals->small, REMEMBERED_MAX);
}

void arrivals_deinit(struct arrivals *arrivals) {
    ids_deinit(&arrivals->commits);
    ids_deinit(&arrivals->small);
    if (arrivals->strays) {
        (void)fclose(arrivals->strays);
    }
    if (arrivals->large) {
        (void)fclose(arrivals->large);
    }
    *arrivals = (struct arrivals){0};
}

static int write_id(FILE *to, const char *id) {
    return fprintf(to, "%s\n", id) > 0 ? 0 : -EIO;
}

static int take_object(char *line, void *userdata) {
    struct arrivals *arrivals = userdata;
    char *rest = line;
    const char *kind = strsep(&rest, " ");
    const char *id = rest ? strsep(&rest, " ") : NULL;
    uint64_t size;
    int r = 0;

    if (!rest) {
        return -EIO;
    }
    errno = 0;
    size = strtoull(rest, NULL, 10);
    if (errno) {
        return -errno;
    }
    if (strcmp(kind, "commit") == 0) {
        r = ids_add(&arrivals->commits, id);
        r = r == IDS_FULL ? write_id(arrivals->strays, id) : r;
    } else if (strcmp(kind, "blob") == 0 && size > arrivals->push->rules->max_file_bytes) {
        r = write_id(arrivals->large, id);
    } else if (strcmp(kind, "blob") == 0) {
        r = ids_add(&arrivals->small, id);
    }
    return r < 0 ? r : 0; /* the sizes of files for which there is no room are asked for */
}

static int take_missing(char *line, void *userdata) {
    const struct push *push = userdata;
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

int arrivals_find(struct arrivals *arrivals) {
    static const char *const argv[] = {"cat-file",
                                       "--batch-all-objects",
                                       "--unordered",
                                       "--buffer",
                                       "--batch-check=%(objecttype) %(objectname) %(objectsize)",
                                       NULL};
    const struct child_git git = {.program = arrivals->push->git.program, .objects = CHILD_NEW_OBJECTS};

    if (arrivals->push->base || !getenv("GIT_QUARANTINE_PATH")) {
        return 0;
    }
    return child_each_line(&git, -1, argv, take_object, arrivals);
}

int arrivals_gather_strays(struct arrivals *arrivals) {
    const struct push *push = arrivals->push;
    int r = ids_write_rest(&arrivals->commits, arrivals->strays);

    if (r || ftell(arrivals->strays) == 0) {
        return r;
    }
    for (size_t i = 0; i < push->n_commands && !r; i++) {
        if (!push_is_zero(push->commands[i].new)) {
            r = fprintf(arrivals->strays, "^%s\n", push->commands[i].new) > 0 ? 0 : -EIO;
        }
    }
    return r ? r : 1;
}

int arrivals_judge(const struct arrivals *arrivals) {
    static const char *const argv[] = {"cat-file", "--buffer", "--batch-check=%(objecttype)", NULL};
    const struct child_git git = {.program = arrivals->push->git.program, .objects = CHILD_OLD_OBJECTS};
    int r;

    if (ftell(arrivals->large) == 0) {
        return 0;
    }
    r = child_input_fd(arrivals->large);
    return r < 0 ? r : child_each_line(&git, r, argv, take_missing, (void *)arrivals->push);
}
