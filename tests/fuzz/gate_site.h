/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A whole gate inside the fuzz target. The thread that plays the clients also steps the serve loop. The gate's
 * monotonic clock moves only by site_advance(), so no time-out depends on other work of the machine.
 */

#include <stdbool.h>
#include <stdint.h>

#include "gitgate.h"
#include "serve/loop.h"
#include "serve/server.h"

enum {
    SITE_BYTES = 3,            /* that set the gate up */
    SITE_CHILDREN_BYTES = 256, /* of a list of processes */
};

/**
 * struct site - a running gate
 * @address: clients connect to it
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

/** site_prepare() - make a folder with a repository and a child in git's place; called once */
void site_prepare(void);

/** site_start() - start the gate; @bytes choose the transport, limits and the log */
void site_start(struct site *site, const uint8_t bytes[SITE_BYTES]);

/** site_round() - run one round, waiting up to @max_ms in real time. Return: whether anything had happened */
bool site_round(struct site *site, int max_ms);

/** site_advance() - move the gate's clock on */
void site_advance(uint64_t us);

/** site_has_stopped() - tell whether the loop has ended */
static inline bool site_has_stopped(const struct site *site) {
    return site->server.gate.stage == GATE_STOPPED;
}

/** site_real_ms() - the real time, which the fuzz target cannot set */
uint64_t site_real_ms(void);

/** site_end() - take the gate apart; check that it leaves no process and no socket, and check its log */
void site_end(struct site *site);

/** site_check_open() - after the clients' end, check that as many descriptors are open as before the gate's start */
void site_check_open(const struct site *site);
