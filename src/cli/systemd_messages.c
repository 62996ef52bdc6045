/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tells systemd the state of a running gate. It reads the server and never changes it.
 *
 * Counts are compared after each round of the loop until they change, and then not again before the interval is over.
 * So a busy gate compares and sends at most once in an interval, and an idle one sleeps. A message counts as sent only
 * when the socket took it. That matters for READY=1: without it systemd would end a gate that serves.
 */

#include "cli/systemd_messages.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/fd.h"
#include "cli/systemd_environ.h"
#include "cli/systemd_socket.h"

enum {
    MESSAGE_MAX = 160, /* bytes of the longest one, with three numbers of 20 digits */
};

static struct systemd_messages_counts count(const struct server *server) {
    return (struct systemd_messages_counts){server->crowd.n_connections, server->gate.turns.n_running,
                                            server->gate.turns.n_waiting};
}

static bool has_changed(const struct systemd_messages *messages) {
    const struct systemd_messages_counts now = count(messages->server);

    return now.n_connections != messages->said.n_connections || now.n_running != messages->said.n_running ||
           now.n_queued != messages->said.n_queued;
}

static void say(struct systemd_messages *messages) {
    const struct systemd_messages_counts now = count(messages->server);
    char message[MESSAGE_MAX];

    (void)snprintf(message, sizeof(message),
                   "%sSTATUS=%s%" PRIu64 " connections, %" PRIu64 " requests running, %" PRIu64 " queued",
                   messages->event, messages->is_stopping ? "stopping, " : "", now.n_connections, now.n_running,
                   now.n_queued);
    if (systemd_socket_send(messages->fd, message) == 0) {
        messages->event = "";
        messages->said = now;
    }
}

/* Return: whether there was something to send. */
static bool say_changes(struct systemd_messages *messages) {
    if (messages->server->gate.stage != GATE_SERVING && !messages->is_stopping) {
        systemd_messages_stopping(messages); /* the server stops for another reason than a signal */
        return true;
    }
    if (!*messages->event && !has_changed(messages)) {
        return false;
    }
    say(messages);
    return true;
}

static void on_round(void *userdata);
static void on_interval(void *userdata);

/* Switches between comparing after every round, and waiting for the end of the interval. */
static void look_again(struct systemd_messages *messages, bool after_interval) {
    struct loop *loop = messages->loop;

    loop->after_round = after_interval ? NULL : on_round;
    loop->after_round_userdata = messages;
    if (after_interval) {
        loop_timer_set(loop, &messages->interval_timer, loop->now_us + SYSTEMD_MESSAGES_INTERVAL_MS * US_PER_MS,
                       on_interval, messages);
    }
}

static void on_round(void *userdata) {
    struct systemd_messages *messages = userdata;

    if (say_changes(messages)) {
        look_again(messages, true);
    }
}

static void on_interval(void *userdata) {
    struct systemd_messages *messages = userdata;

    look_again(messages, say_changes(messages));
}

/* Runs at half the interval that systemd wants, or sooner if the socket had no room for the last message. */
static void on_watchdog(void *userdata) {
    struct systemd_messages *messages = userdata;
    bool is_said = systemd_socket_send(messages->fd, "WATCHDOG=1") == 0;

    loop_timer_set(messages->loop, &messages->watchdog_timer,
                   messages->loop->now_us + (is_said ? messages->watchdog_us : messages->watchdog_us / 4), on_watchdog,
                   messages);
}

void systemd_messages_init(struct systemd_messages *messages, const struct server *server, struct loop *loop) {
    uint64_t interval_us = systemd_environ_watchdog_us();

    *messages = (struct systemd_messages){.server = server, .loop = loop, .fd = systemd_socket_open(), .event = ""};
    if (interval_us > 0) {
        messages->watchdog_us =
            interval_us / 2 < SYSTEMD_MESSAGES_WATCHDOG_MIN_US ? SYSTEMD_MESSAGES_WATCHDOG_MIN_US : interval_us / 2;
    }
}

void systemd_messages_ready(struct systemd_messages *messages) {
    if (messages->fd < 0) {
        return;
    }
    if (messages->watchdog_us > 0) {
        on_watchdog(messages);
    }
    messages->event = "READY=1\n";
    say(messages);
    look_again(messages, true);
}

void systemd_messages_stopping(struct systemd_messages *messages) {
    if (messages->fd < 0) {
        return;
    }
    if (!messages->is_stopping) {
        messages->is_stopping = true;
        messages->event = "STOPPING=1\n";
    }
    if (*messages->event) {
        say(messages);
    }
}

void systemd_messages_deinit(struct systemd_messages *messages) {
    if (messages->loop) {
        messages->loop->after_round = NULL;
    }
    loop_timer_clear(&messages->interval_timer);
    loop_timer_clear(&messages->watchdog_timer);
    messages->fd = fd_close(messages->fd);
}
