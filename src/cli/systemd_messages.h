/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "serve/server.h"

enum {
    SYSTEMD_MESSAGES_INTERVAL_MS = 1000,      /* between two messages about counts */
    SYSTEMD_MESSAGES_WATCHDOG_MIN_US = 10000, /* between two signs of life, however short WATCHDOG_USEC is */
};

/** struct systemd_messages_counts - the counts that systemctl status(1) shows */
struct systemd_messages_counts {
    uint64_t n_connections;
    uint64_t n_running;
    uint64_t n_queued;
};

/**
 * struct systemd_messages - the messages to systemd while a gate runs; private to systemd_messages.c
 * @fd: to systemd; -1 without systemd, and then nothing is done
 * @event: a message to send before the next counts, for example "READY=1\n"; empty for none
 * @said: the counts that were sent last
 */
struct systemd_messages {
    const struct server *server;
    int fd;
    const char *event;
    struct systemd_messages_counts said;
    bool is_stopping;
    uint64_t watchdog_us;
    struct loop *loop;
    struct loop_timer interval_timer;
    struct loop_timer watchdog_timer;
};

#define SYSTEMD_MESSAGES_NONE ((struct systemd_messages){.fd = -1})

/**
 * systemd_messages_init() - connect to systemd, by NOTIFY_SOCKET and WATCHDOG_USEC
 * @server: owned by the caller, used until systemd_messages_deinit(); need not be started yet
 * @loop: the server's loop; its after_round is used
 *
 * Call it before the thread is confined, since no socket can be made later. Call systemd_messages_deinit() at the end.
 */
void systemd_messages_init(struct systemd_messages *messages, const struct server *server, struct loop *loop);

/**
 * systemd_messages_ready() - send READY=1: clients are accepted
 *
 * From now on STATUS= is sent when the counts change, at most once in SYSTEMD_MESSAGES_INTERVAL_MS. WATCHDOG=1 is sent
 * at half the interval that systemd wants, as long as the loop turns. A message for which the socket has no room, for
 * example when many services start at once, is sent after the next interval.
 */
void systemd_messages_ready(struct systemd_messages *messages);

/** systemd_messages_stopping() - send STOPPING=1, unless it was sent */
void systemd_messages_stopping(struct systemd_messages *messages);

/** systemd_messages_deinit() - stop sending, and close the socket */
void systemd_messages_deinit(struct systemd_messages *messages);
