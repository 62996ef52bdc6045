/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds links that lead out of a repository. Landlock keeps git from following them. Without Landlock, they would make
 * git read and write other people's files. The repository is hostile: the search follows no link, and has limits. It
 * changes nothing.
 */

#include "backend/links.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/folder.h"

struct search {
    const char *repository;
    char *const *allowed;
    size_t n_entries;
    char *found;
    size_t found_size;
};

bool links_lead_into(const char *path, const char *folder) {
    _cleanup_free_ char *target = realpath(path, NULL);
    _cleanup_free_ char *inside = realpath(folder, NULL);

    return inside && target && folder_contains(inside, target);
}

bool links_lead_nowhere(const char *path) {
    static const char beginning[] = "refs/";
    char target[PATH_MAX];
    struct stat status;
    ssize_t size = readlink(path, target, sizeof(target) - 1);

    if (size < (ssize_t)strlen(beginning) || stat(path, &status) == 0 || errno != ENOENT) {
        return false;
    }
    target[size] = '\0';
    return strncmp(target, beginning, strlen(beginning)) == 0 && !strstr(target, "..");
}

static bool is_good(const struct search *search, const char *path) {
    if (links_lead_into(path, search->repository) || links_lead_nowhere(path)) {
        return true;
    }
    for (char *const *allowed = search->allowed; allowed && *allowed; allowed++) {
        if (links_lead_into(path, *allowed)) {
            return true;
        }
    }
    return false;
}

static bool give(struct search *search, const char *path) {
    (void)snprintf(search->found, search->found_size, "%s", path);
    return true;
}

static unsigned char type_of(int folder, const struct dirent *entry) {
    struct stat status;

    if (entry->d_type != DT_UNKNOWN) {
        return entry->d_type;
    }
    return fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ? DT_REG
                                                                            : (unsigned char)IFTODT(status.st_mode);
}

static bool look_into(struct search *search, int parent, const char *name, const char *path, unsigned depth);

static bool look_at(struct search *search, DIR *folder, const struct dirent *entry, const char *path, unsigned depth) {
    int fd = dirfd(folder);
    unsigned char type = fd < 0 ? DT_REG : type_of(fd, entry);
    char below[PATH_MAX];

    if (type != DT_LNK && (type != DT_DIR || depth == 0)) {
        return false;
    }
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
        return false;
    }
    if (snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) >= (int)sizeof(below)) {
        return give(search, path);
    }
    if (type == DT_LNK) {
        return !is_good(search, below) && give(search, below);
    }
    return look_into(search, fd, entry->d_name, below, depth - 1);
}

/*
 * Searches the folder @name of @parent, and @depth levels below. It does not open a folder that is a link; the caller
 * has checked those.
 */
static bool look_into(struct search *search, int parent, const char *name, const char *path, unsigned depth) {
    DIR *folder = folder_open_at(parent, name);
    bool is_found = false;

    if (!folder) {
        return false;
    }
    for (struct dirent *entry = readdir(folder); entry && !is_found; entry = readdir(folder)) {
        is_found =
            search->n_entries++ >= LINKS_ENTRIES_MAX ? give(search, path) : look_at(search, folder, entry, path, depth);
    }
    (void)closedir(folder);
    return is_found;
}

bool links_find(char *found, size_t size, const char *repository, char *const *allowed, bool in_objects) {
    static const struct {
        const char *name;
        unsigned depth;
        bool is_of_objects;
    } folders[] = {
        {"refs", LINKS_DEPTH_MAX, false},
        {"logs", LINKS_DEPTH_MAX, false},
        {"worktrees", 1, false},
        {"objects", 1, true},
    };
    struct search search = {.repository = repository, .allowed = allowed, .found = found, .found_size = size};
    _cleanup_fd_ int fd = open(repository, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char path[PATH_MAX];

    for (size_t i = 0; fd >= 0 && i < sizeof(folders) / sizeof(folders[0]); i++) {
        if ((in_objects || !folders[i].is_of_objects) &&
            snprintf(path, sizeof(path), "%s/%s", repository, folders[i].name) < (int)sizeof(path) &&
            look_into(&search, fd, folders[i].name, path, folders[i].depth)) {
            return true;
        }
    }
    return false;
}
