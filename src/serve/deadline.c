/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Computes the deadline of a conversation from its state, the time-outs in the settings, and the time of its last
 * progress. It sets no timer and ends nothing: connection.c does.
 */

#include "serve/deadline.h"

#include "serve/conversation.h"

static uint64_t exchange_timeout_s(const struct conversation *conversation) {
    const struct server_settings *settings = conversation->gate->settings;

    switch (exchange_waits_for(conversation->exchange)) {
    case EXCHANGE_WAITS_FOR_GIT:
        return settings->backend_timeout_s;
    case EXCHANGE_WAITS_FOR_EXIT:
        return settings->backend_timeout_s < EXCHANGE_EXIT_TIMEOUT_S ? settings->backend_timeout_s
                                                                     : EXCHANGE_EXIT_TIMEOUT_S;
    default:
        return settings->stall_timeout_s;
    }
}

static uint64_t state_timeout_s(const struct conversation *conversation) {
    const struct server_settings *settings = conversation->gate->settings;

    switch (conversation->state) {
    case CONVERSATION_IDLE:
        return settings->idle_timeout_s;
    case CONVERSATION_HEAD:
        return settings->header_timeout_s;
    case CONVERSATION_QUEUED:
        return conversation->turn.is_brief && settings->queue_timeout_s > TURNS_BRIEF_TIMEOUT_S
                   ? TURNS_BRIEF_TIMEOUT_S
                   : settings->queue_timeout_s;
    case CONVERSATION_LINGERING:
        return DEADLINE_LINGER_TIMEOUT_S;
    case CONVERSATION_EXCHANGE:
        return exchange_timeout_s(conversation);
    default:
        return settings->stall_timeout_s;
    }
}

/* Whether no request of the client has begun. */
static bool is_silent(const struct conversation *conversation) {
    return !conversation_has_request(conversation) &&
           (conversation->state == CONVERSATION_IDLE || conversation->state == CONVERSATION_HEAD);
}

static uint64_t timeout_us(const struct conversation *conversation) {
    uint64_t seconds = state_timeout_s(conversation);

    if (is_silent(conversation) && conversation->gate->stage != GATE_SERVING) {
        return DEADLINE_DRAIN_GRACE_MS * US_PER_MS;
    }
    if (conversation->end_of_input && seconds > DEADLINE_SHUT_TIMEOUT_S) {
        seconds = DEADLINE_SHUT_TIMEOUT_S;
    }
    return seconds * US_PER_S;
}

/* The deadline of the request as a whole; UINT64_MAX for none. Sending a reply does not count. */
static uint64_t request_deadline_us(const struct conversation *conversation) {
    uint64_t seconds = conversation->gate->settings->request_timeout_s;
    bool counts = conversation->state == CONVERSATION_BODY || conversation->state == CONVERSATION_QUEUED ||
                  conversation->state == CONVERSATION_EXCHANGE;

    return counts && seconds > 0 ? conversation->request.begin_us + seconds * US_PER_S : UINT64_MAX;
}

bool deadline_is_of_request(const struct conversation *conversation) {
    return conversation->gate->loop->now_us >= request_deadline_us(conversation);
}

/*
 * git's keep-alives count as progress while the gate waits for the client, but not while it waits for git:
 * exchange_is_idle().
 */
uint64_t deadline_of(const struct conversation *conversation, const struct deadline_marks *marks) {
    bool waits_for_git = conversation->state == CONVERSATION_EXCHANGE &&
                         exchange_waits_for(conversation->exchange) != EXCHANGE_WAITS_FOR_CLIENT;
    uint64_t deadline_us = (waits_for_git ? marks->work_us : marks->progress_us) + timeout_us(conversation);
    uint64_t last_us = request_deadline_us(conversation);

    return deadline_us < last_us ? deadline_us : last_us;
}
