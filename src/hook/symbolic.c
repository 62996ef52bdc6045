/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds symbolic references that lead to a missing one. git does not list them. When a push creates such a reference,
 * git creates the one that it leads to. Symbolic references are never packed: without reftable each one is a file, or a
 * link. This file only reads.
 *
 * With reftable, one process of git answers about one reference, and a push may create ten thousand. So this file reads
 * the tables for the names that are or were symbolic, which is usually only HEAD. It asks git about these names. When
 * it cannot read a table, because git has just replaced it or has a new format, it asks git about every name.
 */

#include "hook/symbolic.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "hook/reftable.h"

static bool uses_reftable(const char *folder) {
    char path[PATH_MAX];

    return snprintf(path, sizeof(path), "%s/reftable", folder) < (int)sizeof(path) && access(path, F_OK) == 0;
}

/* Asks git. It fails, and writes nothing, when the reference is missing or not symbolic. */
static int ask(const struct child_git *git, const char *name) {
    const char *const argv[] = {"symbolic-ref", "--quiet", name, NULL};
    struct child child = CHILD_NONE;
    char target[PIPE_BUF];
    ssize_t size = 0;
    int r = child_start(&child, git, -1, argv);

    if (r) {
        return r;
    }
    do {
        size = read(child.output, target, sizeof(target));
    } while (size < 0 && errno == EINTR);
    r = size < 0 ? -errno : 0;
    child_kill(&child);
    return r ? r : size > 0;
}

static int look(const char *folder, const char *name) {
    static const char mark[] = "ref:";
    _cleanup_fd_ int fd = -1;
    struct stat status;
    char path[PATH_MAX];
    char begin[sizeof(mark) - 1];

    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path)) {
        return -ENAMETOOLONG;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ELOOP ? 1 : errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    }
    if (fstat(fd, &status) < 0) {
        return -errno;
    }
    return S_ISREG(status.st_mode) && read(fd, begin, sizeof(begin)) == (ssize_t)sizeof(begin) &&
           memcmp(begin, mark, sizeof(begin)) == 0;
}

/*
 * git calls its hooks before it checks names. It refuses a name with "..", but here such a path would lead out of the
 * folder.
 */
static bool leads_away(const char *name) {
    return strstr(name, "..") != NULL;
}

/* ---- reftable ---- */

static int add_name(const char *name, void *userdata) {
    FILE *names = userdata;

    return fwrite(name, 1, strlen(name) + 1, names) > 0 ? 0 : -ENOMEM;
}

static int open_regular(const char *path, struct stat *status) {
    _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);

    if (fd < 0 || fstat(fd, status) < 0) {
        return -errno;
    }
    return S_ISREG(status->st_mode) ? fd_take(&fd) : -EINVAL;
}

/* git writes a table once and never changes it. */
static int read_table(const char *path, FILE *names) {
    struct stat status = {0};
    _cleanup_fd_ int fd = open_regular(path, &status);
    void *bytes;
    int r;

    if (fd < 0) {
        return fd;
    }
    bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        return -errno;
    }
    r = reftable_find_symbolic((struct span){bytes, (size_t)status.st_size}, add_name, names);
    (void)munmap(bytes, (size_t)status.st_size);
    return r;
}

static FILE *open_list(const char *folder) {
    char path[PATH_MAX];
    struct stat status;
    _cleanup_fd_ int fd = snprintf(path, sizeof(path), "%s/reftable/tables.list", folder) < (int)sizeof(path)
                              ? open_regular(path, &status)
                              : -1;
    FILE *list = fd >= 0 ? fdopen(fd, "r") : NULL;

    if (list) {
        (void)fd_take(&fd);
    }
    return list;
}

static int read_tables(const char *folder, FILE *names) {
    FILE *list = open_list(folder);
    _cleanup_free_ char *line = NULL;
    char path[PATH_MAX];
    size_t room = 0;
    int r = list ? 0 : -EINVAL;

    while (!r && getline(&line, &room, list) > 0) {
        line[strcspn(line, "\n")] = '\0';
        r = strchr(line, '/') || snprintf(path, sizeof(path), "%s/reftable/%s", folder, line) >= (int)sizeof(path)
                ? -EINVAL
                : read_table(path, names);
    }
    if (list) {
        r = r || !ferror(list) ? r : -EIO;
        (void)fclose(list);
    }
    return r;
}

static bool is_listed(const struct symbolic *symbolic, const char *name) {
    const size_t size = strlen(name) + 1;

    for (const char *at = symbolic->listed; at < symbolic->listed + symbolic->listed_size; at += strlen(at) + 1) {
        if (strlen(at) + 1 == size && memcmp(at, name, size) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- both ---- */

static int take_format(char *line, void *userdata) {
    *(bool *)userdata = strcmp(line, "reftable") == 0;
    return 0;
}

/* A folder may be left over: what it holds counts only when git says that it uses it. */
static bool is_reftable(const struct child_git *git) {
    static const char *const argv[] = {"rev-parse", "--show-ref-format", NULL};
    bool is_one = false;

    return child_each_line(git, -1, argv, take_format, &is_one) == 0 && is_one;
}

void symbolic_init(struct symbolic *symbolic, const struct child_git *git, const char *folder) {
    FILE *names;
    int r;

    *symbolic = (struct symbolic){.git = git, .folder = folder, .uses_reftable = uses_reftable(folder)};
    names =
        symbolic->uses_reftable && is_reftable(git) ? open_memstream(&symbolic->listed, &symbolic->listed_size) : NULL;
    if (names) {
        r = read_tables(folder, names);
        if (fclose(names) != 0 || r) {
            symbolic_deinit(symbolic);
        }
    }
}

void symbolic_deinit(struct symbolic *symbolic) {
    free(symbolic->listed);
    symbolic->listed = NULL;
}

int symbolic_is_one(const struct symbolic *symbolic, const char *name) {
    if (leads_away(name)) {
        return 0;
    }
    if (!symbolic->uses_reftable) {
        return look(symbolic->folder, name);
    }
    return symbolic->listed && !is_listed(symbolic, name) ? 0 : ask(symbolic->git, name);
}
