/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "library/config.h"
#include "serve/server.h"

/**
 * struct service - a server with its own loop, from start to end on one thread
 * @stop_io: watches the descriptor that tells it to stop
 * @settings: the settings of this start
 */
struct service {
    struct loop loop;
    struct loop_io stop_io;
    struct server_settings settings;
    struct server server;
};

#define SERVICE_NONE ((struct service){.loop = LOOP_NONE, .server = SERVER_NONE})

/**
 * service_start() - start a server on the calling thread
 * @service: SERVICE_NONE; it must not move
 * @config: resolved; it must outlive the service
 * @stop_fd: an eventfd(2); the first stop written to it drains, each further one ends what is left
 * @error: filled on failure
 *
 * Return: 0 or GATE_E_*. Call service_deinit() in both cases.
 */
int service_start(struct service *service, const struct gate_config *config, int stop_fd, struct gate_error *error);

/** service_run() - serve until it is stopped, and end the server. Return: 0, or a negative errno of the loop. */
int service_run(struct service *service);

/** service_deinit() - free it, whether it was started or not */
void service_deinit(struct service *service);
