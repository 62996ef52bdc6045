/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Lists the paths that a gate needs while it serves, so that confinement can close all others. Links are followed now;
 * the target of a link that is made later is out of reach. This file changes nothing and confines nothing.
 */

#include "serve/reach.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/route.h"
#include "backend/hooks.h"
#include "backend/hostile_repository.h"
#include "base/fd.h"
#include "base/folder.h"
#include "serve/gate.h"

static int add_served(struct reach *reach, const char *path) {
    if (reach->n_served == REACH_SERVED_MAX) {
        reach->n_links_skipped++;
        return 0;
    }
    reach->served[reach->n_served] = strdup(path);
    if (!reach->served[reach->n_served]) {
        return -ENOMEM;
    }
    reach->n_served++;
    return 0;
}

static bool is_link(const char *path) {
    struct stat status;

    return lstat(path, &status) == 0 && S_ISLNK(status.st_mode) && stat(path, &status) == 0;
}

/* Object stores that the operator does not permit are left out. */
static int find_alternates(struct reach *reach, const struct server_settings *settings, const char *repository) {
    int r;

    if (hostile_repository_alternates_none(settings->alternates)) {
        return 0;
    }
    r = alternates_add(&reach->alternates, repository);
    if (!r && !hostile_repository_alternates_all(settings->alternates)) {
        reach->alternates.n_skipped += alternates_restrict(&reach->alternates, settings->alternates);
    }
    return r;
}

/*
 * Finds everything below the mirror root: the folder itself, the targets of repositories that are links, and the object
 * stores that any of them borrows from.
 */
static int find_all(struct reach *reach, const struct server_settings *settings) {
    const char *root = settings->environ.mirror_root;
    int r = add_served(reach, root);
    DIR *folder = r ? NULL : opendir(root);
    char path[PATH_MAX];

    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry && !r; entry = readdir(folder)) {
        if (route_folder_is_repository(span_of(entry->d_name)) &&
            snprintf(path, sizeof(path), "%s/%s", root, entry->d_name) < (int)sizeof(path)) {
            r = is_link(path) ? add_served(reach, path) : 0;
            r = r ? r : find_alternates(reach, settings, path);
        }
    }
    if (folder) {
        (void)closedir(folder);
    }
    return r;
}

static int find_served(struct reach *reach, const struct server_settings *settings) {
    char path[PATH_MAX];
    int r = 0;

    if (settings_serve_all(settings)) {
        return find_all(reach, settings);
    }
    for (char *const *scope = settings->policy.scopes; *scope && !r; scope++) {
        (void)settings_path_of(path, settings, *scope); /* start-up checked that it fits */
        r = add_served(reach, path);
        r = r ? r : find_alternates(reach, settings, path);
    }
    return r;
}

/* git's exec path may hold only links, which lead to the programs. */
static void find_git(struct reach *reach, const char *exec_path) {
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/git", exec_path) < (int)sizeof(path)) {
        reach->git_folder = realpath(path, NULL);
    }
    if (reach->git_folder) {
        *strrchr(reach->git_folder, '/') = '\0';
    }
}

/* The listener will remove the socket from this folder. A path without a slash is in the working directory. */
static void find_socket(struct reach *reach, const char *path) {
    socket_file_folder(reach->socket_folder, path);
}

static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');

    return slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
}

static int add_folder_of(struct reach *reach, const char *path) {
    char *folder = folder_of(path);

    if (!folder) {
        return -ENOMEM;
    }
    reach->reread_folders[reach->n_reread_folders++] = folder;
    return 0;
}

/*
 * Adds the folders in which a file may be replaced: the folder of the path and, if the path is a link, the folder of
 * its target. A new file has another inode, so Landlock's rule must be for the folder.
 */
static int find_reread_folders(struct reach *reach, const char *path) {
    _cleanup_free_ char *real = path ? realpath(path, NULL) : NULL;
    int r = path ? add_folder_of(reach, path) : 0;

    return r || !real ? r : add_folder_of(reach, real);
}

bool reach_allows_writing(const struct server_settings *settings, const char *path) {
    bool found = false;

    for (size_t i = 0; settings->allow_paths[i] && !found; i++) {
        found = settings->may_write[i] && folder_contains(settings->allow_paths[i], path);
    }
    return found;
}

