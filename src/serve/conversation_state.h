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
#include "serve/request.h"
#include "serve/turns.h"

enum {
    CONVERSATION_AHEAD_BYTES = 32 * 1024, /* of the input, waited for: a whole head, or what is previewed of a body */
};

/**
 * enum conversation_state - what a client is doing
 *
 * CONVERSATION_IDLE:
 *     Between requests. -> HEAD at the first byte; CLOSED after the idle timeout, at end of file, and at drain after
 *     DEADLINE_DRAIN_GRACE_MS, as the next request may be on its way.
 * CONVERSATION_HEAD:
 *     A request head is coming in; a new conversation begins here, so that it cannot sit silent for long. -> BODY,
 *     EXCHANGE or QUEUED when it is whole and passes; REPLYING with a kept response, or when it does not pass, with 408
 *     after the header timeout, with 503 at drain, with what is in git's way (obstacle.c), or with 500 when git cannot be
 *     started or memory is out; CLOSED when nothing came at all, at drain after DEADLINE_DRAIN_GRACE_MS.
 * CONVERSATION_BODY:
 *     The body of a request that passed is coming in, and nothing is started for it yet. -> EXCHANGE or QUEUED when it is
 *     whole, or CONVERSATION_AHEAD_BYTES of it are there, and well formed; REPLYING when it is not, after the stall
 *     timeout or the request timeout, with what is in git's way, or with 500.
 * CONVERSATION_QUEUED:
 *     All processes are taken. -> EXCHANGE in turn; REPLYING with 503 after the queue timeout, after
 *     TURNS_BRIEF_TIMEOUT_S when the queue was and is full, or at drain; or with what is in git's way, or 500.
 * CONVERSATION_EXCHANGE:
 *     An exchange runs. -> IDLE, LINGERING or CLOSED when it is complete; REPLYING when it failed before its response head
 *     was sent; CLOSED when it failed later.
 * CONVERSATION_REPLYING:
 *     A reply or a kept response goes out. -> IDLE; LINGERING when the request's bytes are not all read or not understood.
 * CONVERSATION_LINGERING:
 *     Nothing is sent any more; what still comes is dropped until end of file or DEADLINE_LINGER_TIMEOUT_S, so that a
 *     reset does not overtake the reply. -> CLOSED.
 * CONVERSATION_CLOSED:
 *     The connection is freed as soon as its pump returns. Every state comes here when the client is gone; one that gives
 *     way is freed at once.
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
 * struct conversation - what is said on one connection, request after request
 * @client: its address, for the log and for git
 * @state: changed by assignment, which connection.c notices
 * @on_event: somebody's turn has come, or something has happened to a process: the connection pumps
 * @turn: its place in the queue for a process
 * @heard_us: when it began, got its first response, or when its last process ended, for crowd.c
 * @input: what the client sent and nobody has taken yet
 * @end_of_input: no more will come; connection.c says so
 * @wire: what goes out before the exchange's chunk
 * @head, @request, @verdict, @preview, @exchange: of the current request
 * @foresight: of the push that @preview looks at; NULL for anything else
 * @is_proven: a request on it has passed every check, so its client holds the token
 * @yields: others go first before it is stepped again
 * @close_after: no further request follows, and the response says so
 * @linger_after: bytes of the request may be on their way still
 * @is_whole: the body of the request is in @input
 * @reset_after: its end must not look like that of a whole response
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

/** conversation_state_name() - for the log */
const char *conversation_state_name(enum conversation_state state);

/** conversation_has_request() - whether a request has begun and is not finished */
static inline bool conversation_has_request(const struct conversation *conversation) {
    return conversation->request.id != 0;
}

/** conversation_has_enough() - whether so much input is there that no more is read before some of it is taken */
static inline bool conversation_has_enough(const struct conversation *conversation) {
    return buffer_size(&conversation->input) >= CONVERSATION_AHEAD_BYTES;
}

/**
 * conversation_reply() - on to CONVERSATION_REPLYING, with a line of the gate's own
 * @reason: static
 * @is_in_step: where the next request begins is known; otherwise the connection ends, and lingers so that the client gets
 *              to read why
 *
 * Return: true, for "something moved".
 */
bool conversation_reply(struct conversation *conversation, enum reason code, const char *reason, bool is_in_step);

/** conversation_reply_out_of_memory() - the same, for a request whose head has come */
bool conversation_reply_out_of_memory(struct conversation *conversation);

/** conversation_end_preview() - drop what looks at the body ahead; fine when nothing does */
void conversation_end_preview(struct conversation *conversation);

/** conversation_log_request() - the current request, if there is one, is over */
void conversation_log_request(struct conversation *conversation);

/** conversation_finish_request() - the response has gone out: on to IDLE, LINGERING or CLOSED */
void conversation_finish_request(struct conversation *conversation);
