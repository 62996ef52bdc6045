/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Refuses paths that lie where git and hooks may write: in the served repositories, and in the paths of --allow-path
 * with ":rw". No file that the gate relies on may lie there. It reads folders and changes nothing.
 */

#include "library/served.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/route.h"
#include "base/fd.h"
#include "base/folder.h"
#include "serve/reach.h"

/* Follows "what is served" in messages. */
#define OR_ALLOWED " or an --allow-path that ends in :rw"

/* Whether @path is in the repository @root/@name, which may be a link. */
static bool lies_in_repository(const char *path, const char *root, const char *name) {
    _cleanup_free_ char *real = NULL;
    char repository[PATH_MAX];

    (void)snprintf(repository, sizeof(repository), "%s/%s", root, name);
    real = realpath(repository, NULL); /* the start finds out if it is missing */
    return folder_contains(real ? real : repository, path);
}

static bool lies_in_any_repository(const char *path, const char *root) {
    DIR *folder = opendir(root);
    bool found = folder_contains(root, path);

    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry && !found; entry = readdir(folder)) {
        found = route_folder_is_repository(span_of(entry->d_name)) && lies_in_repository(path, root, entry->d_name);
    }
    if (folder) {
        (void)closedir(folder);
    }
    return found;
}

/* @path: absolute, without links. With the scope '*', all below the mirror root is served. */
static bool is_served(const struct server_settings *settings, const char *path) {
    const char *root = settings->environ.mirror_root;
    char name[ROUTE_REPOSITORY_MAX_BYTES + sizeof(".git")];
    bool found = false;

    if (settings_serve_all(settings)) {
        return lies_in_any_repository(path, root);
    }
    for (char *const *scope = settings->policy.scopes; *scope && !found; scope++) {
        (void)snprintf(name, sizeof(name), "%s.git", *scope);
        found = lies_in_repository(path, root, name);
    }
    return found;
}

static bool is_writable(const struct server_settings *settings, const char *path) {
    return reach_allows_writing(settings, path) || is_served(settings, path);
}

/* Whether a hook is a link to a place where git may write. */
static bool has_writable_hook(const struct server_settings *settings) {
    const char *hooks_path = settings->environ.hooks_path;
    DIR *folder = opendir(hooks_path);
    bool found = false;

    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry && !found; entry = readdir(folder)) {
        _cleanup_free_ char *real = NULL;
        char path[2 * PATH_MAX];

        (void)snprintf(path, sizeof(path), "%s/%s", hooks_path, entry->d_name);
        real = strcmp(entry->d_name, "..") == 0 ? NULL : realpath(path, NULL);
        found = real && is_writable(settings, real);
    }
    if (folder) {
        (void)closedir(folder);
    }
    return found;
}

static int check_allowed_in_hooks(const struct server_settings *settings, struct gate_error *error) {
    const char *hooks_path = settings->environ.hooks_path;

    for (size_t i = 0; hooks_path && settings->allow_paths[i]; i++) {
        if (settings->may_write[i] && folder_contains(hooks_path, settings->allow_paths[i])) {
            return gate_error_set(error, GATE_E_USAGE,
                                  "--allow-path=%s:rw lies inside --hooks-path, where git could change the hooks; "
                                  "choose a path outside",
                                  settings->allow_paths[i]);
        }
    }
    return 0;
}

int served_check_folders(const struct server_settings *settings, struct gate_error *error) {
    const char *hooks_path = settings->environ.hooks_path;
    const char *home = settings->environ.home;
    int r;

    if (hooks_path && is_writable(settings, hooks_path)) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--hooks-path=%s lies inside what is served" OR_ALLOWED "; move the hooks out",
                              hooks_path);
    }
    r = check_allowed_in_hooks(settings, error);
    if (r) {
        return r;
    }
    if (hooks_path && has_writable_hook(settings)) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--hooks-path=%s holds a link to what is served" OR_ALLOWED
                              "; put the hook itself in its place",
                              hooks_path);
    }
    if (settings->rules_file && is_writable(settings, settings->rules_file)) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--rules=%s lies inside what is served" OR_ALLOWED
                              ", where a push could change it; move it out",
                              settings->rules_file);
    }
    if (home && is_writable(settings, home)) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--home=%s lies inside what is served" OR_ALLOWED
                              ", where git could change its own settings; choose a folder outside",
                              home);
    }
    return 0;
}

int served_check_token(const struct server_settings *settings, struct gate_error *error) {
    _cleanup_free_ char *real = settings->token_file ? realpath(settings->token_file, NULL) : NULL;

    if (real && is_writable(settings, real)) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--token-file=%s lies inside what is served" OR_ALLOWED
                              ", where git and hooks could read and replace it; move it out",
                              settings->token_file);
    }
    return 0;
}

/* The socket's folder may be missing; then its nearest parent that exists is checked. */
int served_check_socket(const struct server_settings *settings, struct gate_error *error) {
    char folder[2 * PATH_MAX]; /* the library has put the working directory before a relative path */
    _cleanup_free_ char *real = NULL;
    const char *path = settings->listener.socket_path;
    char *slash;

    if (!path || snprintf(folder, sizeof(folder), "%s", path) >= (int)sizeof(folder)) {
        return 0; /* too long for a socket: the listener says so */
    }
    slash = strrchr(folder, '/');
    for (; slash && slash != folder && !real; slash = strrchr(folder, '/')) {
        *slash = '\0';
        real = realpath(folder, NULL);
    }
    if (!real) {
        real = realpath(path[0] == '/' ? "/" : ".", NULL);
    }
    if (real && is_writable(settings, real)) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--socket=%s lies inside what is served" OR_ALLOWED
                              ", where git could replace it; choose a path outside",
                              path);
    }
    return 0;
}
