/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Turns the argument REPOSITORY into --mirror-root and --scope. The advice for what cannot be served never breaks
 * anything: a link or a bare clone is offered before a new name. It never follows such advice itself.
 */

#include "cli/repository.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* @path: absolute. Whether it is a bare repository; or else, what can be done. */
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

/* Clients ask for DIR/NAME.git by NAME.git alone. */
static int check_name(const char *path, struct gate_error *error) {
    const char *name = strrchr(path, '/') + 1;
    const char *fault = route_folder_fault(span_of(name));

    return fault ? gate_error_set(error, GATE_E_USAGE,
                                  "'%.*s' cannot be served: %s; clients ask for NAME.git, where NAME holds A-Z a-z 0-9 "
                                  ". _ - alone: rename it, or serve a link to it, made with 'ln -s'",
                                  SHOWN_MAX, path, fault)
                 : 0;
}

/*
 * The absolute path of what @repository names. If that is itself a link whose name can be served, it is the link's: it may
 * have been made for this. Return: a path of the caller's, NULL with errno.
 */
static char *find(const char *repository) {
    const size_t size = strlen(repository);
    const char *slash = strrchr(repository, '/');
    const char *name = slash ? slash + 1 : repository;
    _cleanup_free_ char *folder = NULL;
    char *path = realpath(repository, NULL);
    char *link = NULL;

    if (!path || route_folder_fault(span_of(name))) {
        return path;
    }
    folder = slash == repository ? strdup("/") : slash ? strndup(repository, size - strlen(slash)) : strdup(".");
    if (folder) {
        char *real = realpath(folder, NULL);

        free(folder);
        folder = real;
    }
    if (folder && asprintf(&link, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name) >= 0) {
        free(path);
        return link;
    }
    return path;
}

int repository_take(struct gate_config *config, const char *repository, struct gate_error *error) {
    _cleanup_free_ char *path = NULL;
    char *name;
    int r;

    if (config->mirror_root || config->scope) {
        return gate_error_set(error, GATE_E_USAGE, "give either REPOSITORY or --mirror-root and --scope, not both");
    }
    path = find(repository);
    if (!path) {
        return refuse_missing(repository, error);
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
