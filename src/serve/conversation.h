/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"
#include "serve/conversation_state.h"

enum {
    CONVERSATION_PARTS = 2, /* of the bytes to send: the wire, and then the exchange's chunk */
};

/*
 * These functions move a conversation from state to state. They change the state and fill the wire; then the connection
 * calls pump().
 */

/**
 * conversation_init() - begin with an accepted client, and wait for its first request
 * @client: the client's address; copied
 * @on_event: see struct conversation
 */
void conversation_init(struct conversation *conversation, struct gate *gate, const char *client,
                       void (*on_event)(void *userdata), void *userdata);

/** conversation_deinit() - end in any state: release a running exchange, and log an unfinished request */
void conversation_deinit(struct conversation *conversation);

/** conversation_step() - handle the bytes received, as the state allows. Return: whether anything moved. */
bool conversation_step(struct conversation *conversation);

/**
 * conversation_time_out() - react to a state that has lasted too long
 * @is_overdue: the request as a whole has taken too long
 */
void conversation_time_out(struct conversation *conversation, bool is_overdue);

/** conversation_drain() - take no further request: end now, or after the running request */
void conversation_drain(struct conversation *conversation);

/** conversation_give_up() - set the reason why the gate ends the current request: a static string, for the log */
void conversation_give_up(struct conversation *conversation, const char *reason);

/** conversation_needs_reset() - whether a plain close would make a cut response, which has no chunks, look whole */
bool conversation_needs_reset(const struct conversation *conversation);

/** conversation_outgoing() - find the next bytes to send, in the order of @parts; valid until the next step */
void conversation_outgoing(const struct conversation *conversation, struct span parts[CONVERSATION_PARTS]);

/** conversation_sent() - drop the first @size bytes of conversation_outgoing(), which have been sent */
void conversation_sent(struct conversation *conversation, size_t size);

/** conversation_assume_ready() - try git's pipes again, although no event came from them */
void conversation_assume_ready(struct conversation *conversation);

/**
 * conversation_counts_progress() - whether moved bytes count as progress in this state
 *
 * They do not count in a state that has a fixed time as a whole, as for a request head.
 */
static inline bool conversation_counts_progress(const struct conversation *conversation) {
    return conversation->state == CONVERSATION_BODY || conversation->state == CONVERSATION_EXCHANGE ||
           conversation->state == CONVERSATION_REPLYING;
}

/** conversation_has_worked() - whether the last bytes moved were more than git's keep-alives during a push */
static inline bool conversation_has_worked(const struct conversation *conversation) {
    return !conversation->exchange || !exchange_is_idle(conversation->exchange);
}
