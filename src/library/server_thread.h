/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "library/config.h"
#include "serve/server.h"

/**
 * struct server_thread - a server with its own loop, from start to end on one thread
 * @stop_io: watches the descriptor that tells it to stop
 * @settings: the settings of this start
 */
struct server_thread {
    struct loop loop;
    struct loop_io stop_io;
    struct server_settings settings;
    struct server server;
};

#define SERVER_THREAD_NONE ((struct server_thread){.loop = LOOP_NONE, .server = SERVER_NONE})

/**
 * server_thread_start() - start a server on the calling thread
 * @thread: SERVER_THREAD_NONE; it must not move
 * @config: resolved; it must outlive the thread
 * @stop_fd: an eventfd(2); the first stop written to it lets requests finish, each further one ends those that remain
 * @error: filled on failure
 *
 * Return: 0 or GATE_E_*. Call server_thread_deinit() in both cases.
 */
int server_thread_start(struct server_thread *thread, const struct gate_config *config, int stop_fd,
                        struct gate_error *error);

/** server_thread_run() - serve until it is stopped, and end the server. Return: 0, or a negative errno of the loop. */
int server_thread_run(struct server_thread *thread);

/** server_thread_deinit() - free it, whether it was started or not */
void server_thread_deinit(struct server_thread *thread);
