/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "access/verdict.h"
#include "base/buffer.h"
#include "http/head.h"
#include "http/preview.h"
#include "serve/loop.h"
#include "serve/request.h"
#include "serve/turns.h"

struct exchange;
struct server;

enum {
    CONNECTION_AHEAD_BYTES = 32 * 1024, /* of request bytes, waited for: a whole head, or what is previewed of a body */
    CONNECTION_PUMP_ROUNDS = 16,        /* before other connections get their turn: 1 MiB each way */
    CONNECTION_LINGER_TIMEOUT_S = 2,    /* for a refused client to read why before the socket is gone */
    CONNECTION_LATE_MS = 500,           /* behind its time, for a timer that tells of a suspended gate */
    CONNECTION_SHUT_TIMEOUT_S = 5,      /* without progress, for a client that sends no more: it may be gone */
};

/**
 * enum connection_state - what a client is doing
 *
 * CONNECTION_IDLE:
 *     Between requests. -> HEAD at the first byte; CLOSED after the idle timeout, at end of file, at drain.
 * CONNECTION_HEAD:
 *     A request head is coming in; a new connection begins here, so that it cannot sit silent for long. -> BODY,
 *     EXCHANGE or QUEUED when it is whole and passes; REPLYING when it does not, with 408 after the header timeout, 500 when
 *     git cannot be started or memory is out, 503 at drain; CLOSED when nothing came at all.
 * CONNECTION_BODY:
 *     The body of a request that passed is coming in, and nothing is started for it yet. -> EXCHANGE or QUEUED when it is
 *     whole, or CONNECTION_AHEAD_BYTES of it are there, and well formed; REPLYING when it is not, after the stall timeout,
 *     or with 500.
 * CONNECTION_QUEUED:
 *     All processes are taken. -> EXCHANGE in turn; REPLYING with 503 after the queue timeout, after
 *     TURNS_BRIEF_TIMEOUT_S when the queue was and is full, or at drain; or with 500.
 * CONNECTION_EXCHANGE:
 *     An exchange runs. -> IDLE, LINGERING or CLOSED when it is complete; REPLYING when it failed before its response head
 *     was sent; CLOSED when it failed later.
 * CONNECTION_REPLYING:
 *     An answer of the gate's own goes out. -> IDLE; LINGERING when the request's bytes are not all read or not understood.
 * CONNECTION_LINGERING:
 *     The sending side is shut; what still comes is dropped until end of file or CONNECTION_LINGER_TIMEOUT_S, so that a
 *     reset does not overtake the answer. -> CLOSED.
 * CONNECTION_CLOSED:
 *     Freed as soon as the pump returns. Every state comes here when the client is gone; one that gives way is freed at once.
 */
enum connection_state {
    CONNECTION_IDLE,
    CONNECTION_HEAD,
    CONNECTION_BODY,
    CONNECTION_QUEUED,
    CONNECTION_EXCHANGE,
    CONNECTION_REPLYING,
    CONNECTION_LINGERING,
    CONNECTION_CLOSED,
    CONNECTION_STATE_COUNT,
};

/**
 * struct connection - one client, request after request
 * @peer: its address, for the log and for git
 * @turn: its place in the queue for a process
 * @heard_us: when it was accepted, was answered for the first time, or when its last process ended, for admission.c
 * @heard_out_us: the @heard_us for which connection_hear_out() has looked
 * @input: what the client sent and nobody has taken yet
 * @wire: what goes out before the exchange's chunk
 * @head, @request: of the current request
 * @is_proven: a request on it has passed every check, so its client holds the token
 * @close_after: no further request follows, and the response says so
 */
struct connection {
    LIST_ENTRY(connection) entry;
    struct server *server;
    struct gate *gate;
    int fd;
    char peer[INET6_ADDRSTRLEN];
    enum connection_state state;
    struct turn turn;
    uint64_t heard_us;
    uint64_t heard_out_us;
    struct buffer input;
    struct buffer wire;
    struct head head;
    struct request request;
    struct exchange *exchange;
    bool close_after;
    bool is_proven;

    /* the rest is connection.c's and conversation.c's own */
    struct verdict verdict;
    struct preview *preview;
    bool readable;
    bool writable;
    bool peer_has_shut;
    bool end_of_input;
    bool gone;
    bool linger_after;
    bool reset_after;
    bool yields;
    bool was_answered;
    uint64_t progress_us;
    uint64_t work_us;
    uint64_t armed_us;
    struct loop_io socket_io;
    struct loop_timer timer;
    struct loop_task again;
};
LIST_HEAD(connection_list, connection);

/** connection_has_request() - whether a request has begun and is not finished */
static inline bool connection_has_request(const struct connection *connection) {
    return connection->request.id != 0;
}

/** connection_has_enough() - whether so much input is there that no more is read before some of it is taken */
static inline bool connection_has_enough(const struct connection *connection) {
    return buffer_size(&connection->input) >= CONNECTION_AHEAD_BYTES;
}

/** connection_enter() - change the state, whose time begins now */
void connection_enter(struct connection *connection, enum connection_state state);

/** connection_log_request() - the current request, if there is one, is over */
void connection_log_request(struct connection *connection);

/**
 * connection_new() - serve a client that was accepted
 * @fd: its socket, non-blocking; owned by the connection on success, by the caller on failure
 *
 * Return: 0 or a negative errno.
 */
int connection_new(struct connection **connectionp, struct server *server, int fd, const char *peer);

/**
 * connection_pump() - move bytes and change states until nothing moves or others are due
 *
 * Every event of a connection and of its exchange ends here. The connection may be freed when it returns.
 */
void connection_pump(struct connection *connection);

/**
 * connection_drain() - take no further request: close at once when none is running, else behind it
 *
 * The connection may be freed when it returns.
 */
void connection_drain(struct connection *connection);

/** connection_begin() - look for what a client sent before it was accepted. It may be freed when this returns. */
void connection_begin(struct connection *connection);

/**
 * connection_hear_out() - before a client gives way, read what it has sent in time and the gate has not read in time
 *
 * Once for each @heard_us, so that a client which goes on sending keeps nobody out.
 *
 * Return: whether there was anything; then it may be freed when this returns.
 */
bool connection_hear_out(struct connection *connection);

/** connection_end() - close at once, for a @reason of the gate's own, which is static */
void connection_end(struct connection *connection, const char *reason);

/** connection_free() - close at once; a running exchange is told to end */
void connection_free(struct connection *connection);
