/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "library/config.h"
#include "serve/server.h"

/**
 * struct service - a server with a loop of its own, from its start to its end on one thread
 * @stop_io: of the descriptor that tells it to stop
 * @settings: the server's, as this start has them
 */
struct service {
    struct loop loop;
    struct loop_io stop_io;
    struct server_settings settings;
    struct server server;
};

#define SERVICE_NONE ((struct service){.loop = LOOP_NONE, .server = {.listener = LISTENER_NONE}})

/**
 * service_start() - start a server on the calling thread
 * @service: SERVICE_NONE, where it stays
 * @config: resolved; it has to last longer than the service
 * @stop_fd: an eventfd(2); the first stop that is written to it drains, any further one ends what is left
 * @error: filled on failure
 *
 * Return: 0; GATE_E_*, then the service still has to be freed by service_deinit().
 */
int service_start(struct service *service, const struct gate_config *config, int stop_fd, struct gate_error *error);

/** service_run() - serve until it is stopped, and end the server. Return: 0, or a negative errno of the loop. */
int service_run(struct service *service);

/** service_deinit() - free what is left, whether it was started or not */
void service_deinit(struct service *service);
