/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns a client's socket and walks its requests, one at a time, through the states of connection.h. All of it happens
 * in connection_pump(): events only say what has become possible. A client can end nothing but its own connection.
 */

#include "serve/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "base/fd.h"
#include "http/reply.h"
#include "serve/exchange.h"
#include "serve/server.h"

static const char *const state_names[] = {
    [CONNECTION_IDLE] = "idle",         [CONNECTION_HEAD] = "head",         [CONNECTION_QUEUED] = "queued",
    [CONNECTION_EXCHANGE] = "exchange", [CONNECTION_REPLYING] = "replying", [CONNECTION_LINGERING] = "lingering",
    [CONNECTION_CLOSED] = "closed",
};
static_assert(sizeof(state_names) / sizeof(state_names[0]) == CONNECTION_STATE_COUNT, "every state has a name");

const char *connection_state_name(enum connection_state state) {
    return state_names[state];
}

static void enter(struct connection *connection, enum connection_state state) {
    connection->state = state;
    connection->progress_us = server_now_us(connection->server);
}

static bool has_request(const struct connection *connection) {
    return connection->request.id != 0;
}

/* ---- the end of a request ---- */

static void log_request(struct connection *connection) {
    if (has_request(connection)) {
        request_log(&connection->request, &connection->server->log, connection->peer,
                    server_now_us(connection->server));
    }
    connection->request = (struct request){0};
}

static void finish_request(struct connection *connection) {
    log_request(connection);
    /* What a client sent behind its last request would make the kernel reset the connection at close(2). */
    connection->linger_after |= connection->close_after && buffer_size(&connection->input) > 0;
    if (connection->linger_after && !connection->end_of_input) {
        (void)shutdown(connection->fd, SHUT_WR);
        buffer_release(&connection->input);
        enter(connection, CONNECTION_LINGERING);
    } else if (connection->close_after || connection->linger_after) {
        enter(connection, CONNECTION_CLOSED);
    } else {
        if (buffer_size(&connection->input) == 0) {
            buffer_release(&connection->input);
        }
        buffer_release(&connection->wire);
        enter(connection, CONNECTION_IDLE);
    }
}

/*
 * Answers with a line of the gate's own. @is_in_step: where the next request begins is known; otherwise the connection
 * ends, and lingers so that the client gets to read why.
 */
static bool reply(struct connection *connection, int status, const char *reason, bool is_in_step) {
    const struct reply answer = {
        .status = status,
        .sentence = reason,
        .allow = connection->verdict.allow,
        .close = connection->close_after || !is_in_step,
        .omit_body = connection->request.method && strcmp(connection->request.method, "HEAD") == 0,
        .now = time(NULL),
    };

    connection->request.status = status;
    connection->request.reason = reason;
    connection->close_after = answer.close;
    connection->linger_after = !is_in_step;
    enter(connection, reply_append(&connection->wire, &answer) < 0 ? CONNECTION_CLOSED : CONNECTION_REPLYING);
    return true;
}

/* ---- from a head to an exchange ---- */

static bool start_exchange(struct connection *connection) {
    bool has_body = head_has_body(&connection->head);
    int r = exchange_start(&connection->exchange, connection->server, connection, &connection->verdict);

    if (r) {
        log_record(&connection->server->log, LOG_LEVEL_ERROR, "git cannot be started",
                   LOG_FIELDS(log_number("id", connection->request.id),
                              log_string("program", connection->server->git.http_backend),
                              log_string("error", strerror(-r))));
        return reply(connection, 500, "git cannot be started; the gate's log says why", !has_body);
    }
    enter(connection, CONNECTION_EXCHANGE);
    if (connection->verdict.expects_continue && buffer_size(&connection->input) == 0 &&
        reply_append_continue(&connection->wire) < 0) {
        enter(connection, CONNECTION_CLOSED);
    }
    return true;
}

static bool is_too_large(const struct connection *connection) {
    const struct server_settings *settings = connection->server->settings;
    uint64_t max_bytes = connection->verdict.route->pushes ? settings->max_push_bytes : settings->max_negotiation_bytes;

    return max_bytes > 0 && connection->head.content_length > max_bytes;
}

