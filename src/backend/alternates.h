/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    ALTERNATES_MAX = 64,                 /* object stores of all repositories together */
    ALTERNATES_DEPTH_MAX = 6,            /* stores that borrow from each other in a chain; git's own limit */
    ALTERNATES_FILE_MAX_BYTES = 1 << 16, /* of one objects/info/alternates */

    /*
     * limits for one repository and all stores that it borrows from, so that it cannot block the start or use up the
     * share of other repositories
     */
    ALTERNATES_OWN_MAX = 16,            /* object stores */
    ALTERNATES_LINES_MAX = 256,         /* lines looked at */
    ALTERNATES_ENTRIES_MAX = 16 * 1024, /* folder entries read, to tell whether folders are stores */
    ALTERNATES_TIME_MAX_MS = 500, /* no further step begins after this; a call into a dead file system may still hang */
    ALTERNATES_TIME_ALL_MAX_MS = 3000, /* the same, for all repositories together */
};

/**
 * struct alternates - the object stores that repositories borrow from: gitrepository-layout(5), objects/info/alternates
 * @paths: absolute, without links, each once; owned
 * @fds: the folders themselves, opened by O_PATH when they were checked; owned
 * @n_paths: the number of paths, and of descriptors
 * @n_skipped: skipped lines: quoted ones, those that name no object store, and those beyond a limit
 */
struct alternates {
    char *paths[ALTERNATES_MAX];
    int fds[ALTERNATES_MAX];
    size_t n_paths;
    size_t n_skipped;

    /* the rest is alternates.c's own */
    size_t n_own;
    size_t n_lines;
    size_t n_entries;
    int64_t deadline_ms;
    int64_t last_deadline_ms;
};

/**
 * alternates_add() - add the stores that one repository borrows from, and those that these stores borrow from
 * @repository: absolute
 *
 * A store is a folder that contains a folder "pack" and only entries that git makes. Its own name does not matter.
 * Other folders are skipped, because anybody who can write to the repository can put any path into the file.
 *
 * Return: 0 or -ENOMEM. A file that is missing or cannot be read adds nothing.
 */
int alternates_add(struct alternates *alternates, const char *repository);

/**
 * alternates_restrict() - close and free all stores outside some folders
 * @folders: absolute, without links, NULL at the end of the list
 *
 * Return: how many stores were outside.
 */
size_t alternates_restrict(struct alternates *alternates, char *const *folders);

/** alternates_deinit() - close and free all stores */
void alternates_deinit(struct alternates *alternates);
