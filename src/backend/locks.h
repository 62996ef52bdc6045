/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum {
    LOCKS_SHOWN_MAX = 8,       /* lock files whose paths are kept */
    LOCKS_DEPTH_MAX = 16,      /* folders within each other below refs */
    LOCKS_ENTRIES_MAX = 50000, /* entries of folders that are read, of all repositories together */
    LOCKS_TIME_MAX_MS = 300,   /* no folder is begun after it; one call into a dead file system may hang */
};

/**
 * struct locks - lock files of git that are older than they should be
 * @paths: of the first ones, absolute; owned
 * @n_paths: how many of these there are
 * @n_found: how many were found
 * @is_cut: a bound was reached, and there may be more
 */
struct locks {
    char *paths[LOCKS_SHOWN_MAX];
    size_t n_paths;
    size_t n_found;
    bool is_cut;

    /* the rest is locks.c's own */
    size_t n_entries;
    int64_t deadline_ms;
};

/**
 * locks_find() - add those of one repository
 * @locks: zeros at first
 * @repository: absolute
 * @before: a lock file that was last written at this time or later is passed over, as it may be in use
 *
 * Looks at HEAD, config, packed-refs and shallow, at all below refs, and into objects/info: where git makes a lock before
 * it takes a push. Links are not followed. What cannot be read has none.
 */
void locks_find(struct locks *locks, const char *repository, time_t before);

/**
 * locks_command() - what removes a lock file, for a shell
 *
 * Return: whether it fits into @size bytes.
 */
bool locks_command(char *command, size_t size, const char *path);

/** locks_deinit() - free all */
void locks_deinit(struct locks *locks);
