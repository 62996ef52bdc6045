/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "access/verdict.h"
#include "backend/foresight.h"
#include "base/buffer.h"
#include "http/head.h"
#include "http/preview.h"
#include "http/reason.h"
#include "serve/exchange.h"
#include "serve/gate.h"
#include "serve/request_log.h"
#include "serve/turns.h"

enum {
    CONVERSATION_AHEAD_BYTES = 32 * 1024, /* of input, enough for any step: a head, or the part of a body to check */
};

/**
 * enum conversation_state - what a conversation waits for
 *
 * An arrow names a next state, and when the conversation enters it.
 *
 * CONVERSATION_IDLE: waits for the next request.
 *     -> HEAD at the first byte.
 *     -> CLOSED after the idle timeout; at end of file; at drain after DEADLINE_DRAIN_GRACE_MS, because the next
 *     request may be on its way.
 * CONVERSATION_HEAD: receives a request head. A new conversation begins here, so it cannot stay silent for long.
 *     -> BODY when the head is whole, passes all checks, and a body follows.
 *     -> EXCHANGE or QUEUED when it passes and no body follows.
 *     -> REPLYING with a cached response; with a refusal when a check fails; with 408 after the header timeout; with
 *     503 at drain; with the obstacle that obstacle.c finds; with 500 when git cannot be started or memory has run out.
 *     -> CLOSED when no byte of the request came: after the header timeout; at end of file; at drain after
 *     DEADLINE_DRAIN_GRACE_MS.
 * CONVERSATION_BODY: receives the body of a request whose head has passed. It has no process yet.
 *     -> EXCHANGE or QUEUED when the whole body has come, or CONVERSATION_AHEAD_BYTES of it, and it is well formed.
 *     -> REPLYING when it is malformed, cut short or too large; after the stall timeout or the request timeout; with an
 *     obstacle; with 500.
 * CONVERSATION_QUEUED: waits for a process, because as many run as --max-backends allows.
 *     -> EXCHANGE when its turn comes.
 *     -> REPLYING with 503 after the queue timeout or the request timeout, after TURNS_BRIEF_TIMEOUT_S if the queue was
 *     full and still is, or at drain; with an obstacle; with 500.
 * CONVERSATION_EXCHANGE: runs an exchange.
 *     -> IDLE, LINGERING or CLOSED when the exchange is complete.
 *     -> REPLYING when it failed before its response head was sent.
 *     -> CLOSED when it failed later.
 * CONVERSATION_REPLYING: sends a reply or a cached response.
 *     -> IDLE when all is sent, and CLOSED if no further request follows.
 *     -> LINGERING when the connection ends and bytes of the client are unread or may still come.
 *     -> CLOSED after the stall timeout.
 * CONVERSATION_LINGERING: sends nothing more, and drops received bytes, so that no reset overtakes the reply.
 *     -> CLOSED at end of file, or after DEADLINE_LINGER_TIMEOUT_S.
 * CONVERSATION_CLOSED: ends. The connection is freed as soon as pump() returns.
 *     Every state leads here when the client is gone. A connection that gives way is freed at once, in any state.
 */
enum conversation_state {
    CONVERSATION_IDLE,
    CONVERSATION_HEAD,
    CONVERSATION_BODY,
    CONVERSATION_QUEUED,
    CONVERSATION_EXCHANGE,
    CONVERSATION_REPLYING,
    CONVERSATION_LINGERING,
    CONVERSATION_CLOSED,
    CONVERSATION_STATE_COUNT,
};

/**
 * struct conversation - the requests and responses of one connection, one after the other
 * @client: the client's address, for the log and for git
 * @state: changed by assignment; connection.c notices it
 * @on_event: called when the request's turn has come, or something has happened to its process; the connection pumps
 * @turn: the place in the queue for a process
 * @heard_us: for crowd.c, the latest of three times: it began, it got its first response, an exchange of it ended
 * @input: bytes that the client sent and the gate has not used yet
 * @end_of_input: no more bytes will come; connection.c sets it
 * @wire: bytes to send before the exchange's chunk
 * @head, @request, @verdict, @preview, @exchange: of the current request
 * @foresight: of a push that @preview checks; otherwise NULL
 * @is_proven: a request of it has passed every check, so the client has the token
 * @yields: other connections get their turn before its next step
 * @close_after: no further request follows, and the response says so
 * @linger_after: further bytes of the request may still be on their way
 * @is_whole: the whole body of the request is in @input
 * @reset_after: the response was cut; the end of the connection must not look like the end of a whole response
 */
struct conversation {
    struct gate *gate;
    void (*on_event)(void *userdata);
    void *userdata;
    char client[INET6_ADDRSTRLEN];
    enum conversation_state state;
    struct turn turn;
    uint64_t heard_us;
    struct buffer input;
    struct buffer wire;
    struct head head;
    struct request request;
    struct verdict verdict;
    struct preview *preview;
    struct foresight *foresight;
    struct exchange *exchange;
    bool end_of_input;
    bool is_proven;
    bool yields;
    bool close_after;
    bool linger_after;
    bool is_whole;
    bool reset_after;
    bool has_responded;
};

/** conversation_state_name() - the name of a state in the log */
const char *conversation_state_name(enum conversation_state state);

/** conversation_has_request() - whether a request has begun and is not finished */
static inline bool conversation_has_request(const struct conversation *conversation) {
    return conversation->request.id != 0;
}

/** conversation_has_enough() - whether the input is so large that some of it must be used before more is read */
static inline bool conversation_has_enough(const struct conversation *conversation) {
    return buffer_size(&conversation->input) >= CONVERSATION_AHEAD_BYTES;
}

/**
 * conversation_reply() - put a reply of the gate itself on the wire, and enter CONVERSATION_REPLYING
 * @reason: static
 * @is_in_step: the gate knows where the next request begins. Otherwise the connection ends, and lingers so that the
 *              client can read the reason.
 *
 * Return: true, for "something moved".
 */
bool conversation_reply(struct conversation *conversation, enum reason code, const char *reason, bool is_in_step);

/** conversation_reply_out_of_memory() - reply that memory has run out; the head of the request must have come */
bool conversation_reply_out_of_memory(struct conversation *conversation);

/** conversation_end_preview() - free @preview and @foresight; does nothing without them */
void conversation_end_preview(struct conversation *conversation);

/** conversation_log_request() - log the current request, if there is one, and forget it */
void conversation_log_request(struct conversation *conversation);

/** conversation_finish_request() - log the request whose response was sent, and enter IDLE, LINGERING or CLOSED */
void conversation_finish_request(struct conversation *conversation);
