/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum {
    LOCKS_SHOWN_MAX = 8,       /* lock files whose paths are kept */
    LOCKS_DEPTH_MAX = 16,      /* nested folders below refs */
    LOCKS_ENTRIES_MAX = 50000, /* folder entries read, of all repositories together */
    LOCKS_TIME_MAX_MS = 300, /* no further folder is begun after this; a call into a dead file system may still hang */
};

/**
 * struct locks - git's lock files that were left behind
 * @paths: the paths of the first ones, absolute; owned
 * @n_paths: the number of these paths
 * @n_found: the number of lock files found
 * @is_cut: the search reached a limit, so there may be more
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
 * locks_find() - add the lock files of one repository
 * @locks: zeros at first
 * @repository: absolute
 * @before: lock files last written at this time or later are skipped, because they may be in use
 *
 * The search covers the places where git makes a lock before it accepts a push: HEAD, config, packed-refs and shallow,
 * everything below refs, and objects/info. It follows no links. A folder that cannot be read counts as empty.
 */
void locks_find(struct locks *locks, const char *repository, time_t before);

/**
 * locks_command() - write a shell command that removes a lock file
 *
 * Return: whether it fits into @size bytes.
 */
bool locks_command(char *command, size_t size, const char *path);

/** locks_deinit() - free all paths */
void locks_deinit(struct locks *locks);
