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

/** enum exchange_wait - who has to do something for an exchange to go on */
enum exchange_wait {
    EXCHANGE_WAITS_FOR_CLIENT,
    EXCHANGE_WAITS_FOR_GIT,
    EXCHANGE_WAITS_FOR_EXIT,
};

/**
 * exchange_start() - start git for a request that passed every check
 * @exchangep: owned by the caller, until exchange_release()
 * @client: copied; what it points to stays until then
 * @head: consumed from the input buffer; it stays where it is until the body is consumed
 * @verdict: what the checks found
 * @is_whole: all of the body is in the client's input; false when there is none
 *
 * upload-pack answers while it still reads, and git's client does not read before it has sent everything. So the body of a
 * fetch that is not whole is collected first, and git is started when it is.
 *
 * Return: 0 or a negative errno when git cannot be started, of which the log has a record: reply 500.
 */
int exchange_start(struct exchange **exchangep, struct gate *gate, const struct exchange_client *client,
                   struct head *head, const struct verdict *verdict, bool is_whole);

/**
 * exchange_pump() - move bytes until nothing moves: from the client's input to git, from git into @output, and into
 * the client's wire whatever is to be sent before the next @chunk_left bytes
 *
 * Return: whether anything moved.
 */
bool exchange_pump(struct exchange *exchange);

/** exchange_sent() - the client was sent @size of the @chunk_left bytes */
void exchange_sent(struct exchange *exchange, size_t size);

/** exchange_waits_for() - whom the exchange waits for while nothing moves */
enum exchange_wait exchange_waits_for(const struct exchange *exchange);

/**
 * exchange_is_idle() - whether what moved last was nothing but git's word that a push is still being worked on
 *
 * receive-pack says so every five seconds, also while a hook hangs that never returns, so it is no progress. upload-pack
 * says the same while git counts objects and packs them, and no program of the operator's is in between: there it is
 * progress, for a large repository may take longer than --backend-timeout, and --request-timeout bounds it.
 */
static inline bool exchange_is_idle(const struct exchange *exchange) {
    return exchange->pushes && exchange->packets.is_idle;
}

/**
 * exchange_time_out() - on to EXCHANGE_FAILED or EXCHANGE_CUT
 * @is_overdue: the request as a whole took too long; otherwise whoever is waited for did
 */
void exchange_time_out(struct exchange *exchange, bool is_overdue);

/** exchange_assume_ready() - look at git's ends of the pipes again, though nothing was heard of them */
static inline void exchange_assume_ready(struct exchange *exchange) {
    exchange->input_ready = exchange->output_ready = true;
}

/** exchange_end_of_input() - the client will send no more: a failure unless all of the body has come */
void exchange_end_of_input(struct exchange *exchange);

/** exchange_body_bytes() - of the request body that have come, without framing */
static inline uint64_t exchange_body_bytes(const struct exchange *exchange) {
    return content_body_bytes(&exchange->content);
}

/** exchange_is_consumed() - whether the whole request body has been taken from the client's input */
static inline bool exchange_is_consumed(const struct exchange *exchange) {
    return exchange->consumed;
}
