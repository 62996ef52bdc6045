/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of an exchange share, and nobody else uses. */

#include "serve/exchange.h"

static inline bool exchange_is_running(const struct exchange *exchange) {
    return exchange->state == EXCHANGE_HOLDING || exchange->state == EXCHANGE_ANSWERING;
}

/**
 * exchange_fail() - on to EXCHANGE_FAILED when nothing was sent yet, to EXCHANGE_CUT otherwise
 * @code, @reason: for the client, if it can still be told
 *
 * Return: true, for "something moved".
 */
bool exchange_fail(struct exchange *exchange, enum reason code, const char *reason);

/** exchange_close_input() - git sees the end of its input; fine when it has */
void exchange_close_input(struct exchange *exchange);

/** exchange_close_output() - nothing is read from git any more; fine when it is closed */
void exchange_close_output(struct exchange *exchange);

/** exchange_request_pump() - one step of the request body towards git. Return: whether anything moved. */
bool exchange_request_pump(struct exchange *exchange);

/** exchange_response_pump() - one step of git's answer towards the client. Return: whether anything moved. */
bool exchange_response_pump(struct exchange *exchange);

/** exchange_drop_output() - read what git says to nobody, or it could not come to its end */
void exchange_drop_output(struct exchange *exchange);

/**
 * exchange_await_others() - wait for what the leader, which has ended, had started
 *
 * It gets SIGTERM now, unless the exchange is in EXCHANGE_ENDING, which sends it in its own time.
 *
 * exchange_finish() is called when nothing of it is left.
 *
 * Return: whether there is anything to wait for.
 */
bool exchange_await_others(struct exchange *exchange);

/** exchange_finish() - if the leader has ended, and what it had started: reap it, and be done. @userdata: the exchange. */
void exchange_finish(void *userdata);

/** exchange_free() - the process was reaped, or never started */
void exchange_free(struct exchange *exchange);
