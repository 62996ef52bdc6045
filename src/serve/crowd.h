/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "serve/connection.h"
#include "serve/gate.h"
#include "serve/loop.h"

enum {
    CROWD_ACCEPT_BATCH = 64,   /* clients accepted in one round */
    CROWD_PAUSE_MS = 100,      /* without accepting, when descriptors or memory have run out */
    CROWD_GRACE_MS = 500,      /* a client's time to send something before it gives way */
    CROWD_SHORT_GRACE_MS = 10, /* the same, when most connections have no request that has passed the checks */
    CROWD_LOG_INTERVAL_S = 10, /* between two records about the same shortage */
    CROWD_MANY = 16,           /* after this many connections, memory is returned at once */
    CROWD_TRIM_DELAY_S = 1,    /* before memory is returned after fewer connections */
};

/**
 * struct crowd - all connections of a gate
 *
 * The rest is private to crowd.c.
 */
struct crowd {
    uint64_t n_connections;
    struct gate *gate;
    void (*on_end)(void *userdata);
    void (*on_shut)(void *userdata);
    void *userdata;
    struct connection_owner owner;
    struct connection_list connections;
    uint64_t n_connections_peak; /* the maximum since memory was last returned */
    struct loop_io accept_io;
    bool is_accepting;
    struct loop_timer pause_timer;
    bool is_paused;
    uint64_t pause_logged_us;
    uint64_t full_logged_us;
    struct loop_timer trim_timer;
};

/**
 * crowd_init() - begin without connections, and without accepting
 * @gate: kept by the caller until crowd_deinit()
 * @on_end: a connection has ended
 * @on_shut: the listening socket was shut down from outside, so no client can connect any more
 */
void crowd_init(struct crowd *crowd, struct gate *gate, void (*on_end)(void *userdata), void (*on_shut)(void *userdata),
                void *userdata);

/** crowd_start() - accept clients from gate->listener. Return: 0, GATE_E_INTERNAL. */
int crowd_start(struct crowd *crowd, struct gate_error *error);

/** crowd_stop() - stop accepting */
void crowd_stop(struct crowd *crowd);

/** crowd_drain() - let no connection take a further request: connection_drain() */
void crowd_drain(struct crowd *crowd);

/** crowd_end() - close all connections; @reason, a static string, is logged for the requests that this ends */
void crowd_end(struct crowd *crowd, const char *reason);

/** crowd_deinit() - stop accepting, and free all connections */
void crowd_deinit(struct crowd *crowd);
