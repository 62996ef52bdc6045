/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    CHANGES_ID_MAX = 65,
    CHANGES_ADDRESS_MAX = 512,    /* with terminator; a longer one is cut */
    CHANGES_PATH_MAX = 8192,      /* the same for a path */
    CHANGES_META_MAX = 64 * 1024, /* git's record of one path, in a merge of 600 commits */
};

/**
 * struct changes_commit - a commit
 * @parents: their ids with a space between, until the next changes_next()
 * @is_merge: it has several parents
 * @is_signed_off: it has a line Signed-off-by with the address of its author or committer
 */
struct changes_commit {
    char id[CHANGES_ID_MAX];
    char author[CHANGES_ADDRESS_MAX];
    char committer[CHANGES_ADDRESS_MAX];
    const char *parents;
    bool is_merge;
    bool is_signed_off;
};

/**
 * struct changes_file - a path that a commit changes, compared with each of its parents
 * @path_size: of the whole path; @path may hold less
 * @mode: git's; 0 when the path is removed
 * @was_executable: it is an executable file in one of the parents
 * @id: of the object there now
 */
struct changes_file {
    char path[CHANGES_PATH_MAX];
    size_t path_size;
    unsigned mode;
    bool was_executable;
    char id[CHANGES_ID_MAX];
};

/**
 * struct changes - a reader of git's output with CHANGES_FORMAT and -z
 * @fd: git's output
 * @with_message: look for Signed-off-by in messages, instead of skipping them
 */
struct changes {
    int fd;
    bool with_message;
    struct changes_commit commit;
    struct changes_file file;
    char meta[CHANGES_META_MAX];
    size_t n_bytes;
    size_t n_read;
    char bytes[64 * 1024];
};

#define CHANGES_FORMAT "--format=%H %P%x00%ae%x00%ce%x00%B"

/** enum changes_kind - the part that was read */
enum changes_kind {
    CHANGES_END,
    CHANGES_COMMIT, /* @commit */
    CHANGES_FILE,   /* @file, of the last commit */
};

/**
 * changes_next() - read the next part
 *
 * Return: enum changes_kind; -EIO for malformed or cut output; -E2BIG for a record longer than CHANGES_META_MAX;
 * another negative errno of read(2).
 */
int changes_next(struct changes *changes);
