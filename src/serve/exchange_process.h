/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "backend/packets.h"
#include "backend/process.h"
#include "backend/service.h"
#include "base/buffer.h"
#include "http/content.h"
#include "http/fetch_body.h"
#include "http/reason.h"
#include "serve/gate.h"
#include "serve/loop.h"
#include "serve/request.h"
#include "serve/stderr_log.h"

struct dependencies;
struct push_log;

enum {
    EXCHANGE_LAST_WORDS_READS = 64,    /* of what git says to nobody, at a time: more than a pipe holds */
    EXCHANGE_HANGUP_TIMEOUT_S = 3,     /* for a push that was given up, from the end of its input to SIGTERM */
    EXCHANGE_KILL_TIMEOUT_S = 5,       /* from SIGTERM to SIGKILL */
    EXCHANGE_ABANDON_TIMEOUT_MS = 500, /* for all together, where the loop has failed and everything else waits */
};

/**
 * enum exchange_state - how far one request and its process have come
 *
 * EXCHANGE_HOLDING:
 *     Request bytes go to git, or into a memory file for a git that is started later; what git writes is held back.
 *     -> RESPONDING once the request is consumed and git has said something, or, if the request has no body, has ended
 *     well, or when the output buffer is full, with a good response head; -> FAILED on a bad one, a broken body, a limit
 *     or a stall, or when git ended badly and had said nothing.
 * EXCHANGE_RESPONDING:
 *     The response head is out, and output streams; request bytes may still be flowing. -> COMPLETE when output and exit
 *     are in; -> CUT when git or the body fails. What is left of the group when git has ended gets SIGTERM, and after
 *     EXCHANGE_KILL_TIMEOUT_S SIGKILL; it counts as not ended until then.
 * EXCHANGE_COMPLETE:
 *     Everything is in the client's buffers; the process is gone. The owner releases the exchange.
 * EXCHANGE_FAILED:
 *     Nothing was sent yet; @code and @reason say what to reply. The owner releases the exchange.
 * EXCHANGE_CUT:
 *     The response cannot be finished. The owner ends the connection without the final chunk and releases the exchange.
 * EXCHANGE_ENDING:
 *     Nobody waits any more. A push first sees the end of its input and gets EXCHANGE_HANGUP_TIMEOUT_S to take back what
 *     it has stored, or to come to its end when all has come; then SIGTERM, and after EXCHANGE_KILL_TIMEOUT_S SIGKILL.
 *     Where the client left and git reports that it has moved the references, the hooks after that get all the time of
 *     --request-timeout. A gate that ends shortens all this, and sends SIGTERM at once to a push that has come as a
 *     whole. It frees itself when all of the group is gone, or in the loop's next tasks when no process was started.
 */
enum exchange_state {
    EXCHANGE_HOLDING,
    EXCHANGE_RESPONDING,
    EXCHANGE_COMPLETE,
    EXCHANGE_FAILED,
    EXCHANGE_CUT,
    EXCHANGE_ENDING,
};

/**
 * struct exchange_client - the client's side of an exchange, which its owner keeps until exchange_release()
 * @input: what the client sent; it starts with the request body
 * @wire: what goes out before the exchange's chunk
 * @request: what is remembered of the request
 * @address: the client's, for git
 * @on_event: called when something has happened to the process: the owner pumps, and may release the exchange in it
 */
struct exchange_client {
    struct buffer *input;
    struct buffer *wire;
    const struct request *request;
    const char *address;
    void (*on_event)(void *userdata);
    void *userdata;
};

/**
 * struct exchange - one request and its process
 * @client: zeros in EXCHANGE_ENDING
 * @closes: the connection ends behind the response, whose head says so
 * @state, @status, @code, @reason: see enum exchange_state
 * @chunk_left: bytes at the front of @output that may be sent as they are
 * @output: what git wrote and nobody has taken yet
 */
struct exchange {
    LIST_ENTRY(exchange) entry;
    struct gate *gate;
    struct exchange_client client;
    bool closes;
    enum exchange_state state;
    int status;
    enum reason code;
    const char *reason;
    size_t chunk_left;
    struct buffer output;

