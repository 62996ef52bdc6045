/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "access/verdict.h"
#include "http/head.h"
#include "serve/exchange_process.h"

enum {
    EXCHANGE_EXIT_TIMEOUT_S = 30, /* for git to exit after the end of its output */
};

/** enum exchange_wait - the event without which an exchange cannot go on */
enum exchange_wait {
    EXCHANGE_WAITS_FOR_CLIENT, /* the client sends or takes bytes */
    EXCHANGE_WAITS_FOR_GIT,    /* git takes or writes bytes */
    EXCHANGE_WAITS_FOR_EXIT,   /* git exits after the end of its output */
};

/**
 * exchange_start() - start git for a request that has passed every check
 * @exchangep: owned by the caller, until exchange_release()
 * @client: copied; its pointers stay valid until then
 * @head: its bytes are no longer in the input; the struct must not move until the body is consumed
 * @verdict: the result of the checks
 * @is_whole: the whole body is in the client's input; false without a body
 *
 * upload-pack writes while it still reads, and git's client does not read before it has sent everything. So if the body
 * of a fetch is not whole, it is collected first, and git starts when it is whole.
 *
 * Return: 0, or a negative errno when git cannot be started. The failure is logged; the caller replies with 500.
 */
int exchange_start(struct exchange **exchangep, struct gate *gate, const struct exchange_client *client,
                   struct head *head, const struct verdict *verdict, bool is_whole);

/**
 * exchange_pump() - move bytes, one step in each direction
 *
 * Request bytes move from the client's input to git, and git's output into @output. The bytes to send before the next
 * @chunk_left bytes go onto the client's wire.
 *
 * Return: whether anything moved.
 */
bool exchange_pump(struct exchange *exchange);

/** exchange_sent() - drop @size of the @chunk_left bytes, which were sent */
void exchange_sent(struct exchange *exchange, size_t size);

/** exchange_waits_for() - the event that the exchange waits for while nothing moves */
enum exchange_wait exchange_waits_for(const struct exchange *exchange);

/**
 * exchange_is_idle() - whether the last output of a push was only git's keep-alives
 *
 * receive-pack sends one every five seconds, even while a hook hangs for ever. So for a push they are no progress.
 * upload-pack sends them, too, while git counts and packs objects. It runs no program of the operator that could hang,
 * and a large repository may take it longer than --backend-timeout. So for a fetch they are progress, and
 * --request-timeout bounds the whole.
 */
static inline bool exchange_is_idle(const struct exchange *exchange) {
    return exchange->pushes && exchange->packets.is_idle;
}

/**
 * exchange_time_out() - enter EXCHANGE_FAILED or EXCHANGE_CUT, because the time is over
 * @is_overdue: the request as a whole took too long; otherwise the event of exchange_waits_for() did
 */
void exchange_time_out(struct exchange *exchange, bool is_overdue);

/** exchange_assume_ready() - try git's pipes again, although no event came from them */
static inline void exchange_assume_ready(struct exchange *exchange) {
    exchange->input_ready = exchange->output_ready = true;
}

/** exchange_end_of_input() - fail unless the whole body has come, because the client sends no more */
void exchange_end_of_input(struct exchange *exchange);

/** exchange_body_bytes() - how many bytes of the request body have come, without framing */
static inline uint64_t exchange_body_bytes(const struct exchange *exchange) {
    return content_body_bytes(&exchange->content);
}

/** exchange_is_consumed() - whether the whole request body was taken from the client's input, so none is left there */
static inline bool exchange_is_consumed(const struct exchange *exchange) {
    return exchange->consumed;
}
