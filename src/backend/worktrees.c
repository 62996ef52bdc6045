/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds the work trees that a repository has elsewhere. The file worktrees/NAME/gitdir has a work tree's path, followed
 * by "/.git": gitrepository-layout(5). It changes nothing.
 */

#include "backend/worktrees.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/folder.h"

/* Reads the first line of the file, without ".git" at its end. Return: whether there is one that fits. */
static bool read_gitdir(char path[PATH_MAX], int folder, const char *name) {
    static const char file[] = "/.git";
    _cleanup_fd_ int entry = openat(folder, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    _cleanup_fd_ int fd = -1;
    ssize_t size;
    size_t length;

    if (entry >= 0) {
        /* O_NONBLOCK: reading a pipe must not block */
        fd = openat(entry, "gitdir", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    }
    size = fd < 0 ? -1 : read(fd, path, PATH_MAX - 1);
    if (size <= 0) {
        return false;
    }
    path[size] = '\0';
    path[strcspn(path, "\n")] = '\0';
    length = strlen(path);
    if (length > strlen(file) && strcmp(path + length - strlen(file), file) == 0) {
        path[length - strlen(file)] = '\0';
    }
    return *path != '\0';
}

/* A relative path begins at the file's folder. Return: the work tree's path without links, to be freed, or NULL. */
static char *find_tree(int folder, const char *repository, const char *name) {
    char path[PATH_MAX];
    char whole[3 * PATH_MAX];

    if (!read_gitdir(path, folder, name)) {
        return NULL;
    }
    if (path[0] == '/') {
        return realpath(path, NULL);
    }
    (void)snprintf(whole, sizeof(whole), "%s/worktrees/%s/%s", repository, name, path);
    return realpath(whole, NULL);
}

static bool lies_in_any(char *const *folders, const char *path) {
    for (; folders && *folders; folders++) {
        if (folder_contains(*folders, path)) {
            return true;
        }
    }
    return false;
}

size_t worktrees_find_away(const char *repository, char *const *allowed,
                           void (*tell)(void *userdata, const char *name, const char *path), void *userdata) {
    _cleanup_free_ char *real = realpath(repository, NULL);
    _cleanup_fd_ int parent = open(repository, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = parent < 0 || !real ? NULL : folder_open_at(parent, "worktrees");
    size_t n_entries = 0;
    size_t n_found = 0;

    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry && n_entries < WORKTREES_ENTRIES_MAX;
         entry = readdir(folder), n_entries++) {
        _cleanup_free_ char *tree = entry->d_name[0] == '.' ? NULL : find_tree(dirfd(folder), real, entry->d_name);

        if (tree && !folder_contains(real, tree) && !lies_in_any(allowed, tree) && n_found++ < WORKTREES_SHOWN_MAX) {
            tell(userdata, entry->d_name, tree);
        }
    }
    if (folder) {
        (void)closedir(folder);
    }
    return n_found;
}
