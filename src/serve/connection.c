/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns a client's socket, its buffers and its timer. All of it happens in connection_pump(): events only say what has
 * become possible. What the bytes mean is conversation.c's affair. A client can end nothing but its own connection.
 */

#include "serve/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "backend/cgi.h"
#include "base/fd.h"
#include "http/reply.h"
#include "serve/admission.h"
#include "serve/conversation.h"
#include "serve/deadline.h"
#include "serve/exchange.h"
#include "serve/server.h"

static_assert((int)HEAD_MAX_BYTES <= (int)CONNECTION_AHEAD_BYTES, "a whole head is waited for");
static_assert((int)REPLY_MAX_BYTES <= (int)GATE_WIRE_BYTES, "a reply fits on an empty wire");
static_assert((int)CGI_HEAD_MAX_BYTES + (int)REPLY_MAX_BYTES <= (int)GATE_WIRE_BYTES, "so does a head of git's");

static const char *const state_names[] = {
    [CONNECTION_IDLE] = "idle",           [CONNECTION_HEAD] = "head",         [CONNECTION_BODY] = "body",
    [CONNECTION_QUEUED] = "queued",       [CONNECTION_EXCHANGE] = "exchange", [CONNECTION_REPLYING] = "replying",
    [CONNECTION_LINGERING] = "lingering", [CONNECTION_CLOSED] = "closed",
};
static_assert(sizeof(state_names) / sizeof(state_names[0]) == CONNECTION_STATE_COUNT, "every state has a name");

void connection_enter(struct connection *connection, enum connection_state state) {
    log_record(&connection->gate->log, LOG_LEVEL_DEBUG, "connection",
               LOG_FIELDS(log_string("client", connection->peer), log_string("state", state_names[state]),
                          connection_has_request(connection) ? log_number("id", connection->request.id)
                                                             : (struct log_field){0}));
    connection->state = state;
    connection->progress_us = connection->work_us = connection->gate->loop->now_us;
    if (state != CONNECTION_QUEUED && state != CONNECTION_EXCHANGE) {
        admission_resume(connection->server); /* it could give way now */
    }
}

void connection_log_request(struct connection *connection) {
    if (connection_has_request(connection)) {
        request_log(&connection->request, &connection->gate->log, connection->peer, connection->gate->loop->now_us);
    }
    connection->request = (struct request){0};
}

/* ---- the socket ---- */

