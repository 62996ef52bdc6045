/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct connection;
struct server;

enum {
    ADMISSION_ACCEPT_BATCH = 64,   /* clients accepted before others get their turn */
    ADMISSION_PAUSE_MS = 100,      /* when the system is out of descriptors or memory */
    ADMISSION_GRACE_MS = 500,      /* for a client to say something before it gives way */
    ADMISSION_CROWD_GRACE_MS = 10, /* the same when most have proved nothing */
    ADMISSION_MAX_SPARE = 16,      /* at the most: connections that no request may take to wait for long */
    ADMISSION_BRIEF_TIMEOUT_S = 2, /* for a request to wait when the queue is full */
    ADMISSION_LOG_INTERVAL_S = 10, /* between two records about one shortage */
};

/** admission_start() - accept clients from server->listener. Return: 0, GATE_E_INTERNAL. */
int admission_start(struct server *server, struct gate_error *error);

/** admission_stop() - accept nobody any more; who waits for a process goes on waiting */
void admission_stop(struct server *server);

/** admission_resume() - a connection has ended, or could give way now: accept again if that had to cease */
void admission_resume(struct server *server);

/** admission_has_process() - whether another process may be started, for a request that does not wait in the queue yet */
bool admission_has_process(const struct server *server);

/**
 * admission_enqueue() - wait for a process, first come first served
 *
 * @connection->waits_briefly says whether the queue was full.
 */
void admission_enqueue(struct server *server, struct connection *connection);

/** admission_queue_is_full() - whether more requests wait than there are places */
bool admission_queue_is_full(const struct server *server);

/** admission_dequeue() - wait no longer; nothing if it does not wait */
void admission_dequeue(struct server *server, struct connection *connection);

/** admission_serve_queue() - a process has become free: let in those whose turn it is */
void admission_serve_queue(struct server *server);
