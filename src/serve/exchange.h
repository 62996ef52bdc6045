/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "access/verdict.h"
#include "backend/packets.h"
#include "backend/process.h"
#include "base/buffer.h"
#include "http/content.h"
#include "serve/loop.h"
#include "serve/request.h"
#include "serve/stderr_log.h"

struct connection;
struct dependencies;
struct server;

enum {
    EXCHANGE_OUTPUT_BYTES = 64 * 1024, /* response bytes in flight: what a pipe holds */
    EXCHANGE_LAST_WORDS_READS = 64,    /* of what git says to nobody, at a time: more than a pipe holds */
    EXCHANGE_EXIT_TIMEOUT_S = 30,      /* for git to exit after the end of its output */
    EXCHANGE_HANGUP_TIMEOUT_S = 3,     /* for a push that was given up, from the end of its input to SIGTERM */
    EXCHANGE_KILL_TIMEOUT_S = 5,       /* from SIGTERM to SIGKILL */
    EXCHANGE_ABANDON_TIMEOUT_MS = 500, /* the same, where the loop has failed and everything else waits */
};

/**
 * enum exchange_state - how far one request and its process have come
 *
 * EXCHANGE_HOLDING:
 *     Request bytes go to git; what git answers is held back. -> ANSWERING once the request is consumed and, if it has no
 *     body, git has ended well, or when the output buffer is full, with a good response head; -> FAILED on a bad one, a
 *     broken body, a limit or a stall, or when git ended badly.
 * EXCHANGE_ANSWERING:
 *     The response head is out, and output streams; request bytes may still be flowing. -> COMPLETE when output and exit
 *     are in; -> CUT when git or the body fails. What is left of the group when git has ended gets SIGTERM, and after
 *     EXCHANGE_KILL_TIMEOUT_S SIGKILL; it counts as not ended until then.
 * EXCHANGE_COMPLETE:
 *     Everything is in the connection's hands; the process is gone. The connection releases the exchange.
 * EXCHANGE_FAILED:
 *     Nothing was sent yet; @code and @reason say what to answer. The connection releases the exchange.
 * EXCHANGE_CUT:
 *     The response cannot be finished. The connection ends without the final chunk and releases the exchange.
 * EXCHANGE_ENDING:
 *     Nobody waits any more. A push first sees the end of its input and gets EXCHANGE_HANGUP_TIMEOUT_S to take back what
 *     it has stored, or to come to its end when all has come; then SIGTERM, and after EXCHANGE_KILL_TIMEOUT_S SIGKILL. A
 *     server that ends shortens both, and sends SIGTERM at once to a push that has come as a whole. It frees itself when
 *     all of the group is gone.
 */
enum exchange_state {
    EXCHANGE_HOLDING,
    EXCHANGE_ANSWERING,
    EXCHANGE_COMPLETE,
    EXCHANGE_FAILED,
    EXCHANGE_CUT,
    EXCHANGE_ENDING,
};

enum exchange_wait {
    EXCHANGE_WAITS_FOR_CLIENT,
    EXCHANGE_WAITS_FOR_GIT,
    EXCHANGE_WAITS_FOR_EXIT,
};

/**
 * struct exchange - one request and its process
 * @server: counts it as a running backend until the process is gone
 * @connection: whose events it shares; NULL in EXCHANGE_ENDING
 * @request: the connection's; NULL in EXCHANGE_ENDING
 * @state, @status, @code, @reason: see enum exchange_state
 * @chunk_left: bytes at the front of @output that the connection may send as they are
 * @output: what git wrote and nobody has taken yet
 */
struct exchange {
    LIST_ENTRY(exchange) entry;
    struct server *server;
    struct connection *connection;
    struct request *request;
    enum exchange_state state;
    int status;
    enum reason code;
    const char *reason;
    size_t chunk_left;
    struct buffer output;

