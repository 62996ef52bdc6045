/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Sends the status of a running gate to systemd. It reads the server and never changes it.
 *
 * Counts are compared after each round of the loop until they change, and then not again before the interval is over.
 * So a busy gate compares and sends at most once in an interval, and an idle one sleeps. A message counts as sent only
 * when the socket took it. That matters for READY=1: without it systemd would end a gate that serves.
 */

#include "cli/status.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/fd.h"
#include "cli/notify.h"
#include "cli/systemd.h"

enum {
    MESSAGE_MAX = 160, /* bytes of the longest one, with three numbers of 20 digits */
};

static struct status_counts count(const struct server *server) {
    return (struct status_counts){server->crowd.n_connections, server->gate.turns.n_running,
                                  server->gate.turns.n_waiting};
}

static bool has_changed(const struct status *status) {
    const struct status_counts now = count(status->server);

    return now.n_connections != status->said.n_connections || now.n_running != status->said.n_running ||
           now.n_queued != status->said.n_queued;
}

static void say(struct status *status) {
    const struct status_counts now = count(status->server);
    char message[MESSAGE_MAX];

    (void)snprintf(message, sizeof(message),
                   "%sSTATUS=%s%" PRIu64 " connections, %" PRIu64 " requests running, %" PRIu64 " queued",
                   status->event, status->is_stopping ? "stopping, " : "", now.n_connections, now.n_running,
                   now.n_queued);
    if (notify_send(status->fd, message) == 0) {
        status->event = "";
        status->said = now;
    }
}

/* Return: whether there was something to send. */
static bool say_changes(struct status *status) {
    if (status->server->gate.stage != GATE_SERVING && !status->is_stopping) {
        status_stopping(status); /* the server stops for another reason than a signal */
        return true;
    }
    if (!*status->event && !has_changed(status)) {
        return false;
    }
    say(status);
    return true;
}

static void on_round(void *userdata);
static void on_interval(void *userdata);

/* Switches between comparing after every round, and waiting for the end of the interval. */
static void look_again(struct status *status, bool after_interval) {
    struct loop *loop = status->loop;

    loop->after_round = after_interval ? NULL : on_round;
    loop->after_round_userdata = status;
    if (after_interval) {
        loop_timer_set(loop, &status->interval_timer, loop->now_us + STATUS_INTERVAL_MS * US_PER_MS, on_interval,
                       status);
    }
}

static void on_round(void *userdata) {
    struct status *status = userdata;

    if (say_changes(status)) {
        look_again(status, true);
    }
}

static void on_interval(void *userdata) {
    struct status *status = userdata;

    look_again(status, say_changes(status));
}

/* Runs at half the interval that systemd wants, or sooner if the socket had no room for the last message. */
static void on_watchdog(void *userdata) {
    struct status *status = userdata;
    bool is_said = notify_send(status->fd, "WATCHDOG=1") == 0;

    loop_timer_set(status->loop, &status->watchdog_timer,
                   status->loop->now_us + (is_said ? status->watchdog_us : status->watchdog_us / 4), on_watchdog,
                   status);
}

void status_init(struct status *status, const struct server *server, struct loop *loop) {
    uint64_t interval_us = systemd_watchdog_us();

    *status = (struct status){.server = server, .loop = loop, .fd = notify_open(), .event = ""};
    if (interval_us > 0) {
        status->watchdog_us = interval_us / 2 < STATUS_WATCHDOG_MIN_US ? STATUS_WATCHDOG_MIN_US : interval_us / 2;
    }
}

void status_ready(struct status *status) {
    if (status->fd < 0) {
        return;
    }
    if (status->watchdog_us > 0) {
        on_watchdog(status);
    }
    status->event = "READY=1\n";
    say(status);
    look_again(status, true);
}

void status_stopping(struct status *status) {
    if (status->fd < 0) {
        return;
    }
    if (!status->is_stopping) {
        status->is_stopping = true;
        status->event = "STOPPING=1\n";
    }
    if (*status->event) {
        say(status);
    }
}

void status_deinit(struct status *status) {
    if (status->loop) {
        status->loop->after_round = NULL;
    }
    loop_timer_clear(&status->interval_timer);
    loop_timer_clear(&status->watchdog_timer);
    status->fd = fd_close(status->fd);
}