/* The head is whole: what becomes of it? Its bytes are gone from the input when this returns. */
static bool judge(struct connection *connection) {
    struct head *head = &connection->head;
    struct verdict *verdict = &connection->verdict;
    bool has_body = head_has_body(head);

    verdict_reach(verdict, &connection->server->settings->policy, head);
    request_remember(&connection->request, head, verdict);
    verdict->repository = verdict->git_protocol = (struct span){NULL, 0};
    connection->request.bytes_in = head->size;
    connection->close_after = !head->keep_alive || connection->server->stage != SERVER_SERVING;
    buffer_consume(&connection->input, head->size);
    if (verdict->status) {
        return reply(connection, verdict->status, verdict->reason, !has_body);
    }
    if (is_too_large(connection)) {
        return reply(connection, 413,
                     verdict->route->pushes ? "the push is larger than --max-push-bytes allows"
                                            : "the body is larger than --max-negotiation-bytes allows",
                     false);
    }
    if (server_has_room(connection->server)) {
        return start_exchange(connection);
    }
    enter(connection, CONNECTION_QUEUED);
    server_enqueue(connection->server, connection);
    return true;
}

static void leave_queue(struct connection *connection, const char *reason) {
    server_dequeue(connection->server, connection);
    (void)reply(connection, 503, reason, !head_has_body(&connection->head));
}

void connection_admit(struct connection *connection) {
    server_dequeue(connection->server, connection);
    (void)start_exchange(connection);
    connection_pump(connection);
}

/* ---- one step of each state; each returns whether anything moved ---- */

static bool step_idle(struct connection *connection) {
    if (buffer_size(&connection->input) > 0) {
        enter(connection, CONNECTION_HEAD);
        return true;
    }
    if (connection->end_of_input) {
        enter(connection, CONNECTION_CLOSED);
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
            enter(connection, CONNECTION_CLOSED);
        }
        return false;
    }
    if (!has_request(connection)) {
        begin_request(connection);
    }
    switch (head_feed(&connection->head, content.data, content.size)) {
    case 0:
        return judge(connection);
    case HEAD_E_REFUSED:
        return reply(connection, connection->head.status, connection->head.reason, false);
    default:
        return connection->end_of_input && reply(connection, 400, "the request head was cut short", false);
    }
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
    is_consumed = exchange_is_consumed(exchange);
    request->bytes_in += exchange->body.n_decoded;
    request->status = exchange->status;
    request->reason = exchange->reason;
    connection->exchange = NULL;
    switch (exchange->state) {
    case EXCHANGE_COMPLETE:
        connection->linger_after = !is_consumed;
        finish_request(connection);
        break;
    case EXCHANGE_FAILED:
        (void)reply(connection, exchange->status, exchange->reason, is_consumed);
        break;
    default:
        request->status = 200; /* what the client saw before the cut */
        enter(connection, CONNECTION_CLOSED);
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
        enter(connection, CONNECTION_CLOSED);
    }
    return size > 0;
}

static bool step_waiting(struct connection *connection) {
    (void)connection;
    return false;
}

static bool (*const steps[])(struct connection *) = {
    [CONNECTION_IDLE] = step_idle,         [CONNECTION_HEAD] = step_head,
    [CONNECTION_QUEUED] = step_waiting,    [CONNECTION_EXCHANGE] = step_exchange,
    [CONNECTION_REPLYING] = step_replying, [CONNECTION_LINGERING] = step_lingering,
    [CONNECTION_CLOSED] = step_waiting,
};
static_assert(sizeof(steps) / sizeof(steps[0]) == CONNECTION_STATE_COUNT, "every state has a step");

/* ---- the socket ---- */

static bool receive(struct connection *connection) {
    size_t room = buffer_room(&connection->input);
    ssize_t size;

    if (!connection->readable || connection->end_of_input || room == 0) {
        return false;
    }
    size = buffer_read(&connection->input, connection->fd);
    if (size > 0) {
        /* Less than was asked for means that no more is there (epoll(7)), unless the end is: it has had its edge. */
        connection->readable = (size_t)size == room || connection->peer_has_shut;
        return true;
    }
    if (size == 0) {
        connection->end_of_input = true;
        return true;
    }
    if (size == -EAGAIN) {
        connection->readable = false;
        return false;
    }
    connection->gone = true;
    return true;
}

