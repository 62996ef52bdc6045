/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns what systemd hears of a running gate. It looks at the server and never changes it. Counts are compared behind
 * every event of the loop until they change; then not before the interval is over, so that a busy gate neither talks
 * nor looks more than once in it, and one that rests sleeps. Nothing counts as said before it is: READY=1 in particular,
 * without which systemd would end a gate that serves.
 */

#include "cli/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "base/fd.h"
#include "cli/notify.h"

enum {
    MESSAGE_MAX = 160, /* bytes of the longest one, with three numbers of 20 digits */
};

static struct status_counts count(const struct server *server) {
    return (struct status_counts){server->n_connections, server->n_backends, server->n_queued};
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

/* Return: whether there was something to say. */
static bool say_changes(struct status *status) {
    if (status->server->stage != SERVER_SERVING && !status->is_stopping) {
        status_stopping(status); /* it was not a signal that ended it */
        return true;
    }
    if (!*status->event && !has_changed(status)) {
        return false;
    }
    say(status);
    return true;
}

/* Switches between looking behind every event, and waiting for the end of the interval. */
static int look_again(struct status *status, bool after_interval) {
    int r = sd_event_source_set_enabled(status->change_source, after_interval ? SD_EVENT_OFF : SD_EVENT_ON);

    if (r < 0 || !after_interval) {
        return r;
    }
    r = sd_event_source_set_time_relative(status->interval_source, STATUS_INTERVAL_MS * US_PER_MS);
    return r < 0 ? r : sd_event_source_set_enabled(status->interval_source, SD_EVENT_ONESHOT);
}

static int on_any_event(sd_event_source *source, void *userdata) {
    struct status *status = userdata;

    (void)source;
    return say_changes(status) ? look_again(status, true) : 0;
}

static int on_interval(sd_event_source *source, uint64_t usec, void *userdata) {
    struct status *status = userdata;

    (void)source, (void)usec;
    return look_again(status, say_changes(status));
}

static int on_watchdog(sd_event_source *source, uint64_t usec, void *userdata) {
    struct status *status = userdata;
    int r = notify_send(status->fd, "WATCHDOG=1");

    (void)usec;
    r = sd_event_source_set_time_relative(source, r < 0 ? status->watchdog_us / 4 : status->watchdog_us);
    return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* At half of what is wanted: sd_watchdog_enabled(3). A variable that makes no sense is nobody's wish. */
static int add_watchdog(struct status *status, sd_event *event) {
    uint64_t interval_us = 0;
    int r = sd_watchdog_enabled(false, &interval_us);

    if (r <= 0) {
        return 0;
    }
    status->watchdog_us = interval_us / 2 < STATUS_WATCHDOG_MIN_US ? STATUS_WATCHDOG_MIN_US : interval_us / 2;
    r = sd_event_add_time_relative(event, &status->watchdog_source, CLOCK_MONOTONIC, status->watchdog_us,
                                   status->watchdog_us / 4, on_watchdog, status);
    return r < 0 ? r : sd_event_source_set_enabled(status->watchdog_source, SD_EVENT_OFF);
}

int status_init(struct status *status, const struct server *server, sd_event *event) {
    int r;

    *status = (struct status){.server = server, .fd = notify_open(), .event = ""};
    if (status->fd < 0) {
        return 0;
    }
    r = sd_event_add_post(event, &status->change_source, on_any_event, status);
    r = r < 0 ? r : sd_event_source_set_enabled(status->change_source, SD_EVENT_OFF);
    r = r < 0 ? r
              : sd_event_add_time_relative(event, &status->interval_source, CLOCK_MONOTONIC, 0,
                                           STATUS_INTERVAL_MS * US_PER_MS / 10, on_interval, status);
    r = r < 0 ? r : sd_event_source_set_enabled(status->interval_source, SD_EVENT_OFF);
    return r < 0 ? r : add_watchdog(status, event);
}

int status_ready(struct status *status) {
    int r;

    if (status->fd < 0) {
        return 0;
    }
    status->event = "READY=1\n";
    say(status);
    r = look_again(status, true);
    if (r >= 0 && status->watchdog_source) {
        (void)notify_send(status->fd, "WATCHDOG=1");
        r = sd_event_source_set_time_relative(status->watchdog_source, status->watchdog_us);
        r = r < 0 ? r : sd_event_source_set_enabled(status->watchdog_source, SD_EVENT_ONESHOT);
    }
    return r;
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
    status->change_source = sd_event_source_disable_unref(status->change_source);
    status->interval_source = sd_event_source_disable_unref(status->interval_source);
    status->watchdog_source = sd_event_source_disable_unref(status->watchdog_source);
    status->fd = fd_close(status->fd);
}
