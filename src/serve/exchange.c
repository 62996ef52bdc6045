/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Starts the exchange for a request, moves its bytes in both directions, and decides what a time-out means. Every
 * buffer has a fixed size, so a slow side slows the other one down. This file sends nothing to the client. It puts
 * heads and chunk heads on the client's wire, and chunk_left says how many bytes of output the connection may send
 * after them.
 */

#include "serve/exchange.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/memory_file.h"
#include "serve/exchange_program.h"
#include "serve/exchange_request.h"
#include "serve/exchange_response.h"
#include "serve/push_log.h"

bool exchange_pump(struct exchange *exchange) {
    bool moved = false;

    if (exchange_is_running(exchange)) {
        moved = exchange_request_pump(exchange);
    }
    if (exchange_is_running(exchange)) {
        moved = exchange_response_pump(exchange) || moved;
    }
    return moved;
}

void exchange_sent(struct exchange *exchange, size_t size) {
    assert(size <= exchange->chunk_left);
    exchange->chunk_left -= size;
    buffer_consume(&exchange->output, size);
}

/* ---- waiting ---- */

enum exchange_wait exchange_waits_for(const struct exchange *exchange) {
    if (exchange->chunk_left > 0 || buffer_size(exchange->client.wire) > 0) {
        return EXCHANGE_WAITS_FOR_CLIENT;
    }
    if (!exchange->consumed && !content_has_undelivered(&exchange->content)) {
        return EXCHANGE_WAITS_FOR_CLIENT;
    }
    return exchange->process.output < 0 ? EXCHANGE_WAITS_FOR_EXIT : EXCHANGE_WAITS_FOR_GIT;
}

static void fail_overdue(struct exchange *exchange) {
    bool is_clients = exchange_waits_for(exchange) == EXCHANGE_WAITS_FOR_CLIENT;

    (void)exchange_fail(exchange, is_clients ? REASON_CLIENT_TIMEOUT : REASON_GIT_TIMEOUT,
                        is_clients
                            ? "the client took longer for the request than --request-timeout allows"
                            : "git and its hooks took longer than --request-timeout allows; try again, or raise it");
}

void exchange_time_out(struct exchange *exchange, bool is_overdue) {
    if (is_overdue) {
        fail_overdue(exchange);
        return;
    }
    switch (exchange_waits_for(exchange)) {
    case EXCHANGE_WAITS_FOR_CLIENT:
        (void)exchange_fail(exchange, REASON_CLIENT_TIMEOUT,
                            "the client stalled for longer than --stall-timeout allows");
        break;
    case EXCHANGE_WAITS_FOR_GIT:
        (void)exchange_fail(exchange, REASON_GIT_TIMEOUT,
                            "git stalled for longer than --backend-timeout allows; try again, or raise it");
        break;
    case EXCHANGE_WAITS_FOR_EXIT:
        (void)exchange_fail(exchange, REASON_GIT_TIMEOUT, "git did not exit after the end of its answer; try again");
        break;
    }
}

void exchange_end_of_input(struct exchange *exchange) {
    if (!content_has_come(&exchange->content) && exchange_is_running(exchange)) {
        (void)exchange_fail(exchange, REASON_BAD_BODY, "the request body was cut short");
    }
}

/* ---- begin ---- */

/* Writes the head of git's output, and starts git. If the body of a fetch is collected first, git starts later. */
static int begin(struct exchange *exchange, bool comes_with_body, bool is_whole) {
    int r = exchange->is_service ? service_append_head(&exchange->output, &exchange->call) : 0;

    exchange->n_own = buffer_size(&exchange->output);
    if (r) {
        return r;
    }
    if (!exchange->is_service || !comes_with_body || exchange->pushes || is_whole) {
        return exchange_program_start(exchange, comes_with_body ? PROCESS_INPUT_PIPE : PROCESS_INPUT_NONE);
    }
    exchange->collected = memory_file_open();
    if (exchange->collected < 0) {
        exchange->process.failed_call = "memfd_create";
        return exchange->collected;
    }
    exchange_process_announce(exchange);
    return 0;
}

static int follow_push(struct exchange *exchange) {
    if (!exchange->pushes || !exchange->call.has_body) {
        return 0;
    }
    exchange->push_log = push_log_new(exchange->client.request->repository, exchange->client.request->id);
    if (!exchange->push_log) {
        return -ENOMEM;
    }
    exchange->push_log->loses_nothing = exchange->client.request->loses_nothing;
    return 0;
}

int exchange_start(struct exchange **exchangep, struct gate *gate, const struct exchange_client *client,
                   struct head *head, const struct verdict *verdict, bool is_whole) {
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    int r;

    if (!exchange) {
        exchange_program_log_failure(gate, client->request, NULL, ENOMEM);
        return -ENOMEM;
    }
    exchange->gate = gate;
    exchange->client = *client;
    exchange->pushes = verdict->route->pushes;
    exchange->is_chunked = head->minor == 1;
    exchange->is_service = gate->settings->environ.backend == ENVIRON_SERVICES;
    exchange->call = (struct service_call){
        .name = verdict->route->service,
        .has_body = verdict->route->content_type != NULL,
    };
    if (client->request->git_protocol[0] && !exchange_asks_head(exchange)) { /* GET HEAD needs version 0 */
        exchange->call.git_protocol = client->request->git_protocol;
    }
    exchange->collected = exchange->told = -1;
    exchange->process = PROCESS_NONE;
    exchange->input_ready = exchange->first_chunk = true;
    buffer_init_pooled(&exchange->output, &gate->large_pool);
    stderr_log_init(&exchange->stderr_log, &gate->log, client->request->id);
    r = content_init(&exchange->content, head, verdict->gzip,
                     settings_max_body_bytes(gate->settings, exchange->pushes));
    if (!r && advertisement_cache_covers(&gate->advertisements, client->request)) {
        exchange->dependencies = advertisement_cache_prepare(&gate->advertisements, client->request->repository);
    }
    r = r ? r : follow_push(exchange);
    if (!r) {
        r = begin(exchange, head_has_body(head), is_whole);
    }
    if (r) {
        exchange_program_log_failure(gate, client->request, exchange->process.failed_call, -r);
        exchange_free(exchange);
        return r;
    }
    *exchangep = exchange;
    return 0;
}
