/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Turns the argument REPOSITORY into --mirror-root and --scope. When it cannot be served, the error advises a safe
 * remedy: a link or a bare clone rather than a new name. It never changes anything itself.
 */

#include "cli/repository.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/route.h"
#include "base/denial.h"
#include "base/fd.h"

enum {
    SHOWN_MAX = 120, /* bytes of a path in a sentence that names it twice */
};

static const char end[] = ".git";

static bool has_entry(const char *path, const char *name) {
    char entry[PATH_MAX];

    return snprintf(entry, sizeof(entry), "%s/%s", path, name) < (int)sizeof(entry) && access(entry, F_OK) == 0;
}

static int refuse_missing(const char *repository, struct gate_error *error) {
    const int cause = errno;
    char other[PATH_MAX];

    if (cause == EACCES) {
        return denial_refuse("read the repository", repository, "git-gate", error);
    }
    if (snprintf(other, sizeof(other), "%s%s", repository, end) < (int)sizeof(other) && access(other, F_OK) == 0) {
        return gate_error_set(error, GATE_E_USAGE, "there is no repository '%s': did you mean '%s'?", repository,
                              other);
    }
    return gate_error_set(error, GATE_E_USAGE,
                          "there is no repository '%s': %s; make one with 'git clone --bare WORKTREE NAME.git'",
                          repository, strerror(cause));
}

static int refuse_work_tree(const char *path, int size, struct gate_error *error) {
    const bool is_short = size <= SHOWN_MAX;

    return gate_error_set(error, GATE_E_USAGE,
                          "'%.*s' is a work tree, and a gate serves bare repositories; make one with 'git clone --bare "
                          "%.*s NAME.git', and serve that",
                          is_short ? size : SHOWN_MAX, path, is_short ? size : (int)strlen("WORKTREE"),
                          is_short ? path : "WORKTREE");
}

/* Whether @path, which is absolute, is a bare repository; if not, the error says what to do. */
static int check_kind(const char *path, struct gate_error *error) {
    const char *name = strrchr(path, '/') + 1;
    char head[PATH_MAX];

    if (strcmp(name, end) == 0) {
        return refuse_work_tree(path, name - path > 1 ? (int)(name - path - 1) : 1, error);
    }
    if (snprintf(head, sizeof(head), "%s/HEAD", path) < (int)sizeof(head) && access(head, F_OK) == 0) {
        return 0;
    }
    if (errno == EACCES) {
        return denial_refuse("read the repository", head, "git-gate", error);
    }
    if (has_entry(path, end)) {
        return refuse_work_tree(path, (int)strlen(path), error);
    }
    return gate_error_set(error, GATE_E_USAGE,
                          "'%s' is not a bare git repository; make one with 'git clone --bare WORKTREE NAME.git', or "
                          "give the folder of several as --mirror-root=DIR with --scope=NAME",
                          path);
}

/* Return: why the name of @path cannot be in a URL, where clients name DIR/NAME.git as NAME.git; NULL if it can. */
static const char *name_fault(const char *path) {
    const char *slash = strrchr(path, '/');

    return route_folder_fault(span_of(slash ? slash + 1 : path));
}

static int check_name(const char *path, struct gate_error *error) {
    const char *fault = name_fault(path);

    return fault ? gate_error_set(error, GATE_E_USAGE,
                                  "'%.*s' cannot be served: %s; clients ask for NAME.git, where NAME has only A-Z a-z "
                                  "0-9 . _ -: serve a link to it, made with 'ln -s', or rename it",
                                  SHOWN_MAX, path, fault)
                 : 0;
}

static int refuse_link(const char *link, uid_t owner, struct gate_error *error) {
    return gate_error_set(
        error, GATE_E_USAGE,
        "the link '%.*s' belongs to uid %u, and this is uid %u: git serves a link only to its owner; make a "
        "link of your own with 'ln -s'",
        SHOWN_MAX, link, (unsigned)owner, (unsigned)geteuid());
}

/*
 * Removes trailing slashes, which would make the kernel follow a link. Return: whether it fits; otherwise errno is set.
 */
static bool strip_slashes(char name[PATH_MAX], const char *repository) {
    size_t size = strlen(repository);

    while (size > 1 && repository[size - 1] == '/') {
        size--;
    }
    if (size >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    (void)snprintf(name, PATH_MAX, "%.*s", (int)size, repository);
    return true;
}

/*
 * @link: without trailing slash. Return: the absolute path of the link itself, owned by the caller, or NULL with errno.
 */
static char *locate_link(const char link[PATH_MAX]) {
    const char *slash = strrchr(link, '/');
    _cleanup_free_ char *real = NULL;
    char folder[PATH_MAX] = ".";
    char *path = NULL;

    if (slash) {
        (void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - link) + 1, link);
    }
    real = realpath(folder, NULL);
    if (!real || asprintf(&path, "%s/%s", strcmp(real, "/") == 0 ? "" : real, slash ? slash + 1 : link) < 0) {
        return NULL;
    }
    return path;
}

/*
 * Finds the absolute path of @repository. A link is not followed if this user owns it and its name can be served, since
 * it may have been made for that name. Any other link is followed: git refuses every request for a repository behind
 * another user's link. Return: a path owned by the caller, or NULL with @error.
 */
static char *find(const char *repository, struct gate_error *error) {
    char name[PATH_MAX];
    _cleanup_free_ char *real = strip_slashes(name, repository) ? realpath(name, NULL) : NULL;
    struct stat status;
    char *path;

    if (!real || lstat(name, &status) < 0) {
        (void)refuse_missing(repository, error);
        return NULL;
    }
    if (!S_ISLNK(status.st_mode) || name_fault(name)) {
        return take_pointer(&real);
    }
    if (status.st_uid != geteuid()) {
        if (name_fault(real)) {
            (void)refuse_link(name, status.st_uid, error);
            return NULL;
        }
        return take_pointer(&real);
    }
    path = locate_link(name);
    if (!path) {
        (void)refuse_missing(repository, error);
    }
    return path;
}

int repository_take(struct gate_config *config, const char *repository, struct gate_error *error) {
    _cleanup_free_ char *path = NULL;
    char *name;
    int r;

    if (config->settings.environ.mirror_root || config->settings.policy.scopes[0]) {
        return gate_error_set(error, GATE_E_USAGE, "give either REPOSITORY or --mirror-root and --scope, not both");
    }
    path = find(repository, error);
    if (!path) {
        return GATE_E_USAGE;
    }
    r = check_kind(path, error);
    r = r ? r : check_name(path, error);
    if (r) {
        return r;
    }
    name = strrchr(path, '/');
    path[strlen(path) - strlen(end)] = '\0';
    *name = '\0';
    r = gate_config_set(config, "mirror-root", *path ? path : "/", error);
    return r ? r : gate_config_set(config, "scope", name + 1, error);
}
