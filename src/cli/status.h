/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "serve/server.h"

enum {
    STATUS_INTERVAL_MS = 1000,      /* between two messages about counts */
    STATUS_WATCHDOG_MIN_US = 10000, /* between two signs of life, however short WATCHDOG_USEC is */
};

/** struct status_counts - the counts that systemctl status(1) shows */
struct status_counts {
    uint64_t n_connections;
    uint64_t n_running;
    uint64_t n_queued;
};

/**
 * struct status - the messages to systemd while a gate runs; private to status.c
 * @fd: to systemd; -1 without systemd, and then nothing is done
 * @event: a message to send before the next counts, for example "READY=1\n"; empty for none
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
 * status_init() - connect to systemd, by NOTIFY_SOCKET and WATCHDOG_USEC
 * @server: owned by the caller, used until status_deinit(); need not be started yet
 * @loop: the server's loop; its after_round is used
 *
 * Call it before the thread is confined, since no socket can be made later. Call status_deinit() at the end.
 */
void status_init(struct status *status, const struct server *server, struct loop *loop);

/**
 * status_ready() - send READY=1: clients are accepted
 *
 * From now on STATUS= is sent when the counts change, at most once in STATUS_INTERVAL_MS. WATCHDOG=1 is sent at half
 * the interval that systemd wants, as long as the loop turns. A message for which the socket has no room, for example
 * when many services start at once, is sent after the next interval.
 */
void status_ready(struct status *status);

/** status_stopping() - send STOPPING=1, unless it was sent */
void status_stopping(struct status *status);

/** status_deinit() - stop sending, and close the socket */
void status_deinit(struct status *status);
