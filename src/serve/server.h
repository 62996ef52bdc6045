/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/log.h"
#include "serve/crowd.h"
#include "serve/gate.h"
#include "serve/loop.h"
#include "serve/parent.h"
#include "serve/settings.h"

enum {
    SERVER_HANGUP_TIMEOUT_MS = 500,     /* end of a drain: from the end of input for incomplete pushes to SIGTERM */
    SERVER_TERMINATE_TIMEOUT_MS = 2000, /* from SIGTERM to SIGKILL: git needs a moment to remove its lock files */
    SERVER_KILL_TIMEOUT_MS = 500,       /* from SIGKILL to giving up */
};

/**
 * struct server - a gate that serves; must not move from server_start() to server_deinit()
 * @gate: the shared parts
 * @crowd: the connections
 */
struct server {
    struct gate gate;
    struct crowd crowd;

    /* the rest is private to server.c */
    struct parent parent;
    struct loop_timer stage_timer;
    bool orphans_wait; /* after a child of an exchange, until that child is reaped */
};

/** a struct server that was not started */
#define SERVER_NONE ((struct server){.gate = {.listener = LISTENER_NONE}, .parent = PARENT_NONE})

/**
 * server_start() - find git, look at the repository, listen, confine the calling thread
 * @server: filled on success
 * @settings: kept by the caller until server_deinit()
 * @log: copied
 * @loop: runs the gate; kept by the caller until server_deinit()
 * @error: filled on failure
 *
 * The calling thread must have SIGPIPE and SIGXFSZ blocked or ignored, and must run the loop. The last log record of a
 * start, "serving", says what is served.
 *
 * Return: 0, GATE_E_*.
 */
int server_start(struct server *server, const struct server_settings *settings, const struct log *log,
                 struct loop *loop, struct gate_error *error);

/**
 * server_stop() - stop: the first call begins a drain, the second ends the drain, further calls change nothing
 *
 * loop_run() returns when nothing is left.
 */
void server_stop(struct server *server);

/**
 * server_parent_ended() - stop because the parent process has ended, as --die-with-parent says
 *
 * For callers that learn of it in another way than by parent_watch(). A stop that is under way continues unchanged.
 */
void server_parent_ended(struct server *server);

/**
 * server_reap_orphans() - reap ended children that belong to no exchange
 *
 * For a gate that is init, with process number 1.
 */
void server_reap_orphans(struct server *server);

/** server_deinit() - free everything, and kill what still runs */
void server_deinit(struct server *server);
