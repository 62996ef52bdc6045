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
    ADMISSION_LOG_INTERVAL_S = 10, /* between two records about one shortage */
};

/** admission_start() - accept clients from server->listener. Return: 0, GATE_E_INTERNAL. */
int admission_start(struct server *server, struct gate_error *error);

/** admission_stop() - accept nobody any more */
void admission_stop(struct server *server);

/** admission_resume() - a connection has ended, or could give way now: accept again if that had to cease */
void admission_resume(struct server *server);