static bool receive(struct connection *connection) {
    size_t room = buffer_room(&connection->input);
    ssize_t size;

    /* Not for a few bytes, for which all others would have to move; in no state is more than this waited for. */
    if (!connection->readable || connection->end_of_input || connection_has_enough(connection)) {
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
    do {
        size = writev(connection->fd, parts, 2); /* sendmsg(2) is refused, as it can send descriptors along */
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        connection->writable = errno != EAGAIN;
        connection->gone = errno != EAGAIN;
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

static void on_timer(void *userdata);

/* Progress only moves the deadline away: the timer is set anew when it fires early, not at each byte. */
static void arm_timer(struct connection *connection) {
    uint64_t due_us = deadline_of(connection);

    if (connection->armed_us == 0 || connection->armed_us > due_us) {
        connection->armed_us = due_us;
        loop_timer_set(connection->gate->loop, &connection->timer, due_us, on_timer, connection);
    }
}

/* ---- the pump ---- */

/* In the states that wait for one thing as a whole, bytes are no progress. */
static bool counts_progress(const struct connection *connection) {
    return connection->state == CONNECTION_BODY || connection->state == CONNECTION_EXCHANGE ||
           connection->state == CONNECTION_REPLYING;
}

static bool pump_round(struct connection *connection) {
    bool has_received = receive(connection);
    bool moved = conversation_step(connection);

    moved = transmit(connection) || moved;
    if (connection->gone) {
        connection_enter(connection, CONNECTION_CLOSED);
    } else if (moved && counts_progress(connection)) {
        /* Bytes that only came in are none: a client could hold on to a git that hangs by sending what nobody reads. */
        connection->progress_us = connection->gate->loop->now_us;
        if (!connection->exchange || !exchange_is_idle(connection->exchange)) {
            connection->work_us = connection->progress_us;
        }
    }
    return moved || has_received;
}

static void on_again(void *userdata) {
    connection_pump(userdata);
}

/* Return: whether there may be more to move. */
static bool pump_rounds(struct connection *connection) {
    bool moved = !connection->gone;

    if (connection->gone) {
        connection_enter(connection, CONNECTION_CLOSED);
    }
    connection->yields = false;
    for (unsigned round = 0;
         moved && !connection->yields && connection->state != CONNECTION_CLOSED && round < CONNECTION_PUMP_ROUNDS;
         round++) {
        moved = pump_round(connection);
    }
    return moved;
}

void connection_pump(struct connection *connection) {
    bool moved = pump_rounds(connection);

    if (connection->state == CONNECTION_CLOSED) {
        connection_free(connection);
        return;
    }
    arm_timer(connection);
    if (moved) {
        loop_defer(connection->gate->loop, &connection->again, on_again, connection); /* others go first */
    }
}

static bool is_due(const struct connection *connection) {
    return connection->state != CONNECTION_CLOSED && connection->gate->loop->now_us >= deadline_of(connection);
}

/*
 * A gate that was suspended hears of the time before it hears of the bytes that came in time: they are looked for. Not so
 * what a client has read, unless the timer is late: a socket takes a few bytes more before it tells that it is writable,
 * and a client that does not read would get its time anew.
 */
static void look_again(struct connection *connection, bool is_late) {
    connection->readable = true;
    connection->writable |= is_late;
    if (connection->exchange) {
        exchange_assume_ready(connection->exchange);
    }
    (void)pump_rounds(connection);
}

static void on_timer(void *userdata) {
    struct connection *connection = userdata;
    uint64_t late_us = connection->armed_us + CONNECTION_LATE_MS * US_PER_MS;

    connection->armed_us = 0;
    if (is_due(connection)) {
        look_again(connection, connection->gate->loop->now_us > late_us);
    }
    if (is_due(connection) && connection->end_of_input) {
        connection->gone = true; /* whether only its sending side is shut could be told by writing alone */
    } else if (is_due(connection)) {
        conversation_time_out(connection);
    }
    connection_pump(connection);
}

static void on_socket(uint32_t events, void *userdata) {
    struct connection *connection = userdata;

    connection->readable |= (events & (EPOLLIN | EPOLLRDHUP)) != 0;
    connection->peer_has_shut |= (events & EPOLLRDHUP) != 0;
    connection->writable |= (events & EPOLLOUT) != 0;
    connection->gone |= (events & (EPOLLHUP | EPOLLERR)) != 0;
    connection_pump(connection);
}

void connection_begin(struct connection *connection) {
    connection->readable = true;
    connection_pump(connection);
}

bool connection_hear_out(struct connection *connection) {
    char byte;

    if (connection->heard_out_us == connection->heard_us) {
        return false;
    }
    connection->heard_out_us = connection->heard_us;
    if (recv(connection->fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) != (ssize_t)sizeof(byte)) {
        return false;
    }
    connection_begin(connection);
    return true;
}

void connection_drain(struct connection *connection) {
    conversation_drain(connection);
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
    connection->gate = &server->gate;
    connection->writable = true;
    connection->heard_us = server->gate.loop->now_us;
    buffer_init_pooled(&connection->input, &server->gate.large_pool);
    buffer_init_pooled(&connection->wire, &server->gate.wire_pool);
    (void)snprintf(connection->peer, sizeof(connection->peer), "%s", peer);
    connection_enter(connection, CONNECTION_HEAD);
    r = loop_watch(server->gate.loop, &connection->socket_io, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, on_socket,
                   connection);
    if (r) {
        free(connection);
        return r;
    }
    arm_timer(connection);
    connection->fd = fd;
    *connectionp = connection;
    return 0;
}

void connection_end(struct connection *connection, const char *reason) {
    if (connection_has_request(connection) && !connection->request.reason) {
        connection->request.reason = reason;
    }
    connection_free(connection);
}

/* An answer that has begun and ends with the connection, as it does for HTTP/1.0, has not gone out as a whole. */
static bool cuts_without_chunks(const struct connection *connection) {
    const struct exchange *exchange = connection->exchange;

    if (!connection_has_request(connection) || connection->head.minor != 0) {
        return false;
    }
    return exchange ? exchange->state != EXCHANGE_HOLDING && exchange->state != EXCHANGE_FAILED
                    : connection->request.status == 200 && buffer_size(&connection->wire) > 0;
}

void connection_free(struct connection *connection) {
    const bool resets = connection->reset_after || cuts_without_chunks(connection);

    if (connection_has_request(connection) && !connection->request.reason) {
        connection->request.reason = "the client went away";
        connection->request.is_abandoned = true;
    }
    if (connection->exchange) {
        connection->request.bytes_in += exchange_body_bytes(connection->exchange);
        exchange_release(connection->exchange);
    }
    connection_log_request(connection);
    connection->preview = preview_free(connection->preview);
    turns_leave(&connection->gate->turns, &connection->turn);
    loop_unwatch(&connection->socket_io);
    loop_timer_clear(&connection->timer);
    loop_cancel(&connection->again);
    buffer_deinit(&connection->input);
    buffer_deinit(&connection->wire);
    if (resets) {
        /* Without chunks, nothing but a reset tells a cut response from a whole one; over TCP, where there is one. */
        (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    }
    (void)fd_close(connection->fd);
    server_connection_ended(connection->server, connection);
    free(connection);
}
