/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "serve/connection.h"
#include "serve/exchange.h"
#include "serve/gate.h"
#include "serve/loop.h"
#include "serve/settings.h"

enum {
    SERVER_CROWD = 16,                  /* connections at whose end memory is given back at once */
    SERVER_TRIM_INTERVAL_S = 1,         /* between giving memory back behind fewer */
    SERVER_HANGUP_TIMEOUT_MS = 500,     /* at the end of a drain: for pushes that have not come whole, to SIGTERM */
    SERVER_TERMINATE_TIMEOUT_MS = 2000, /* from SIGTERM to SIGKILL: git needs a moment to remove its lock files */
    SERVER_KILL_TIMEOUT_MS = 500,       /* from SIGKILL to giving up */
};

/**
 * struct server - a gate that serves
 * @gate: what it is made of
 * @n_connections_peak: the most there were since memory was last given back
 */
struct server {
    struct gate gate;
    struct connection_list connections;
    uint64_t n_connections;
    uint64_t n_connections_peak;

    /* the rest is server.c's, admission.c's and parent.c's own */
    bool is_accepting;
    struct loop_io accept_io;
    struct loop_timer pause_timer;
    bool is_paused;
    uint64_t pause_logged_us;
    uint64_t full_logged_us;
    uint64_t trimmed_us;
    struct loop_timer stage_timer;
    bool orphans_wait; /* behind a child of an exchange's, to be reaped when that is */
    int parent_fd;
    struct loop_io parent_io;
    struct loop_task parent_task;
};

/**
 * server_start() - find git, look at the repository, listen, confine the calling thread
 * @server: filled on success
 * @settings: kept by the caller until server_deinit()
 * @log: copied
 * @loop: to serve on, kept by the caller until server_deinit()
 * @error: filled on failure
 *
 * The calling thread must have SIGPIPE and SIGXFSZ blocked or ignored, and must be the one that runs the loop. What is
 * served is in the log: the record "serving", the last one of a start.
 *
 * Return: 0, GATE_E_*.
 */
int server_start(struct server *server, const struct server_settings *settings, const struct log *log,
                 struct loop *loop, struct gate_error *error);

/**
 * server_stop() - stop: the first call drains, the second one ends the drain, and further ones change nothing
 *
 * loop_run() returns when nothing is left.
 */
void server_stop(struct server *server);

/** server_reap_orphans() - reap ended children that are no exchange's own, for a gate that is init: getpid() is 1 */
void server_reap_orphans(struct server *server);

/** server_deinit() - free everything; what still runs is killed */
void server_deinit(struct server *server);

/* For connections. */

/** server_connection_ended() - its place is free; @connection is not used again */
void server_connection_ended(struct server *server, struct connection *connection);
