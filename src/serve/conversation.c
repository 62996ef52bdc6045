/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns what is said on a connection: what each state does with the bytes that are there, from a request head over its
 * verdict to the end of its answer. It reads and writes nothing itself; connection.c moves the bytes.
 */

#include "serve/conversation.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "http/reply.h"
#include "serve/admission.h"
#include "serve/deadline.h"
#include "serve/exchange.h"
#include "serve/obstacle.h"
#include "serve/response.h"
#include "serve/server.h"

/* ---- the end of a request ---- */

static void finish_request(struct connection *connection) {
    connection->preview = preview_free(connection->preview);
    connection_log_request(connection);
    if (!connection->was_answered) {
        connection->was_answered = true; /* with a 401, more often than not: the credentials are to follow */
        connection->heard_us = server_now_us(connection->server);
    }
    /* What a client sent behind its last request would make the kernel reset the connection at close(2). */
    connection->linger_after |= connection->close_after && buffer_size(&connection->input) > 0;
    if (connection->linger_after && !connection->end_of_input) {
        (void)shutdown(connection->fd, SHUT_WR);
        buffer_release(&connection->input);
        connection_enter(connection, CONNECTION_LINGERING);
    } else if (connection->close_after || connection->linger_after) {
        connection_enter(connection, CONNECTION_CLOSED);
    } else {
        if (buffer_size(&connection->input) == 0) {
            buffer_release(&connection->input);
        }
        buffer_release(&connection->wire);
        connection_enter(connection, CONNECTION_IDLE);
    }
}

/*
 * Answers with a line of the gate's own. @is_in_step: where the next request begins is known; otherwise the connection
 * ends, and lingers so that the client gets to read why.
 */
static bool reply(struct connection *connection, enum reason code, const char *reason, bool is_in_step) {
    const struct reply answer = {
        .code = code,
        .sentence = reason,
        .allow = connection->verdict.allow,
        .close = connection->close_after || !is_in_step,
        .omit_body = connection->request.method && strcmp(connection->request.method, "HEAD") == 0,
        .date = server_date(connection->server),
    };

    connection->request.status = reason_status(code);
    connection->request.reason = reason;
    connection->close_after = answer.close;
    connection->linger_after = !is_in_step;
    connection_enter(connection,
                     reply_append(&connection->wire, &answer) < 0 ? CONNECTION_CLOSED : CONNECTION_REPLYING);
    return true;
}

/* ---- from a head to an exchange ---- */

/* @call: that failed; NULL when it was none. */
static void log_no_start(const struct connection *connection, const char *call, int cause) {
    const char *advice = error_advice(cause);

    log_record(&connection->server->log, LOG_LEVEL_ERROR, "git cannot be started",
               LOG_FIELDS(log_number("id", connection->request.id),
                          log_string("program", connection->server->git.http_backend),
                          call ? log_string("call", call) : (struct log_field){0}, log_string("error", strerror(cause)),
                          *advice ? log_string("advice", advice + strlen("; ")) : (struct log_field){0}));
}

static bool start_exchange(struct connection *connection) {
    bool has_body = head_has_body(&connection->head);
    const char *reason;
    const char *call;
    enum reason code;
    int r;

    code = obstacle_find(&reason, connection->server, &connection->request, connection->verdict.route->pushes);
    if (code != REASON_NONE) {
        return reply(connection, code, reason, !has_body);
    }
    r = exchange_start(&connection->exchange, connection->server, connection, &connection->verdict, &call);
    if (r) {
        log_no_start(connection, call, -r);
        return reply(connection, REASON_GATE_FAILED, "git cannot be started; the gate's log says why", !has_body);
    }
    connection_enter(connection, CONNECTION_EXCHANGE);
    return true;
}

/* What git has said before, and would say again. Return: whether there is such an answer. */
static bool answer_from_memory(struct connection *connection) {
    struct advertisement_cache *cache = &connection->server->advertisements;
    struct span output = {NULL, 0};

    if (advertisement_cache_covers(cache, &connection->request)) {
        output = advertisement_cache_lookup(cache, connection->request.repository);
    }
    if (!output.data || response_append(connection, output) != 0) {
        return false;
    }
    connection->request.status = 200;
    connection->request.is_kept = true;
    connection_enter(connection, CONNECTION_REPLYING);
    return true;
}

/* As much of the request is there as is waited for: a process for it, now or in turn. */
static bool admit(struct connection *connection) {
    if (admission_has_process(connection->server)) {
        return start_exchange(connection);
    }
    admission_enqueue(connection->server, connection);
    connection_enter(connection, CONNECTION_QUEUED);
    return true;
}

static bool out_of_memory(struct connection *connection) {
    return reply(connection, REASON_GATE_FAILED, "the gate is out of memory; try again later",
                 !head_has_body(&connection->head));
}

