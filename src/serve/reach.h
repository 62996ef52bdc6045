/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "backend/alternates.h"
#include "confine/confine.h"
#include "serve/listener.h"

struct gate;

enum {
    REACH_SERVED_MAX = 256, /* the mirror root, and the links in it that are repositories */
    REACH_NEEDS_MAX = 10,   /* the repository, HOME, the folder of hooks, and each hook that git runs for a push */
};

/**
 * struct reach - the paths that a server and its children need once it serves, found while nothing is confined yet
 * @settings: points into the rest of the struct, and into the server
 * @n_links_skipped: repositories that are links and of which there are too many
 * @needs: what the calling thread had a right to when it was found, and in which mode of access(2); paths are owned
 */
struct reach {
    struct confine_settings settings;
    char *served[REACH_SERVED_MAX + 1];
    size_t n_served;
    size_t n_links_skipped;
    struct alternates alternates;
    char *git_folder;
    char socket_folder[LISTENER_PATH_MAX + 1];
    struct {
        char *path;
        int mode;
    } needs[REACH_NEEDS_MAX];
    size_t n_needs;
};

/** reach_find() - Return: 0 or -ENOMEM; reach_deinit() in any case */
int reach_find(struct reach *reach, const struct gate *gate);

/**
 * reach_lost() - what has been reachable and is not any more, as root without its capabilities is one user among others
 *
 * Return: a path; NULL when all is as it was.
 */
const char *reach_lost(const struct reach *reach);

/** reach_deinit() - free everything */
void reach_deinit(struct reach *reach);
