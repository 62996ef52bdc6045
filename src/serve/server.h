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
    SERVER_HANGUP_TIMEOUT_MS = 500,     /* at the end of a drain: for pushes that have not come whole, to SIGTERM */
    SERVER_TERMINATE_TIMEOUT_MS = 2000, /* from SIGTERM to SIGKILL: git needs a moment to remove its lock files */
    SERVER_KILL_TIMEOUT_MS = 500,       /* from SIGKILL to giving up */
};

/**
 * struct server - a gate that serves; it stays where it is from server_start() to server_deinit()
 * @gate: what it is made of
 * @crowd: its connections
 */
struct server {
    struct gate gate;
    struct crowd crowd;

    /* the rest is server.c's own */
    struct parent parent;
    struct loop_timer stage_timer;
    bool orphans_wait; /* behind a child of an exchange's, to be reaped when that is */
};

/** struct server that was not started */
#define SERVER_NONE ((struct server){.gate = {.listener = LISTENER_NONE}, .parent = PARENT_NONE})

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

/**
 * server_parent_ended() - the process that started this one has ended: stop, as --die-with-parent says
 *
 * For whoever has learnt of it in another way than parent_watch(). A stop that is under way goes on as it is.
 */
void server_parent_ended(struct server *server);

/** server_reap_orphans() - reap ended children that are no exchange's own, for a gate that is init: getpid() is 1 */
void server_reap_orphans(struct server *server);

/** server_deinit() - free everything; what still runs is killed */
void server_deinit(struct server *server);
