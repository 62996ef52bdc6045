/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "backend/alternates.h"
#include "confine/confine.h"
#include "serve/listener.h"

struct server;

enum {
    REACH_SERVED_MAX = 256, /* the mirror root, and the links in it that are repositories */
};

/**
 * struct reach - the paths that a server and its children need once it serves, found while nothing is confined yet
 * @settings: points into the rest of the struct, and into the server
 * @n_links_skipped: repositories that are links and of which there are too many
 */
struct reach {
    struct confine_settings settings;
    char *served[REACH_SERVED_MAX + 1];
    size_t n_served;
    size_t n_links_skipped;
    struct alternates alternates;
    char *git_folder;
    char socket_folder[LISTENER_PATH_MAX + 1];
};

/** reach_find() - Return: 0 or -ENOMEM; reach_deinit() in any case */
int reach_find(struct reach *reach, const struct server *server);

void reach_deinit(struct reach *reach);
