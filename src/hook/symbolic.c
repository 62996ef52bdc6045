/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds symbolic references that lead to a missing one. git does not list them. When a push creates such a reference,
 * git creates the one that it leads to. Symbolic references are never packed: without reftable each one is a file, or a
 * link. This file only reads.
 */

#include "hook/symbolic.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

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

int symbolic_is_one(const struct child_git *git, const char *folder, const char *name) {
    return leads_away(name) ? 0 : uses_reftable(folder) ? ask(git, name) : look(folder, name);
}
