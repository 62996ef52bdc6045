/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Moves the bytes between a client's socket and its conversation, and keeps the time of the connection. pump() does all
 * the work: events only set flags. Only pump() notices a change of the conversation's state. A client can end only its
 * own connection. This file does not interpret the bytes: conversation.c does.
 */

#include "serve/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/fd.h"

/* ---- the socket ---- */

static bool receive(struct connection *connection) {
    struct conversation *conversation = &connection->conversation;
    size_t room = buffer_room(&conversation->input);
    ssize_t size;

    /* To read a few bytes more, the buffer would move all bytes that it holds. No state needs more than these. */
    if (!connection->readable || conversation->end_of_input || conversation_has_enough(conversation)) {
        return false;
    }
    size = buffer_read(&conversation->input, connection->fd);
    if (size > 0) {
        /*
         * After a short read the socket is empty, epoll(7). But after EPOLLRDHUP the end of file is still to be read,
         * and no new edge will announce it.
         */
        connection->readable = (size_t)size == room || connection->client_has_shut;
        return true;
    }
    if (size == 0) {
        conversation->end_of_input = true;
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
    struct span parts[CONVERSATION_PARTS];
    struct iovec vectors[CONVERSATION_PARTS];
    ssize_t size;

    conversation_outgoing(&connection->conversation, parts);
    if (!connection->writable || parts[0].size + parts[1].size == 0) {
        return false;
    }
    for (size_t i = 0; i < CONVERSATION_PARTS; i++) {
        vectors[i] = (struct iovec){(void *)parts[i].data, parts[i].size};
    }
    do {
        size = writev(connection->fd, vectors, CONVERSATION_PARTS); /* not sendmsg(2): seccomp refuses it */
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        connection->writable = errno != EAGAIN;
        connection->gone = errno != EAGAIN;
        return connection->gone;
    }
    conversation_sent(&connection->conversation, (size_t)size);
    return size > 0;
}

/* ---- time ---- */

static void on_timer(void *userdata);

static uint64_t due_us(const struct connection *connection) {
    return deadline_of(&connection->conversation, &connection->marks);
}

static struct loop *loop_of(const struct connection *connection) {
    return connection->conversation.gate->loop;
}

/* Progress only postpones the deadline. So the timer is not set at each byte, but again after it fired too early. */
static void arm_timer(struct connection *connection) {
    uint64_t at_us = due_us(connection);

    if (connection->armed_us == 0 || connection->armed_us > at_us) {
        connection->armed_us = at_us;
        loop_timer_set(loop_of(connection), &connection->timer, at_us, on_timer, connection);
    }
}

/* ---- the pump ---- */

static void log_state(struct connection *connection) {
    struct conversation *conversation = &connection->conversation;

    log_record(&conversation->gate->log, LOG_LEVEL_DEBUG, "connection",
               LOG_FIELDS(log_string("client", conversation->client),
                          log_string("state", conversation_state_name(conversation->state)),
                          conversation_has_request(conversation) ? log_number("id", conversation->request.id)
                                                                 : (struct log_field){0}));
}

/* The time of a new state begins here, wherever the state was assigned. */
static void notice_state(struct connection *connection) {
    enum conversation_state state = connection->conversation.state;

    if (state == connection->noticed_state) {
        return;
    }
    connection->noticed_state = state;
    log_state(connection);
    connection->marks.progress_us = connection->marks.work_us = loop_of(connection)->now_us;
    if (state == CONVERSATION_LINGERING) {
        (void)shutdown(connection->fd, SHUT_WR);
    }
    if (state != CONVERSATION_QUEUED && state != CONVERSATION_EXCHANGE) {
        connection->owner->on_change(connection->owner->userdata);
    }
}

static void close_if_gone(struct connection *connection) {
    if (connection->gone) {
        connection->conversation.state = CONVERSATION_CLOSED;
    }
    notice_state(connection);
}

static bool pump_round(struct connection *connection) {
    struct conversation *conversation = &connection->conversation;
    bool has_received = receive(connection);
    bool moved = conversation_step(conversation);

    notice_state(connection);
    moved = transmit(connection) || moved;
    if (!connection->gone && moved && conversation_counts_progress(conversation)) {
        /* Received bytes alone do not count. Otherwise a client could keep a hanging git alive by sending bytes. */
        connection->marks.progress_us = loop_of(connection)->now_us;
        if (conversation_has_worked(conversation)) {
            connection->marks.work_us = connection->marks.progress_us;
        }
    }
    close_if_gone(connection);
    return moved || has_received;
}

/* Return: whether there may be more to move. */
static bool pump_rounds(struct connection *connection) {
    struct conversation *conversation = &connection->conversation;
    bool moved = !connection->gone;

    close_if_gone(connection);
    conversation->yields = false;
    for (unsigned round = 0;
         moved && !conversation->yields && conversation->state != CONVERSATION_CLOSED && round < CONNECTION_PUMP_ROUNDS;
         round++) {
        moved = pump_round(connection);
    }
    return moved;
}

/*
 * Moves bytes and changes states until nothing moves, or until other connections get their turn. Every event of a
 * connection and of its exchange leads here. The connection may be freed when this returns. @userdata: the connection.
 */
static void pump(void *userdata) {
    struct connection *connection = userdata;
    bool moved = pump_rounds(connection);

    if (connection->conversation.state == CONVERSATION_CLOSED) {
        connection_free(connection);
        return;
    }
    arm_timer(connection);
    if (moved) {
        loop_defer(loop_of(connection), &connection->again, pump, connection); /* after other connections */
    }
}

static bool is_due(const struct connection *connection) {
    return connection->conversation.state != CONVERSATION_CLOSED && loop_of(connection)->now_us >= due_us(connection);
}

/*
 * After a gate was suspended, its timers fire before it has read the bytes that came in time. So it reads them first.
 * It tries to write again only if the timer is late. A full socket accepts a few more bytes before it reports that it
 * is writable, and these bytes would give more time to a client that does not read.
 */
static void look_again(struct connection *connection, bool is_late) {
    connection->readable = true;
    connection->writable |= is_late;
    conversation_assume_ready(&connection->conversation);
    (void)pump_rounds(connection);
}

static void on_timer(void *userdata) {
    struct connection *connection = userdata;
    struct conversation *conversation = &connection->conversation;
    uint64_t late_us = connection->armed_us + CONNECTION_LATE_MS * US_PER_MS;

    connection->armed_us = 0;
    if (is_due(connection)) {
        look_again(connection, loop_of(connection)->now_us > late_us);
    }
    if (is_due(connection) && conversation->end_of_input) {
        connection->gone = true; /* it may only have shut its sending side, but just a write could tell */
    } else if (is_due(connection)) {
        conversation_time_out(conversation, deadline_is_of_request(conversation));
    }
    pump(connection);
}

static void on_socket(uint32_t events, void *userdata) {
    struct connection *connection = userdata;

    connection->readable |= (events & (EPOLLIN | EPOLLRDHUP)) != 0;
    connection->client_has_shut |= (events & EPOLLRDHUP) != 0;
    connection->writable |= (events & EPOLLOUT) != 0;
    connection->gone |= (events & (EPOLLHUP | EPOLLERR)) != 0;
    pump(connection);
}

void connection_begin(struct connection *connection) {
    connection->readable = true;
    pump(connection);
}

bool connection_hear_out(struct connection *connection) {
    const uint64_t heard_us = connection->conversation.heard_us;
    char byte;

    if (connection->heard_out_us == heard_us) {
        return false;
    }
    connection->heard_out_us = heard_us;
    if (recv(connection->fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) != (ssize_t)sizeof(byte)) {
        return false;
    }
    connection_begin(connection);
    return true;
}

void connection_drain(struct connection *connection) {
    conversation_drain(&connection->conversation);
    pump(connection);
}

/* ---- begin and end ---- */

int connection_new(struct connection **connectionp, struct gate *gate, const struct connection_owner *owner, int fd,
                   const char *client) {
    struct connection *connection = calloc(1, sizeof(*connection));
    int r;

    if (!connection) {
        return -ENOMEM;
    }
    connection->owner = owner;
    connection->writable = true;
    connection->noticed_state = CONVERSATION_STATE_COUNT;
    conversation_init(&connection->conversation, gate, client, pump, connection);
    notice_state(connection);
    r = loop_watch(gate->loop, &connection->socket_io, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, on_socket,
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
    conversation_give_up(&connection->conversation, reason);
    connection_free(connection);
}

void connection_free(struct connection *connection) {
    const bool resets = conversation_needs_reset(&connection->conversation);

    conversation_deinit(&connection->conversation);
    loop_unwatch(&connection->socket_io);
    loop_timer_clear(&connection->timer);
    loop_cancel(&connection->again);
    if (resets) {
        /* HTTP/1.0 has no chunks, so only a reset shows that a response was cut. Only TCP has resets. */
        (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    }
    (void)fd_close(connection->fd);
    connection->owner->on_end(connection, connection->owner->userdata);
    free(connection);
}