static bool transmit(struct connection *connection) {
    struct span wire = buffer_content(&connection->wire);
    struct exchange *exchange = connection->exchange;
    struct span chunk = {"", 0};
    struct iovec parts[2];
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t size;
    size_t n_wire;

    if (exchange && exchange->chunk_left > 0) {
        chunk = (struct span){buffer_content(&exchange->output).data, exchange->chunk_left};
    }
    if (!connection->writable || wire.size + chunk.size == 0) {
        return false;
    }
    parts[0] = (struct iovec){(void *)wire.data, wire.size};
    parts[1] = (struct iovec){(void *)chunk.data, chunk.size};
    size = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
    if (size < 0) {
        connection->writable = errno != EAGAIN;
        connection->gone = errno != EAGAIN && errno != EINTR;
        return connection->gone;
    }
    n_wire = (size_t)size < wire.size ? (size_t)size : wire.size;
    connection->request.bytes_out += (uint64_t)size;
    buffer_consume(&connection->wire, n_wire);
    if (exchange) {
        exchange_sent(exchange, (size_t)size - n_wire);
    }
    return size > 0;
}

/* ---- time ---- */

static uint64_t timeout_us(const struct connection *connection) {
    const struct server_settings *settings = connection->server->settings;
    uint64_t seconds = settings->stall_timeout_s;

    switch (connection->state) {
    case CONNECTION_IDLE:
        seconds = settings->idle_timeout_s;
        break;
    case CONNECTION_HEAD:
        seconds = settings->header_timeout_s;
        break;
    case CONNECTION_QUEUED:
        seconds = settings->queue_timeout_s;
        break;
    case CONNECTION_LINGERING:
        seconds = CONNECTION_LINGER_TIMEOUT_S;
        break;
    case CONNECTION_EXCHANGE:
        if (exchange_waits_for(connection->exchange) != EXCHANGE_WAITS_FOR_CLIENT) {
            seconds = settings->backend_timeout_s;
        }
        if (exchange_waits_for(connection->exchange) == EXCHANGE_WAITS_FOR_EXIT && seconds > EXCHANGE_EXIT_TIMEOUT_S) {
            seconds = EXCHANGE_EXIT_TIMEOUT_S;
        }
        break;
    default:
        break;
    }
    return seconds * UINT64_C(1000000);
}

static void time_out(struct connection *connection) {
    switch (connection->state) {
    case CONNECTION_HEAD:
        if (has_request(connection)) {
            (void)reply(connection, 408, "the request head did not come within --header-timeout", false);
        } else {
            enter(connection, CONNECTION_CLOSED);
        }
        break;
    case CONNECTION_QUEUED:
        leave_queue(connection, "all git processes are busy; try again later, or raise --max-backends");
        break;
    case CONNECTION_EXCHANGE:
        exchange_time_out(connection->exchange);
        break;
    case CONNECTION_REPLYING:
    case CONNECTION_IDLE:
    case CONNECTION_LINGERING:
    case CONNECTION_CLOSED:
    case CONNECTION_STATE_COUNT:
        enter(connection, CONNECTION_CLOSED);
    }
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
    struct connection *connection = userdata;

    (void)source, (void)usec;
    connection->armed_us = 0;
    if (server_now_us(connection->server) >= connection->progress_us + timeout_us(connection)) {
        time_out(connection);
    }
    connection_pump(connection);
    return 0;
}

/* Progress only moves the deadline away: the timer is set anew when it fires early, not at each byte. */
static int arm_timer(struct connection *connection) {
    uint64_t deadline_us = connection->progress_us + timeout_us(connection);
    int r;

    if (connection->armed_us != 0 && connection->armed_us <= deadline_us) {
        return 0;
    }
    r = sd_event_source_set_time(connection->timer_source, deadline_us);
    if (r >= 0) {
        r = sd_event_source_set_enabled(connection->timer_source, SD_EVENT_ONESHOT);
    }
    connection->armed_us = deadline_us;
    return r;
}

/* ---- the pump ---- */

static bool pump_round(struct connection *connection) {
    bool moved;

    moved = receive(connection);
    moved = steps[connection->state](connection) || moved;
    moved = transmit(connection) || moved;
    if (connection->gone) {
        enter(connection, CONNECTION_CLOSED);
    }
    return moved;
}

