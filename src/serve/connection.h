/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "serve/conversation.h"
#include "serve/deadline.h"
#include "serve/gate.h"
#include "serve/loop.h"

enum {
    CONNECTION_PUMP_ROUNDS = 16, /* of one connection, before others get their turn: 1 MiB each way */
    CONNECTION_LATE_MS = 500,    /* a timer that fires this late shows that the gate was suspended */
};

struct connection;

/**
 * struct connection_owner - the owner of connections, and its callbacks
 * @on_change: a connection has reached a state in which it could give way to another one
 * @on_end: a connection has ended; it is freed after this returns
 */
struct connection_owner {
    void (*on_change)(void *userdata);
    void (*on_end)(struct connection *connection, void *userdata);
    void *userdata;
};

/**
 * struct connection - one client: its socket, its timer and its conversation
 * @entry: for the owner's list
 */
struct connection {
    LIST_ENTRY(connection) entry;
    const struct connection_owner *owner;
    struct conversation conversation;

    /* the rest is private to connection.c */
    int fd;
    enum conversation_state noticed_state;
    bool readable;
    bool writable;
    bool client_has_shut;
    bool gone;
    uint64_t heard_out_us; /* the conversation's heard_us when connection_hear_out() last looked */
    struct deadline_marks marks;
    uint64_t armed_us;
    struct loop_io socket_io;
    struct loop_timer timer;
    struct loop_task again;
};
LIST_HEAD(connection_list, connection);

/**
 * connection_new() - serve an accepted client
 * @owner: must outlive the connection
 * @fd: the client's socket, non-blocking; owned by the connection on success, by the caller on failure
 * @client: the client's address, for the log and for git
 *
 * Return: 0 or a negative errno.
 */
int connection_new(struct connection **connectionp, struct gate *gate, const struct connection_owner *owner, int fd,
                   const char *client);

/** connection_begin() - read the bytes that the client sent before it was accepted. This may free the connection. */
void connection_begin(struct connection *connection);

/**
 * connection_hear_out() - read the bytes that a client has sent in time, before it gives way to another one
 *
 * A busy gate may read late. This reads only once for each value of conversation.heard_us, so that a client cannot stay
 * by sending more and more.
 *
 * Return: whether there was anything to read. If so, the connection may have been freed.
 */
bool connection_hear_out(struct connection *connection);

/**
 * connection_drain() - take no further request: close now, or after the running request
 *
 * This may free the connection.
 */
void connection_drain(struct connection *connection);

/** connection_end() - close now; @reason, a static string, is logged for a request that this ends */
void connection_end(struct connection *connection, const char *reason);

/** connection_free() - close now, and release a running exchange, which ends its process */
void connection_free(struct connection *connection);
