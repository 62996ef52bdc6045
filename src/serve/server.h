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
    SERVER_HANGUP_TIMEOUT_MS = 500,     /* from the end of the drain, and of incomplete pushes' input, to SIGTERM */
    SERVER_TERMINATE_TIMEOUT_MS = 2000, /* from SIGTERM to SIGKILL, for git to remove its lock files */
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
    bool orphans_wait; /* to be reaped after a child of an exchange */
};

/** SERVER_NONE - a struct server that was not started */
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
 * start, "serving", names the address and the repositories.
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
 * For callers that do not learn it from parent_watch(). A gate that is already stopping continues unchanged.
 */
void server_parent_ended(struct server *server);

/**
 * server_reap_orphans() - reap ended children that belong to no exchange
 *
 * For a gate that is init, with process number 1.
 */
void server_reap_orphans(struct server *server);

/** server_deinit() - free everything, and kill processes that still run */
void server_deinit(struct server *server);