/* What makes the deadline move: in the states that wait for one thing as a whole, bytes do not. */
static bool counts_progress(const struct connection *connection) {
    return connection->state == CONNECTION_EXCHANGE || connection->state == CONNECTION_REPLYING;
}

void connection_pump(struct connection *connection) {
    bool moved = !connection->gone;

    if (connection->gone) {
        enter(connection, CONNECTION_CLOSED);
    }
    for (unsigned round = 0; moved && connection->state != CONNECTION_CLOSED && round < CONNECTION_PUMP_ROUNDS;
         round++) {
        moved = pump_round(connection);
        if (moved && counts_progress(connection)) {
            connection->progress_us = server_now_us(connection->server);
        }
    }
    if (connection->state == CONNECTION_CLOSED || arm_timer(connection) < 0 ||
        sd_event_source_set_enabled(connection->again_source, moved ? SD_EVENT_ONESHOT : SD_EVENT_OFF) < 0) {
        connection_free(connection);
    }
}

static int on_again(sd_event_source *source, void *userdata) {
    (void)source;
    connection_pump(userdata);
    return 0;
}

static int on_socket(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    struct connection *connection = userdata;

    (void)source, (void)fd;
    connection->readable |= (events & (EPOLLIN | EPOLLRDHUP)) != 0;
    connection->peer_has_shut |= (events & EPOLLRDHUP) != 0;
    connection->writable |= (events & EPOLLOUT) != 0;
    connection->gone |= (events & (EPOLLHUP | EPOLLERR)) != 0;
    connection_pump(connection);
    return 0;
}

void connection_drain(struct connection *connection) {
    connection->close_after = true;
    if (connection->state == CONNECTION_QUEUED) {
        leave_queue(connection, "the gate is stopping");
    } else if (!has_request(connection)) {
        enter(connection, CONNECTION_CLOSED);
    }
    connection_pump(connection);
}

/* ---- begin and end ---- */

int connection_new(struct connection **connectionp, struct server *server, int fd, const char *peer) {
    struct connection *connection = calloc(1, sizeof(*connection));
    int r;

    if (!connection) {
        return -ENOMEM;
    }
    connection->server = server;
    connection->writable = true;
    buffer_init(&connection->input, CONNECTION_INPUT_BYTES);
    buffer_init(&connection->wire, CONNECTION_WIRE_BYTES);
    (void)snprintf(connection->peer, sizeof(connection->peer), "%s", peer);
    enter(connection, CONNECTION_HEAD);
    r = sd_event_add_io(server->event, &connection->socket_source, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                        on_socket, connection);
    if (r >= 0) {
        r = sd_event_add_time(server->event, &connection->timer_source, CLOCK_MONOTONIC, UINT64_MAX, 0, on_timer,
                              connection);
    }
    if (r >= 0) {
        r = sd_event_add_defer(server->event, &connection->again_source, on_again, connection);
    }
    if (r >= 0) {
        r = sd_event_source_set_enabled(connection->again_source, SD_EVENT_OFF);
    }
    if (r >= 0) {
        r = arm_timer(connection);
    }
    if (r < 0) {
        (void)sd_event_source_disable_unref(connection->socket_source);
        (void)sd_event_source_disable_unref(connection->timer_source);
        (void)sd_event_source_disable_unref(connection->again_source);
        free(connection);
        return r;
    }
    connection->fd = fd;
    *connectionp = connection;
    return 0;
}

void connection_free(struct connection *connection) {
    if (has_request(connection) && !connection->request.reason) {
        connection->request.reason = "the client went away";
        connection->request.is_abandoned = true;
    }
    if (connection->exchange) {
        connection->request.bytes_in += connection->exchange->body.n_decoded;
        exchange_release(connection->exchange);
    }
    log_request(connection);
    server_dequeue(connection->server, connection);
    (void)sd_event_source_disable_unref(connection->socket_source);
    (void)sd_event_source_disable_unref(connection->timer_source);
    (void)sd_event_source_disable_unref(connection->again_source);
    buffer_deinit(&connection->input);
    buffer_deinit(&connection->wire);
    (void)fd_close(connection->fd);
    server_connection_ended(connection->server, connection);
    free(connection);
}
