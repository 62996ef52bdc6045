/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds lock files that a killed git has left in a repository. git makes a lock file before it changes a file, and
 * fails when the lock exists. So a lock that is left makes every later push fail until somebody removes it. This file
 * removes none, because it cannot tell whether a lock is in use. The repository is hostile: the search follows no link,
 * and has limits.
 */

#include "backend/locks.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/folder.h"
#include "base/shell.h"

static bool is_lock(const char *name) {
    size_t size = strlen(name);

    return size > strlen(".lock") && strcmp(name + size - strlen(".lock"), ".lock") == 0;
}

static void look_at(struct locks *locks, int folder, const char *path, const char *name, time_t before) {
    struct stat status;
    char *found;

    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode) ||
        status.st_mtime >= before) {
        return;
    }
    locks->n_found++;
    if (locks->n_paths < LOCKS_SHOWN_MAX && asprintf(&found, "%s/%s", path, name) >= 0) {
        locks->paths[locks->n_paths++] = found;
    }
}

static bool may_be_folder(const struct dirent *entry) {
    return (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN) && strcmp(entry->d_name, ".") != 0 &&
           strcmp(entry->d_name, "..") != 0;
}

/*
 * Searches the folder @name of @parent, whose path is @path, and @depth levels below. The recursion ends with @depth.
 */
static void search(struct locks *locks, int parent, const char *name, const char *path, time_t before, unsigned depth) {
    DIR *folder = NULL;
    char below[PATH_MAX];

    if (clock_now_ms() >= locks->deadline_ms) {
        locks->is_cut = true;
        return;
    }
    folder = folder_open_at(parent, name);
    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry; entry = readdir(folder)) {
        if (locks->n_entries++ >= LOCKS_ENTRIES_MAX) {
            locks->is_cut = true;
            break;
        }
        if (is_lock(entry->d_name)) {
            look_at(locks, dirfd(folder), path, entry->d_name, before);
        } else if (depth > 0 && may_be_folder(entry) &&
                   snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) < (int)sizeof(below)) {
            search(locks, dirfd(folder), entry->d_name, below, before, depth - 1);
        }
    }
    if (folder) {
        (void)closedir(folder);
    }
}

void locks_find(struct locks *locks, const char *repository, time_t before) {
    static const char *const names[] = {"HEAD.lock", "config.lock", "packed-refs.lock", "packed-refs.new",
                                        "shallow.lock"};
    _cleanup_fd_ int fd = open(repository, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char path[PATH_MAX];

    locks->deadline_ms = locks->deadline_ms ? locks->deadline_ms : clock_now_ms() + LOCKS_TIME_MAX_MS;
    for (size_t i = 0; fd >= 0 && i < sizeof(names) / sizeof(names[0]); i++) {
        look_at(locks, fd, repository, names[i], before);
    }
    if (fd >= 0 && snprintf(path, sizeof(path), "%s/objects/info", repository) < (int)sizeof(path)) {
        search(locks, fd, "objects/info", path, before, 0);
    }
    if (fd >= 0 && snprintf(path, sizeof(path), "%s/refs", repository) < (int)sizeof(path)) {
        search(locks, fd, "refs", path, before, LOCKS_DEPTH_MAX);
    }
}

bool locks_command(char *command, size_t size, const char *path) {
    int n = snprintf(command, size, "rm ");

    return n < (int)size && shell_quote(command + n, size - (size_t)n, path);
}

void locks_deinit(struct locks *locks) {
    while (locks->n_paths > 0) {
        free(locks->paths[--locks->n_paths]);
    }
}