    /* the rest is for the files of an exchange alone */
    bool pushes;
    bool is_chunked;
    bool is_service; /* the gate itself starts git's service, for @call */
    struct service_call call;
    bool is_counted; /* as one of --max-backends */
    bool is_started;
    int collected; /* a memory file of the body, as long as the process waits for all of it; -1 for none */
    size_t n_own;  /* bytes at the front of @output that the gate has put there */
    struct process process;
    struct dependencies *dependencies;
    bool exited;
    int exit_status;
    bool input_ready;
    bool output_ready;
    bool output_is_shut;
    bool first_chunk;
    struct packets packets;
    int told;                  /* read end of what git-gate-hook tells of a push; -1 for none */
    struct push_log *push_log; /* the references of a push; NULL for anything else */
    bool awaits_head;          /* in EXCHANGE_ENDING: what comes next begins with a response head */
    struct content content;
    struct fetch_body fetch_body;
    bool consumed;
    struct stderr_log stderr_log;
    struct loop_io input_io;
    struct loop_io output_io;
    struct loop_io errors_io;
    struct loop_io exit_io;
    struct loop_io others_io;
    struct loop_timer kill_timer;
    struct loop_task end_task;
    uint64_t deadline_us; /* of the hooks of a push whose client left; 0 when they get no time of their own */
    bool is_told;
    bool is_killed;
};

/** exchange_is_running() - whether its owner still waits for it */
static inline bool exchange_is_running(const struct exchange *exchange) {
    return exchange->state == EXCHANGE_HOLDING || exchange->state == EXCHANGE_RESPONDING;
}

/**
 * exchange_fail() - on to EXCHANGE_FAILED when nothing was sent yet, to EXCHANGE_CUT otherwise
 * @code, @reason: for the client, if it can still be told
 *
 * Return: true, for "something moved".
 */
bool exchange_fail(struct exchange *exchange, enum reason code, const char *reason);

/** exchange_asks_head() - whether the text of HEAD is made of an advertisement of upload-pack: service_tell_head() */
static inline bool exchange_asks_head(const struct exchange *exchange) {
    return exchange->is_service && !exchange->call.name;
}

/**
 * exchange_process_watch() - watch the process that was started for an exchange, and count it
 *
 * Return: 0; a negative errno, and then the process is gone and process.failed_call says why.
 */
int exchange_process_watch(struct exchange *exchange);

/**
 * exchange_process_announce() - count the exchange as one of --max-backends, unless it is counted already
 *
 * It is counted until its process is gone or, when it never had one, until the loop's next tasks after
 * exchange_release().
 */
void exchange_process_announce(struct exchange *exchange);

/** exchange_follow_output() - look at the next bytes of git's output, those of its head left out */
void exchange_follow_output(struct exchange *exchange, struct span bytes);

/** exchange_close_input() - git sees the end of its input; fine when it has */
void exchange_close_input(struct exchange *exchange);

/** exchange_close_output() - nothing is read from git any more; fine when it is closed */
void exchange_close_output(struct exchange *exchange);

/** exchange_free() - log its push; the process was reaped, or never started, and is not counted any more */
void exchange_free(struct exchange *exchange);

/** exchange_release() - its owner is done with it: free it if its process is gone, otherwise end that first */
void exchange_release(struct exchange *exchange);

/** exchange_terminate() - SIGTERM to the process group of an exchange in EXCHANGE_ENDING, if it has got none yet */
void exchange_terminate(struct exchange *exchange);

/** exchange_kill() - SIGKILL to the process group of an exchange in EXCHANGE_ENDING, without waiting any longer */
void exchange_kill(struct exchange *exchange);

/** exchange_owns() - whether @pid is a process that this exchange is going to reap */
static inline bool exchange_owns(const struct exchange *exchange, pid_t pid) {
    return exchange->process.pid == pid;
}

/**
 * exchange_abandon_all() - free all exchanges now, though their processes may be left; for a gate that ends
 *
 * Blocks for EXCHANGE_ABANDON_TIMEOUT_MS at most, the time that the processes have between SIGTERM and SIGKILL.
 */
void exchange_abandon_all(struct gate *gate);