static bool await_body(struct connection *connection) {
    const struct verdict *verdict = &connection->verdict;

    if (preview_new(&connection->preview, &connection->head, verdict->gzip,
                    settings_max_body_bytes(connection->server->settings, verdict->route->pushes)) < 0 ||
        (verdict->expects_continue && buffer_size(&connection->input) == 0 &&
         reply_append_continue(&connection->wire) < 0)) {
        return out_of_memory(connection);
    }
    connection_enter(connection, CONNECTION_BODY);
    return true;
}

/* The head is whole: what becomes of it? Its bytes are gone from the input when this returns. */
static bool judge(struct connection *connection) {
    struct head *head = &connection->head;
    struct verdict *verdict = &connection->verdict;
    bool has_body = head_has_body(head);
    uint64_t max_body_bytes;

    verdict_reach(verdict, &connection->server->settings->policy, head);
    request_remember(&connection->request, head, verdict);
    verdict->repository = verdict->git_protocol = (struct span){NULL, 0};
    connection->request.bytes_in = head->size;
    connection->close_after = !head->keep_alive || connection->server->stage != SERVER_SERVING;
    buffer_consume(&connection->input, head->size);
    if (verdict->status) {
        return reply(connection, verdict->code, verdict->reason, !has_body);
    }
    max_body_bytes = settings_max_body_bytes(connection->server->settings, verdict->route->pushes);
    if (max_body_bytes > 0 && head->content_length > max_body_bytes) {
        return reply(connection, REASON_TOO_LARGE, settings_too_large(verdict->route->pushes), false);
    }
    connection->is_proven = true;
    /* Nothing at all is not gzip either: that is for the preview to say. */
    if (has_body || verdict->gzip) {
        return await_body(connection);
    }
    return answer_from_memory(connection) || admit(connection);
}

static void leave_queue(struct connection *connection, enum reason code, const char *reason) {
    admission_dequeue(connection->server, connection);
    (void)reply(connection, code, reason, !head_has_body(&connection->head));
}

/* ---- one step of each state; each returns whether anything moved ---- */

static bool step_idle(struct connection *connection) {
    if (buffer_size(&connection->input) > 0) {
        connection_enter(connection, CONNECTION_HEAD);
        return true;
    }
    if (connection->end_of_input) {
        connection_enter(connection, CONNECTION_CLOSED);
    }
    return false;
}

static void begin_request(struct connection *connection) {
    connection->request = (struct request){
        .id = ++connection->server->n_requests,
        .begin_us = server_now_us(connection->server),
    };
    connection->verdict = (struct verdict){0};
    connection->linger_after = false;
    head_init(&connection->head);
}

static bool step_head(struct connection *connection) {
    struct span content = buffer_content(&connection->input);

    if (content.size == 0) {
        if (connection->end_of_input) {
            connection_enter(connection, CONNECTION_CLOSED);
        }
        return false;
    }
    if (!connection_has_request(connection)) {
        begin_request(connection);
    }
    switch (head_feed(&connection->head, content.data, content.size)) {
    case 0:
        return judge(connection);
    case HEAD_E_REFUSED:
        return reply(connection, reason_of_head(connection->head.status), connection->head.reason, false);
    default:
        return connection->end_of_input &&
               reply(connection, REASON_BAD_REQUEST, "the request head was cut short", false);
    }
}

/* The body is not going to be what a process is started for. */
static bool refuse_body(struct connection *connection, enum reason code, const char *reason) {
    connection->request.bytes_in += content_body_bytes(&connection->preview->content);
    return reply(connection, code, reason, false);
}

static bool step_body(struct connection *connection) {
    struct preview *preview = connection->preview;
    size_t n_seen = preview->n_seen;

    switch (preview_feed(preview, buffer_content(&connection->input))) {
    case 0:
        break;
    case PREVIEW_E_BUSY:
        connection->yields = true; /* a little of it inflates to much */
        return true;
    case PREVIEW_E_MORE:
        if (connection->end_of_input) {
            return refuse_body(connection, REASON_BAD_BODY, "the request body was cut short");
        }
        if (!connection_has_enough(connection)) {
            return preview->n_seen > n_seen;
        }
        break;
    case CONTENT_E_MALFORMED:
        return refuse_body(connection, REASON_BAD_BODY, preview->content.reason);
    case CONTENT_E_TOO_LARGE:
        return refuse_body(connection, REASON_TOO_LARGE, settings_too_large(connection->verdict.route->pushes));
    default:
        return out_of_memory(connection);
    }
    connection->preview = preview_free(preview);
    return admit(connection);
}