    /* the rest is the exchange's own: see exchange_internal.h */
    bool pushes;
    bool has_body;
    struct process process;
    struct dependencies *dependencies;
    bool exited;
    int exit_status;
    bool input_ready;
    bool output_ready;
    bool output_is_shut;
    bool first_chunk;
    struct packets packets;
    struct content content;
    bool consumed;
    struct stderr_log stderr_log;
    struct loop_io input_io;
    struct loop_io output_io;
    struct loop_io errors_io;
    struct loop_io exit_io;
    struct loop_io others_io;
    struct loop_timer kill_timer;
    struct loop_task end_task;
    bool is_told;
    bool is_killed;
};
LIST_HEAD(exchange_list, exchange);

/**
 * exchange_start() - start git for a request that passed every check
 * @exchangep: owned by @connection from here on
 * @connection: its head has been consumed from its input buffer, which starts with the body
 * @verdict: what the checks found
 * @callp: receives the system call that failed, static, when it fails; NULL when it was none
 *
 * Return: 0 or a negative errno when git cannot be started: answer 500.
 */
int exchange_start(struct exchange **exchangep, struct server *server, struct connection *connection,
                   const struct verdict *verdict, const char **callp);

/**
 * exchange_pump() - move bytes until nothing moves: from the connection's input to git, from git into @output, and into
 * the connection's wire whatever is to be sent before the next @chunk_left bytes
 *
 * Return: whether anything moved.
 */
bool exchange_pump(struct exchange *exchange);

/** exchange_sent() - the connection sent @size of the @chunk_left bytes */
void exchange_sent(struct exchange *exchange, size_t size);

/** exchange_waits_for() - whom the exchange waits for while nothing moves */
enum exchange_wait exchange_waits_for(const struct exchange *exchange);

/**
 * exchange_is_idle() - whether what moved last was nothing but git's word that a push is still being worked on
 *
 * receive-pack says so every five seconds, also while a hook hangs that never returns, so it is no progress. upload-pack
 * says the same while git counts objects and packs them, and no program of the operator's is in between: there it is
 * progress, for a large repository may take longer than --backend-timeout, and --request-timeout bounds it.
 */
static inline bool exchange_is_idle(const struct exchange *exchange) {
    return exchange->pushes && exchange->packets.is_idle;
}

/**
 * exchange_time_out() - on to EXCHANGE_FAILED or EXCHANGE_CUT
 * @is_overdue: the request as a whole took too long; otherwise whoever is waited for did
 */
void exchange_time_out(struct exchange *exchange, bool is_overdue);

/** exchange_assume_ready() - look at git's ends of the pipes again, though nothing was heard of them */
static inline void exchange_assume_ready(struct exchange *exchange) {
    exchange->input_ready = exchange->output_ready = true;
}

/** exchange_end_of_input() - the client will send no more: a failure unless all of the body has come */
void exchange_end_of_input(struct exchange *exchange);

/** exchange_body_bytes() - of the request body that have come, without framing */
static inline uint64_t exchange_body_bytes(const struct exchange *exchange) {
    return content_body_bytes(&exchange->content);
}

/** exchange_is_consumed() - whether the whole request body has been taken from the connection's input */
static inline bool exchange_is_consumed(const struct exchange *exchange) {
    return exchange->consumed;
}

/** exchange_release() - the connection is done with it: free it if its process is gone, otherwise end that first */
void exchange_release(struct exchange *exchange);

/** exchange_terminate() - SIGTERM to the process group of an exchange in EXCHANGE_ENDING, if it has got none yet */
void exchange_terminate(struct exchange *exchange);

/** exchange_kill() - SIGKILL to the process group of an exchange in EXCHANGE_ENDING, without waiting any longer */
void exchange_kill(struct exchange *exchange);

/** exchange_owns() - whether @pid is a process that this exchange is going to reap */
static inline bool exchange_owns(const struct exchange *exchange, pid_t pid) {
    return exchange->process.pid == pid;
}

/** exchange_abandon() - free it now, though its process may be left; for a server that ends */
void exchange_abandon(struct exchange *exchange);
