/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A whole gate inside the fuzz target: the serve loop is stepped by hand, on the one thread that plays the clients too. Its
 * monotonic clock stands still but for site_advance(), so no time-out depends on how busy the machine is.
 */

#include <stdbool.h>
#include <stdint.h>

#include "gitgate.h"
#include "serve/loop.h"
#include "serve/server.h"

enum {
    SITE_BYTES = 3,            /* that say how the gate is set up */
    SITE_CHILDREN_BYTES = 256, /* of a list of processes */
};

/**
 * struct site - a gate that runs
 * @address: what clients connect to
 * @log_fd: a file in memory
 * @n_open, @children: descriptors and children of this process before it was started
 */
struct site {
    struct gate_config *config;
    struct loop loop;
    struct server server;
    char address[LISTENER_ADDRESS_MAX];
    int log_fd;
    bool is_json;
    bool logs_all;
    size_t n_open;
    char children[SITE_CHILDREN_BYTES];
};

/** site_prepare() - once: a folder with a repository, and a child in git's place */
void site_prepare(void);

/** site_start() - @bytes: the transport, limits and the log */
void site_start(struct site *site, const uint8_t bytes[SITE_BYTES]);

/** site_round() - one round, which waits up to @max_ms in real time. Return: whether anything had happened. */
bool site_round(struct site *site, int max_ms);

/** site_advance() - the gate's clock goes on */
void site_advance(uint64_t us);

/** site_has_stopped() - whether there is no more to step */
static inline bool site_has_stopped(const struct site *site) {
    return site->server.gate.stage == GATE_STOPPED;
}

/** site_real_ms() - time that the fuzz target cannot set */
uint64_t site_real_ms(void);

/** site_end() - take the gate apart; no process of it is left, no socket, and nothing is amiss in its log */
void site_end(struct site *site);

/** site_check_open() - when the clients are gone as well, as many descriptors are open as before the gate was started */
void site_check_open(const struct site *site);
