/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Judges the sizes of files, some tens of thousands with one git. git reads a file's id, commit and path, and prints
 * the size with the commit and path. So nothing about the files is kept in this process.
 */

#include "hook/sizes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void sizes_init(struct sizes *sizes, const struct child_git *git, struct findings *findings, uint64_t max_file_bytes) {
    *sizes = (struct sizes){.git = git, .findings = findings, .max_file_bytes = max_file_bytes};
    questions_init(&sizes->questions);
}

/* "SIZE COMMIT PATH", or "ID missing". */
static int judge_line(char *line, void *userdata) {
    struct sizes *sizes = userdata;
    char *rest = line;
    const char *number = strsep(&rest, " ");
    const char *commit = rest ? strsep(&rest, " ") : NULL;
    char *end;
    uint64_t size;

    errno = 0;
    size = strtoull(number, &end, 10);
    if (!rest || errno || end == number || *end) {
        return -EIO;
    }
    if (size > sizes->max_file_bytes) {
        findings_add(sizes->findings, commit, "the file %s has %" PRIu64 " bytes, and at most %" PRIu64 " are allowed",
                     rest, size, sizes->max_file_bytes);
    }
    return 0;
}

int sizes_finish(struct sizes *sizes) {
    static const char *const argv[] = {"cat-file", "--buffer", "--batch-check=%(objectsize) %(rest)", NULL};
    int r;

    if (questions_is_empty(&sizes->questions)) {
        return 0;
    }
    r = questions_fd(&sizes->questions);
    r = r < 0 ? r : child_each_line(sizes->git, r, argv, judge_line, sizes);
    questions_clear(&sizes->questions);
    return r;
}

int sizes_add(struct sizes *sizes, const char *commit, const char *id, const char *quoted) {
    int r = questions_add(&sizes->questions, "%s %s %s\n", id, commit, quoted);

    return r == QUESTIONS_FULL ? sizes_finish(sizes) : r;
}

void sizes_deinit(struct sizes *sizes) {
    questions_clear(&sizes->questions);
}