static void find_allowed(struct reach *reach, const struct server_settings *settings) {
    size_t n_allowed = 0;
    size_t n_writable = 0;

    for (size_t i = 0; settings->allow_paths[i]; i++) {
        if (settings->may_write[i]) {
            reach->writable[n_writable++] = settings->allow_paths[i];
        } else {
            reach->allowed[n_allowed++] = settings->allow_paths[i];
        }
    }
}

static_assert((int)REACH_NEEDS_MAX == (int)REACH_SERVED_MAX + 2 + (int)HOOKS_COUNT + (int)SETTINGS_ALLOW_PATHS_MAX &&
                  (int)SETTINGS_SCOPES_MAX <= (int)REACH_SERVED_MAX,
              "room for each need");

static int add_need(struct reach *reach, const char *path, int mode) {
    if (!path || access(path, mode) != 0) {
        return 0;
    }
    reach->needs[reach->n_needs].mode = mode;
    reach->needs[reach->n_needs].path = strdup(path);
    return reach->needs[reach->n_needs++].path ? 0 : -ENOMEM;
}

static int find_needs(struct reach *reach, const struct server_settings *settings) {
    const char *hooks = settings->environ.hooks_path;
    const size_t n_folders =
        settings_serve_all(settings) ? 1 : reach->n_served; /* with --scope=* only the root: links may be lost */
    char path[PATH_MAX];
    int r = 0;

    for (size_t i = 0; i < n_folders && !r; i++) {
        r = add_need(reach, reach->served[i], settings->policy.read_only ? R_OK : W_OK);
    }
    r = r ? r : add_need(reach, settings->environ.home, R_OK | X_OK);
    r = r ? r : add_need(reach, hooks, X_OK);
    for (size_t i = 0; hooks && i < HOOKS_COUNT && !r; i++) {
        r = hooks_path(path, sizeof(path), hooks, i) ? add_need(reach, path, X_OK) : 0;
    }
    for (char *const *writable = reach->writable; *writable && !r; writable++) {
        r = add_need(reach, *writable, W_OK);
    }
    return r;
}

const char *reach_lost(const struct reach *reach) {
    for (size_t i = 0; i < reach->n_needs; i++) {
        if (access(reach->needs[i].path, reach->needs[i].mode) != 0) {
            return reach->needs[i].path;
        }
    }
    return NULL;
}

int reach_find(struct reach *reach, const struct gate *gate) {
    const struct server_settings *settings = gate->settings;
    int r;

    *reach = (struct reach){0};
    find_git(reach, gate->git.exec_path);
    find_socket(reach, gate->listener.path);
    find_allowed(reach, settings);
    r = find_served(reach, settings);
    r = r ? r : find_reread_folders(reach, settings->token_file);
    r = r ? r : find_reread_folders(reach, settings->rules_file);
    reach->settings = (struct confine_settings){
        .mode = settings->confine,
        .served = reach->served,
        .read_only = settings->policy.read_only,
        .stores = reach->alternates.fds,
        .n_stores = reach->alternates.n_paths,
        .exec_path = gate->git.exec_path,
        .git_folder = reach->git_folder && reach->git_folder[0] ? reach->git_folder : NULL,
        .home = settings->environ.home,
        .hooks_path = settings->environ.hooks_path,
        .rule_hooks = gate->rule_hooks.folder,
        .rule_program = gate->rule_hooks.program,
        .allow_paths = reach->allowed,
        .writable_paths = reach->writable,
        .socket_folder = gate->listener.path[0] ? reach->socket_folder : NULL,
        .reread_folders = reach->reread_folders,
    };
    return r ? r : find_needs(reach, settings);
}

void reach_deinit(struct reach *reach) {
    while (reach->n_needs > 0) {
        free(reach->needs[--reach->n_needs].path);
    }
    while (reach->n_served > 0) {
        free(reach->served[--reach->n_served]);
    }
    for (size_t i = 0; i < REACH_REREAD_FOLDERS_MAX; i++) {
        free(reach->reread_folders[i]);
    }
    free(reach->git_folder);
    alternates_deinit(&reach->alternates);
}