static bool step_exchange(struct connection *connection) {
    struct exchange *exchange = connection->exchange;
    struct request *request = &connection->request;
    bool moved = exchange_pump(exchange);
    bool is_consumed;

    if (connection->end_of_input && buffer_size(&connection->input) == 0) {
        exchange_end_of_input(exchange);
    }
    if (exchange->state == EXCHANGE_HOLDING || exchange->state == EXCHANGE_ANSWERING ||
        (exchange->state == EXCHANGE_COMPLETE && buffer_size(&connection->wire) > 0)) {
        return moved;
    }
    connection->heard_us = server_now_us(connection->server);
    is_consumed = exchange_is_consumed(exchange);
    request->bytes_in += exchange_body_bytes(exchange);
    request->status = exchange->status;
    request->reason = exchange->reason;
    connection->exchange = NULL;
    switch (exchange->state) {
    case EXCHANGE_COMPLETE:
        connection->linger_after = !is_consumed;
        finish_request(connection);
        break;
    case EXCHANGE_FAILED:
        (void)reply(connection, exchange->code, exchange->reason, is_consumed);
        break;
    default:
        request->status = 200; /* what the client saw before the cut */
        connection->reset_after = connection->head.minor == 0;
        connection_enter(connection, CONNECTION_CLOSED);
    }
    exchange_release(exchange);
    return true;
}

static bool step_replying(struct connection *connection) {
    if (buffer_size(&connection->wire) > 0) {
        return false;
    }
    finish_request(connection);
    return true;
}

static bool step_lingering(struct connection *connection) {
    size_t size = buffer_size(&connection->input);

    buffer_consume(&connection->input, size);
    if (connection->end_of_input) {
        connection_enter(connection, CONNECTION_CLOSED);
    }
    return size > 0;
}

static bool step_waiting(struct connection *connection) {
    (void)connection;
    return false;
}

static bool (*const steps[])(struct connection *) = {
    [CONNECTION_IDLE] = step_idle,           [CONNECTION_HEAD] = step_head,
    [CONNECTION_BODY] = step_body,           [CONNECTION_QUEUED] = step_waiting,
    [CONNECTION_EXCHANGE] = step_exchange,   [CONNECTION_REPLYING] = step_replying,
    [CONNECTION_LINGERING] = step_lingering, [CONNECTION_CLOSED] = step_waiting,
};
static_assert(sizeof(steps) / sizeof(steps[0]) == CONNECTION_STATE_COUNT, "every state has a step");

bool conversation_step(struct connection *connection) {
    return steps[connection->state](connection);
}

void conversation_time_out(struct connection *connection) {
    switch (connection->state) {
    case CONNECTION_HEAD:
        if (connection_has_request(connection)) {
            (void)reply(connection, REASON_CLIENT_TIMEOUT, "the request head did not come within --header-timeout",
                        false);
        } else {
            connection_enter(connection, CONNECTION_CLOSED);
        }
        break;
    case CONNECTION_BODY:
        (void)refuse_body(connection, REASON_CLIENT_TIMEOUT,
                          deadline_is_of_request(connection)
                              ? "the client took longer for the request than --request-timeout allows"
                              : "the client stalled for longer than --stall-timeout allows");
        break;
    case CONNECTION_QUEUED:
        if (deadline_is_of_request(connection)) {
            leave_queue(connection, REASON_BUSY,
                        "the request queued for longer than --request-timeout allows; try again later");
            break;
        }
        if (connection->waits_briefly && !admission_queue_is_full(connection->server)) {
            connection->waits_briefly = false;
            break;
        }
        leave_queue(connection, REASON_BUSY, "all git processes are busy; try again later, or raise --max-backends");
        break;
    case CONNECTION_EXCHANGE:
        exchange_time_out(connection->exchange, deadline_is_of_request(connection));
        break;
    case CONNECTION_REPLYING:
    case CONNECTION_IDLE:
    case CONNECTION_LINGERING:
    case CONNECTION_CLOSED:
    case CONNECTION_STATE_COUNT:
        connection_enter(connection, CONNECTION_CLOSED);
    }
}

void conversation_admit(struct connection *connection) {
    admission_dequeue(connection->server, connection);
    (void)start_exchange(connection);
}

void conversation_drain(struct connection *connection) {
    connection->close_after = true;
    if (connection->state == CONNECTION_QUEUED) {
        leave_queue(connection, REASON_STOPPING, "the gate is stopping; try again when it is back");
    } else if (!connection_has_request(connection) && connection->state != CONNECTION_LINGERING) {
        connection_enter(connection, CONNECTION_CLOSED);
    } else if (connection->state == CONNECTION_HEAD) {
        (void)reply(connection, REASON_STOPPING, "the gate is stopping; try again when it is back", false);
    }
}
