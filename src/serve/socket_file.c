/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Sets which users may connect to a Unix socket: by its group, its mode, and the folders above it that the gate makes.
 * Other users may be able to write to one of these folders, so each file is changed by a descriptor, and links are not
 * followed. This file must not change a file that the gate did not make.
 */

#include "serve/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

enum {
    PARENT_MODE = 0700,
    PARENT_MODE_OF_GROUP = 0710, /* the group may pass through the folder, but not list it */
    MODE_BITS = 07777,
};

void socket_file_folder(char folder[SOCKET_FILE_PATH_MAX + 1], const char *path) {
    const char *slash = strrchr(path, '/');

    (void)snprintf(folder, SOCKET_FILE_PATH_MAX + 1, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
}

static bool admits_group(const struct socket_access *access) {
    return access->mode & S_IWGRP;
}

/* Keeps the set-group-ID bit, because the socket gets the group of a folder that has it. */
static int let_group_pass(const char *folder, const struct socket_access *access) {
    _cleanup_fd_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0 || (access->group && fchown(fd, (uid_t)-1, access->gid) < 0) ||
        fchmod(fd, PARENT_MODE_OF_GROUP | (status.st_mode & S_ISGID)) < 0) {
        return -errno;
    }
    return 0;
}

static int make_parent(const char *folder, const struct socket_access *access) {
    if (mkdir(folder, PARENT_MODE) < 0) {
        return errno == EEXIST ? 0 : -errno;
    }
    return admits_group(access) ? let_group_pass(folder, access) : 0;
}

int socket_file_make_parents(const char *path, const struct socket_access *access, struct gate_error *error) {
    char folder[SOCKET_FILE_PATH_MAX];
    int r = 0;

    (void)snprintf(folder, sizeof(folder), "%s", path);
    for (char *slash = strchr(folder + 1, '/'); slash && !r; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        r = make_parent(folder, access);
        if (r) {
            return gate_error_set(error, GATE_E_START, "cannot make the folder '%s' for --socket: %s", folder,
                                  strerror(-r));
        }
        *slash = '/';
    }
    return 0;
}

/*
 * SELinux's policy permits no fchmod(2) on the socket itself, so chmod(2) sets the mode of the file. The path has
 * thread-self instead of self, because a thread of the library has its own descriptors. Without /proc, @path is used.
 */
static int set_mode(int fd, const char *path, unsigned mode) {
    char name[sizeof("/proc/thread-self/fd/") + 3 * sizeof(fd)];

    (void)snprintf(name, sizeof(name), "/proc/thread-self/fd/%d", fd);
    if (chmod(name, mode) == 0) {
        return 0;
    }
    return errno == ENOENT && chmod(path, mode) == 0 ? 0 : -errno;
}

/* Return: 0; -ENOTSOCK when another file has replaced the socket with @identity; another negative errno. */
static int open_socket(int *fdp, const char *path, const struct stat *identity) {
    _cleanup_fd_ int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0) {
        return -errno;
    }
    if (!S_ISSOCK(status.st_mode) || status.st_dev != identity->st_dev || status.st_ino != identity->st_ino) {
        return -ENOTSOCK;
    }
    *fdp = fd_take(&fd);
    return 0;
}

int socket_file_admit(struct stat *identityp, const char *path, const struct socket_access *access,
                      struct gate_error *error) {
    _cleanup_fd_ int fd = -1;
    int r = lstat(path, identityp) < 0 ? -errno : open_socket(&fd, path, identityp);

    if (!r && access->group && fchownat(fd, "", (uid_t)-1, access->gid, AT_EMPTY_PATH) < 0) {
        return gate_error_set(error, GATE_E_START,
                              "cannot give --socket=%s to --socket-group=%.64s: %s; run git-gate as a member of that "
                              "group",
                              path, access->group, strerror(errno));
    }
    r = r ? r : set_mode(fd, path, access->mode);
    return r ? gate_error_set(error, GATE_E_START, "cannot set the mode of --socket=%s: %s", path, strerror(-r)) : 0;
}

bool socket_file_is_exposed(const char *path, unsigned *modep) {
    char folder[SOCKET_FILE_PATH_MAX + 1];
    struct stat status;

    socket_file_folder(folder, path);
    if (stat(folder, &status) < 0) {
        return false;
    }
    *modep = status.st_mode & MODE_BITS;
    return (status.st_mode & S_IWOTH) && !(status.st_mode & S_ISVTX);
}
