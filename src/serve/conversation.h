/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"
#include "serve/conversation_state.h"

enum {
    CONVERSATION_PARTS = 2, /* that go out one behind the other: what is on the wire, and the exchange's chunk */
};

/*
 * The moves between the states (see enum conversation_state). They change the state and fill the wire; the connection
 * pumps afterwards.
 */

/**
 * conversation_init() - a client was accepted, and its first request is awaited
 * @client: its address; copied
 * @on_event: see struct conversation
 */
void conversation_init(struct conversation *conversation, struct gate *gate, const char *client,
                       void (*on_event)(void *userdata), void *userdata);

/** conversation_deinit() - end it whatever its state; a running exchange is told to end, a request is logged */
void conversation_deinit(struct conversation *conversation);

/** conversation_step() - do what the state asks for with what has come. Return: whether anything moved. */
bool conversation_step(struct conversation *conversation);

/**
 * conversation_time_out() - the state has lasted too long
 * @is_overdue: the request as a whole took too long
 */
void conversation_time_out(struct conversation *conversation, bool is_overdue);

/** conversation_drain() - take no further request: end at once when none is running, else behind it */
void conversation_drain(struct conversation *conversation);

/** conversation_give_up() - it is about to end for a @reason of the gate's own, which is static and goes into the log */
void conversation_give_up(struct conversation *conversation, const char *reason);

/** conversation_needs_reset() - whether closing now would make a cut response look whole, as without chunks */
bool conversation_needs_reset(const struct conversation *conversation);

/** conversation_outgoing() - what is to be sent next, in this order; valid until the next step */
void conversation_outgoing(const struct conversation *conversation, struct span parts[CONVERSATION_PARTS]);

/** conversation_sent() - the first @size bytes of it were sent */
void conversation_sent(struct conversation *conversation, size_t size);

/** conversation_assume_ready() - look at git's ends of the pipes again, though nothing was heard of them */
void conversation_assume_ready(struct conversation *conversation);

/** conversation_counts_progress() - whether bytes that moved are progress; not where one thing is awaited as a whole */
static inline bool conversation_counts_progress(const struct conversation *conversation) {
    return conversation->state == CONVERSATION_BODY || conversation->state == CONVERSATION_EXCHANGE ||
           conversation->state == CONVERSATION_REPLYING;
}

/** conversation_has_worked() - whether what moved last was more than git's word that a push is still being worked on */
static inline bool conversation_has_worked(const struct conversation *conversation) {
    return !conversation->exchange || !exchange_is_idle(conversation->exchange);
}
