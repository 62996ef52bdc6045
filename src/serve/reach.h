/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "backend/alternates.h"
#include "confine/confine.h"
#include "serve/listener.h"
#include "serve/settings.h"

struct gate;

enum {
    REACH_SERVED_MAX = 256,       /* repositories; with --scope=*, the mirror root and repositories that are links */
    REACH_REREAD_FOLDERS_MAX = 4, /* of --token-file and --rules, and of the files to which they lead */
    /* the served paths, HOME, the hooks' folder, each hook that git runs for a push, and the writable paths */
    REACH_NEEDS_MAX = REACH_SERVED_MAX + 9 + SETTINGS_ALLOW_PATHS_MAX,
};

/**
 * struct reach - the paths that a gate and its children need once it serves; filled before confinement
 * @settings: points into the rest of the struct, and into the gate
 * @n_links_skipped: repositories that are links, beyond REACH_SERVED_MAX
 * @allowed, @writable: the paths of --allow-path without and with ":rw", which belong to the settings
 * @needs: paths that the calling thread could access at start, each with its mode for access(2); paths are owned
 */
struct reach {
    struct confine_settings settings;
    char *served[REACH_SERVED_MAX + 1];
    size_t n_served;
    size_t n_links_skipped;
    struct alternates alternates;
    char *git_folder;
    char socket_folder[LISTENER_PATH_MAX + 1];
    char *reread_folders[REACH_REREAD_FOLDERS_MAX + 1];
    size_t n_reread_folders;
    char *allowed[SETTINGS_ALLOW_PATHS_MAX + 1];
    char *writable[SETTINGS_ALLOW_PATHS_MAX + 1];
    struct {
        char *path;
        int mode;
    } needs[REACH_NEEDS_MAX];
    size_t n_needs;
};

/** reach_allows_writing() - whether @path, absolute and without links, lies in a path of --allow-path with ":rw" */
bool reach_allows_writing(const struct server_settings *settings, const char *path);

/** reach_find() - fill @reach. Return: 0 or -ENOMEM; call reach_deinit() in any case. */
int reach_find(struct reach *reach, const struct gate *gate);

/**
 * reach_lost() - find a path that could be accessed before and cannot be any more
 *
 * Paths get lost because root without its capabilities is an ordinary user.
 *
 * Return: a path; NULL when none was lost.
 */
const char *reach_lost(const struct reach *reach);

/** reach_deinit() - free everything */
void reach_deinit(struct reach *reach);
