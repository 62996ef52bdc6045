/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "serve/server.h"

enum {
    STATUS_INTERVAL_MS = 1000,      /* between two words about counts */
    STATUS_WATCHDOG_MIN_US = 10000, /* between two signs of life, however short WATCHDOG_USEC is */
};

/** struct status_counts - what systemctl status(1) shows of a gate */
struct status_counts {
    uint64_t n_connections;
    uint64_t n_running;
    uint64_t n_queued;
};

/**
 * struct status - what systemd is told while a gate runs; all of it is status.c's own
 * @fd: to systemd; -1 when nobody wants to hear, and then nothing costs anything
 * @event: what it has to hear before the next counts, as "READY=1\n"; empty for nothing
 * @said: the counts that were sent last
 */
struct status {
    const struct server *server;
    int fd;
    const char *event;
    struct status_counts said;
    bool is_stopping;
    uint64_t watchdog_us;
    struct loop *loop;
    struct loop_timer interval_timer;
    struct loop_timer watchdog_timer;
};

#define STATUS_NONE ((struct status){.fd = -1})

/**
 * status_init() - find the way to systemd, by NOTIFY_SOCKET and WATCHDOG_USEC
 * @server: of the caller's, kept until status_deinit(); need not have been started
 * @loop: that it will be served on, whose after_round is taken
 *
 * To be called before the thread is confined, which may open no socket. status_deinit() is due.
 */
void status_init(struct status *status, const struct server *server, struct loop *loop);

/**
 * status_ready() - READY=1: clients are accepted
 *
 * From here on STATUS= follows the counts, at most once in STATUS_INTERVAL_MS and only when they change, and WATCHDOG=1
 * is sent at half the interval that systemd wants, for as long as the loop turns. What systemd has no room for, as when many
 * services start at once, is said behind the next interval.
 */
void status_ready(struct status *status);

/** status_stopping() - STOPPING=1, unless it has been said */
void status_stopping(struct status *status);

/** status_deinit() - say nothing any more, and close the way to systemd */
void status_deinit(struct status *status);
