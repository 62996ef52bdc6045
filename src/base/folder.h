/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "base/fd.h"

/** folder_contains() - whether @path is @folder or lies below it; compares text: both are absolute and without links */
static inline bool folder_contains(const char *folder, const char *path) {
    size_t size = strcmp(folder, "/") == 0 ? 0 : strlen(folder);

    return strncmp(path, folder, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

/** folder_open_at() - open the folder @name in @parent, but no link. Return: for closedir(3); NULL on failure. */
static inline DIR *folder_open_at(int parent, const char *name) {
    _cleanup_fd_ int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);

    if (folder) {
        (void)fd_take(&fd);
    }
    return folder;
}
