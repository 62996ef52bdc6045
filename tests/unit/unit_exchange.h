/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One exchange, fed by hand. The client's buffers are the test's, and the process is a script. */

#include "unit_gate.h"

#include "access/verdict.h"
#include "serve/exchange.h"

static struct talk {
    struct buffer input;
    struct buffer wire;
    struct head head;
    struct verdict verdict;
    struct request request;
    struct exchange *exchange;
    unsigned n_events;
    char heard[400000];
    size_t n_heard;
} talk;

static inline void talk_on_event(void *userdata) {
    assert_ptr_equal(userdata, &talk);
    talk.n_events++;
}

/*
 * @request: a head that passes all checks, and as much of its body as has come
 * @is_whole: that is all of it
 *
 * Return: as exchange_start().
 */
static inline int talk_begin_with(const char *request, bool is_whole) {
    const struct exchange_client client = {&talk.input, &talk.wire, &talk.request, "unix", talk_on_event, &talk};
    struct span content;

    memset(&talk, 0, sizeof(talk));
    talk.request.id = 7;
    buffer_init_pooled(&talk.input, &site.gate.large_pool);
    buffer_init_pooled(&talk.wire, &site.gate.wire_pool);
    assert_int_equal(buffer_append(&talk.input, request, strlen(request)), 0);
    content = buffer_content(&talk.input);
    head_init(&talk.head);
    assert_int_equal(head_feed(&talk.head, content.data, content.size), 0);
    verdict_reach(&talk.verdict, &site.settings.policy, &talk.head);
    assert_int_equal(talk.verdict.status, 0);
    request_log_remember(&talk.request, &talk.head, &talk.verdict);
    buffer_consume(&talk.input, talk.head.size);
    return exchange_start(&talk.exchange, &site.gate, &client, &talk.head, &talk.verdict, is_whole);
}

static inline int talk_begin(const char *request) {
    return talk_begin_with(request, true);
}

/* Ends the exchange in any state. A push gets no time to remove what it has stored. */
static inline void talk_end(void) {
    struct exchange *exchange;

    if (talk.exchange) {
        exchange_release(talk.exchange);
        talk.exchange = NULL;
    }
    buffer_deinit(&talk.input);
    buffer_deinit(&talk.wire);
    LIST_FOREACH(exchange, &site.gate.exchanges, entry) {
        exchange_terminate(exchange);
    }
    SITE_AWAIT("end", LIST_EMPTY(&site.gate.exchanges));
}

/* Acts as a client that reads everything: the bytes on the wire, and the chunk behind them. */
static inline void talk_hear(void) {
    struct span wire = buffer_content(&talk.wire);
    size_t n_chunk = talk.exchange->chunk_left;

    assert_true(talk.n_heard + wire.size + n_chunk < sizeof(talk.heard));
    memcpy(talk.heard + talk.n_heard, wire.data, wire.size);
    memcpy(talk.heard + talk.n_heard + wire.size, buffer_content(&talk.exchange->output).data, n_chunk);
    talk.n_heard += wire.size + n_chunk;
    buffer_consume(&talk.wire, wire.size);
    exchange_sent(talk.exchange, n_chunk);
}

static inline void talk_pump(void) {
    while (exchange_pump(talk.exchange)) {
        talk_hear();
    }
    talk_hear();
}

/* Goes on until the exchange neither holds nor responds. */
static inline void talk_to_the_end(const char *name) {
    talk_pump();
    while (exchange_is_running(talk.exchange)) {
        unsigned n_before = talk.n_events;

        SITE_AWAIT(name, talk.n_events > n_before);
        talk_pump();
    }
}
