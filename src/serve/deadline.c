/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Computes when a connection's time is up, from its state, the time-outs of the settings and what it has moved last. It
 * sets no timer and ends nothing: connection.c does.
 */

#include "serve/deadline.h"

#include "serve/connection.h"
#include "serve/exchange.h"
#include "serve/server.h"

static uint64_t exchange_timeout_s(const struct connection *connection) {
    const struct server_settings *settings = connection->gate->settings;

    switch (exchange_waits_for(connection->exchange)) {
    case EXCHANGE_WAITS_FOR_GIT:
        return settings->backend_timeout_s;
    case EXCHANGE_WAITS_FOR_EXIT:
        return settings->backend_timeout_s < EXCHANGE_EXIT_TIMEOUT_S ? settings->backend_timeout_s
                                                                     : EXCHANGE_EXIT_TIMEOUT_S;
    default:
        return settings->stall_timeout_s;
    }
}

static uint64_t state_timeout_s(const struct connection *connection) {
    const struct server_settings *settings = connection->gate->settings;

    switch (connection->state) {
    case CONNECTION_IDLE:
        return settings->idle_timeout_s;
    case CONNECTION_HEAD:
        return settings->header_timeout_s;
    case CONNECTION_QUEUED:
        return connection->turn.is_brief && settings->queue_timeout_s > TURNS_BRIEF_TIMEOUT_S
                   ? TURNS_BRIEF_TIMEOUT_S
                   : settings->queue_timeout_s;
    case CONNECTION_LINGERING:
        return CONNECTION_LINGER_TIMEOUT_S;
    case CONNECTION_EXCHANGE:
        return exchange_timeout_s(connection);
    default:
        return settings->stall_timeout_s;
    }
}

static uint64_t timeout_us(const struct connection *connection) {
    uint64_t seconds = state_timeout_s(connection);

    if (connection->end_of_input && seconds > CONNECTION_SHUT_TIMEOUT_S) {
        seconds = CONNECTION_SHUT_TIMEOUT_S;
    }
    return seconds * US_PER_S;
}

/* When the request as a whole has to be done; UINT64_MAX for never. An answer of the gate's own has its own time. */
static uint64_t request_deadline_us(const struct connection *connection) {
    uint64_t seconds = connection->gate->settings->request_timeout_s;
    bool counts = connection->state == CONNECTION_BODY || connection->state == CONNECTION_QUEUED ||
                  connection->state == CONNECTION_EXCHANGE;

    return counts && seconds > 0 ? connection->request.begin_us + seconds * US_PER_S : UINT64_MAX;
}

bool deadline_is_of_request(const struct connection *connection) {
    return connection->gate->loop->now_us >= request_deadline_us(connection);
}

/* git's word that it is still there keeps a client waiting, and is no progress of git's: see exchange_is_idle(). */
uint64_t deadline_of(const struct connection *connection) {
    bool is_gits = connection->state == CONNECTION_EXCHANGE &&
                   exchange_waits_for(connection->exchange) != EXCHANGE_WAITS_FOR_CLIENT;
    uint64_t deadline_us = (is_gits ? connection->work_us : connection->progress_us) + timeout_us(connection);
    uint64_t last_us = request_deadline_us(connection);

    return deadline_us < last_us ? deadline_us : last_us;
}
