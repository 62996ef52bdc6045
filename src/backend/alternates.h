/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    ALTERNATES_MAX = 64,                 /* object stores of all repositories that are looked at */
    ALTERNATES_DEPTH_MAX = 6,            /* stores that borrow from each other, as git allows it */
    ALTERNATES_FILE_MAX_BYTES = 1 << 16, /* of one objects/info/alternates */

    /* of one repository, with all that it borrows from, so that none holds up the start or takes the others' places */
    ALTERNATES_OWN_MAX = 16,            /* object stores */
    ALTERNATES_LINES_MAX = 256,         /* lines that are looked at */
    ALTERNATES_ENTRIES_MAX = 16 * 1024, /* entries of folders that are read to know whether they are stores */
    ALTERNATES_TIME_MAX_MS = 500,       /* begun is nothing more after it; one call into a dead file system may hang */
    ALTERNATES_TIME_ALL_MAX_MS = 3000,  /* the same of all repositories together */
};

/**
 * struct alternates - the object stores that repositories borrow from: gitrepository-layout(5), objects/info/alternates
 * @paths: absolute, without links, each once; owned
 * @fds: what lay there when it was looked at, open by O_PATH; owned
 * @n_paths: how many there are, of both
 * @n_skipped: lines that name no object store, or that are too many, too deep or quoted, or for which no time was left
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
 * alternates_add() - add those of one repository, and those that these borrow from
 * @repository: absolute
 *
 * A store is a folder with a folder "pack" in it, and with nothing that git does not make there; it need not be one by
 * its name. What is not one is not added: whoever can write to the repository can write any path there.
 *
 * Return: 0 or -ENOMEM. A file that is not there or cannot be read names nothing.
 */
int alternates_add(struct alternates *alternates, const char *repository);

/**
 * alternates_restrict() - close and free all that do not lie below one of some folders
 * @folders: absolute, without links, NULL at the end of the list
 *
 * Return: how many there were.
 */
size_t alternates_restrict(struct alternates *alternates, char *const *folders);

/** alternates_deinit() - close and free all */
void alternates_deinit(struct alternates *alternates);
