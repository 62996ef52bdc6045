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
    CONNECTION_PUMP_ROUNDS = 16, /* before other connections get their turn: 1 MiB each way */
    CONNECTION_LATE_MS = 500,    /* behind its time, for a timer that tells of a suspended gate */
};

struct connection;

/**
 * struct connection_owner - who is told of connections
 * @on_change: one has come to a state in which it could give way
 * @on_end: one has ended; it is freed when this returns
 */
struct connection_owner {
    void (*on_change)(void *userdata);
    void (*on_end)(struct connection *connection, void *userdata);
    void *userdata;
};

/**
 * struct connection - one client: its socket, its timer, and what is said
 * @entry: for its owner
 */
struct connection {
    LIST_ENTRY(connection) entry;
    const struct connection_owner *owner;
    struct conversation conversation;

    /* the rest is connection.c's own */
    int fd;
    enum conversation_state noticed_state;
    bool readable;
    bool writable;
    bool client_has_shut;
    bool gone;
    uint64_t heard_out_us; /* the heard_us for which connection_hear_out() has looked */
    struct deadline_marks marks;
    uint64_t armed_us;
    struct loop_io socket_io;
    struct loop_timer timer;
    struct loop_task again;
};
LIST_HEAD(connection_list, connection);

/**
 * connection_new() - serve a client that was accepted
 * @owner: stays until the connection has ended
 * @fd: its socket, non-blocking; owned by the connection on success, by the caller on failure
 * @client: its address, for the log and for git
 *
 * Return: 0 or a negative errno.
 */
int connection_new(struct connection **connectionp, struct gate *gate, const struct connection_owner *owner, int fd,
                   const char *client);

/** connection_begin() - look for what a client sent before it was accepted. It may be freed when this returns. */
void connection_begin(struct connection *connection);

/**
 * connection_hear_out() - before a client gives way, read what it has sent in time and the gate has not read in time
 *
 * Once for each conversation.heard_us, so that a client which goes on sending keeps nobody out.
 *
 * Return: whether there was anything; then it may be freed when this returns.
 */
bool connection_hear_out(struct connection *connection);

/**
 * connection_drain() - take no further request: close at once when none is running, else behind it
 *
 * The connection may be freed when it returns.
 */
void connection_drain(struct connection *connection);

/** connection_end() - close at once, for a @reason of the gate's own, which is static */
void connection_end(struct connection *connection, const char *reason);

/** connection_free() - close at once; a running exchange is told to end */
void connection_free(struct connection *connection);
