/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds the object stores outside a repository from which it borrows objects. It runs at start, and with
 * --alternates=DIR at each request. The repository is hostile, so every search has limits. It changes nothing.
 */

#include "backend/alternates.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/folder.h"

static int add_of(struct alternates *alternates, int fd, const char *store, unsigned depth);

/* Whether a limit allows one more line. The repository's owner writes the lines, and may be hostile. */
static bool has_budget(const struct alternates *alternates) {
    return alternates->n_paths < ALTERNATES_MAX && alternates->n_own < ALTERNATES_OWN_MAX &&
           alternates->n_lines < ALTERNATES_LINES_MAX && alternates->n_entries < ALTERNATES_ENTRIES_MAX &&
           clock_now_ms() < alternates->deadline_ms;
}

static bool is_known(const struct alternates *alternates, const char *path) {
    for (size_t i = 0; i < alternates->n_paths; i++) {
        if (strcmp(alternates->paths[i], path) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_hex(char digit) {
    return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
}

/* Whether git makes entries of this name in an object store, even for a short time: gitrepository-layout(5). */
static bool is_of_store(const char *name) {
    static const char *const names[] = {".", "..", "pack", "info", "maintenance.lock"};
    static const char *const beginnings[] = {"tmp_", "incoming-"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0) {
            return true;
        }
    }
    return is_hex(name[0]) && is_hex(name[1]) && name[2] == '\0';
}

/* Whether a folder contains a folder "pack" and only entries that git makes. False at ALTERNATES_ENTRIES_MAX, too. */
static bool is_store(struct alternates *alternates, int fd) {
    _cleanup_fd_ int listed = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = listed < 0 ? NULL : fdopendir(listed);
    struct stat status;
    bool is_one = folder && fstatat(fd, "pack", &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);

    if (!folder) {
        return false;
    }
    (void)fd_take(&listed);
    for (struct dirent *entry = readdir(folder); entry && is_one; entry = readdir(folder)) {
        is_one = is_of_store(entry->d_name) && alternates->n_entries++ < ALTERNATES_ENTRIES_MAX;
    }
    (void)closedir(folder);
    return is_one;
}

/* Checks the folder by the descriptor that Landlock will allow, because the path may lead to another folder later. */
static int open_store(struct alternates *alternates, const char *path) {
    _cleanup_fd_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    return fd >= 0 && is_store(alternates, fd) ? fd_take(&fd) : -1;
}

/* Adds the store that one line of the file in @store names. A relative line begins at @store. */
static int add_line(struct alternates *alternates, const char *store, const char *line, unsigned depth) {
    char joined[PATH_MAX];
    _cleanup_free_ char *path = NULL;
    _cleanup_fd_ int fd = -1;
    int size = snprintf(joined, sizeof(joined), "%s%s%s", line[0] == '/' ? "" : store, line[0] == '/' ? "" : "/", line);
    size_t n = alternates->n_paths;

    if (!has_budget(alternates)) {
        alternates->n_skipped++;
        return 0;
    }
    alternates->n_lines++;
    if (size > 0 && (size_t)size < sizeof(joined)) {
        path = realpath(joined, NULL);
    }
    if (path && is_known(alternates, path)) {
        return 0;
    }
    fd = path && depth < ALTERNATES_DEPTH_MAX ? open_store(alternates, path) : -1;
    if (fd < 0) {
        alternates->n_skipped++;
        return 0;
    }
    alternates->paths[n] = take_pointer(&path);
    alternates->fds[n] = fd_take(&fd);
    alternates->n_paths++;
    alternates->n_own++;
    return add_of(alternates, alternates->fds[n], alternates->paths[n], depth + 1);
}

/* Return: 0, -ENOENT when there is nothing to read, -ENOBUFS when the file is too large, -ENOMEM. */
static int read_file(struct buffer *content, int store) {
    /* O_NONBLOCK: opening a pipe or a device must not block the start */
    _cleanup_fd_ int fd = openat(store, "info/alternates", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t size;

    if (fd < 0) {
        return -ENOENT;
    }
    do {
        size = buffer_read(content, fd);
    } while (size > 0 && buffer_room(content) > 0);
    return size == -ENOMEM ? -ENOMEM : buffer_size(content) > 0 ? buffer_append(content, "", 1) : -ENOENT;
}

/* Adds the stores that the store itself borrows from. The recursion ends at ALTERNATES_DEPTH_MAX. */
static int add_of(struct alternates *alternates, int fd, const char *store, unsigned depth) {
    _cleanup_(buffer_deinit) struct buffer content;
    char *text;
    char *rest;
    int r;

    buffer_init(&content, ALTERNATES_FILE_MAX_BYTES);
    r = read_file(&content, fd);
    if (r) {
        alternates->n_skipped += r == -ENOBUFS; /* no room for the terminator: the file is too large */
        return r == -ENOMEM ? r : 0;
    }
    text = content.data + content.start;
    for (char *line = strtok_r(text, "\n", &rest); line && !r; line = strtok_r(NULL, "\n", &rest)) {
        if (line[0] == '"') {
            alternates->n_skipped++;
        } else if (line[0] != '#') {
            r = add_line(alternates, store, line, depth);
        }
    }
    return r;
}

int alternates_add(struct alternates *alternates, const char *repository) {
    int64_t begin_ms = clock_now_ms();
    char store[PATH_MAX];
    _cleanup_fd_ int fd = -1;

    alternates->n_own = alternates->n_lines = alternates->n_entries = 0;
    alternates->last_deadline_ms =
        alternates->last_deadline_ms ? alternates->last_deadline_ms : begin_ms + ALTERNATES_TIME_ALL_MAX_MS;
    alternates->deadline_ms = begin_ms + ALTERNATES_TIME_MAX_MS < alternates->last_deadline_ms
                                  ? begin_ms + ALTERNATES_TIME_MAX_MS
                                  : alternates->last_deadline_ms;
    if (snprintf(store, sizeof(store), "%s/objects", repository) >= (int)sizeof(store)) {
        return 0;
    }
    fd = open(store, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? 0 : add_of(alternates, fd, store, 0);
}

static bool lies_below(const char *path, char *const *folders) {
    for (; *folders; folders++) {
        if (folder_contains(*folders, path)) {
            return true;
        }
    }
    return false;
}

size_t alternates_restrict(struct alternates *alternates, char *const *folders) {
    size_t n_before = alternates->n_paths;
    size_t n_kept = 0;

    for (size_t i = 0; i < n_before; i++) {
        if (lies_below(alternates->paths[i], folders)) {
            alternates->paths[n_kept] = alternates->paths[i];
            alternates->fds[n_kept++] = alternates->fds[i];
        } else {
            free(alternates->paths[i]);
            (void)fd_close(alternates->fds[i]);
        }
    }
    alternates->n_paths = n_kept;
    return n_before - n_kept;
}

void alternates_deinit(struct alternates *alternates) {
    while (alternates->n_paths > 0) {
        size_t last = --alternates->n_paths;

        free(alternates->paths[last]);
        alternates->fds[last] = fd_close(alternates->fds[last]);
    }
}
