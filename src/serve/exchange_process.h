/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "backend/packets.h"
#include "backend/process.h"
#include "backend/service.h"
#include "base/buffer.h"
#include "base/fd.h"
#include "http/content.h"
#include "http/fetch_body.h"
#include "http/reason.h"
#include "serve/gate.h"
#include "serve/loop.h"
#include "serve/request_log.h"
#include "serve/stderr_log.h"

struct dependencies;
struct push_log;

enum {
    EXCHANGE_LISTEN_US = 3000,              /* before git's output is watched: a git with little to say ends earlier */
    EXCHANGE_INPUT_PIPE_BYTES = 128 * 1024, /* size of git's input pipe after it was full; Linux starts with 64 KiB */
    EXCHANGE_LAST_WORDS_READS = 64,         /* reads per round of output that no client gets: more than a pipe holds */
    EXCHANGE_HANGUP_TIMEOUT_S = 3,          /* for a released push, from the end of its input to SIGTERM */
    EXCHANGE_KILL_TIMEOUT_S = 5,            /* from SIGTERM to SIGKILL */
    EXCHANGE_ABANDON_TIMEOUT_MS = 500, /* for all processes together, at the end of a gate, which blocks meanwhile */
};

/**
 * enum exchange_state - how far one request and its process have come
 *
 * An arrow names a next state, and when the exchange enters it.
 *
 * EXCHANGE_HOLDING: request bytes go to git, or into a memory file for a git that starts later. git's output is held
 *     back.
 *     -> RESPONDING when git's response head is good, the whole request is consumed, and git has written more than the
 *     head or has ended well. If the request has no body, git must have ended well in any case. A full output buffer is
 *     enough, if it has a good head.
 *     -> FAILED on a bad response head, a broken body, a limit or a time-out. Also when git fails before it has written
 *     more than the head or, if the request has no body, at any time.
 * EXCHANGE_RESPONDING: the response head is on the wire and output follows. Request bytes may still come.
 *     -> COMPLETE when git has exited and its output is complete.
 *     -> CUT when git or the body fails, or on a time-out.
 * EXCHANGE_COMPLETE: the whole response is in the client's buffers, and the process has gone. The owner releases the
 *     exchange.
 * EXCHANGE_FAILED: nothing was sent yet. @code and @reason are for the reply. The owner releases the exchange.
 * EXCHANGE_CUT: the response cannot be finished. The owner ends the connection without the final chunk, and releases
 *     the exchange.
 * EXCHANGE_ENDING: the owner has released the exchange before its process had gone. The exchange frees itself when the
 *     whole process group has gone or, without a process, in the loop's next tasks. Until then:
 *     - A push gets the end of its input, and EXCHANGE_HANGUP_TIMEOUT_S. In this time git removes the objects that it
 *       has stored, or finishes if the whole push has come. Then the group gets SIGTERM.
 *     - Any other process gets SIGTERM at once.
 *     - SIGKILL follows EXCHANGE_KILL_TIMEOUT_S after SIGTERM.
 *     - If a client left its push, and git reports that it has moved the references, the hooks that follow may run as
 *       long as --request-timeout allows.
 *     - A gate that ends shortens all these times. It sends SIGTERM at once to a push that has come as a whole.
 *
 * When git has exited before the owner releases the exchange, the rest of its group gets SIGTERM, and SIGKILL after
 * EXCHANGE_KILL_TIMEOUT_S. git counts as running until this rest has gone.
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
 * @input: bytes that the client sent, from the request body on
 * @wire: bytes to send before the exchange's chunk
 * @request: the record of the request
 * @address: the client's address, for git
 * @on_event: called when something has happened to the process; the owner pumps, and may release the exchange meanwhile
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
 * @closes: the connection ends after the response, whose head says so
 * @state, @status, @code, @reason: see enum exchange_state
 * @chunk_left: bytes at the front of @output that may be sent as they are
 * @output: git's output that was not sent yet
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

    /* the rest is private to exchange*.c */
    bool pushes;
    bool is_chunked;
    bool is_service; /* the gate itself starts git's service, for @call */
    struct service_call call;
    bool is_counted; /* as one of --max-backends */
    bool is_started;
    int collected; /* memory file that receives the body before the process starts; -1 for none */
    size_t n_own;  /* bytes at the front of @output that the gate itself has written */
    struct process process;
    struct dependencies *dependencies;
    bool exited;
    int exit_status;
    bool input_ready;
    bool input_is_large; /* git's input pipe has EXCHANGE_INPUT_PIPE_BYTES */
    bool output_ready;
    bool output_is_shut;
    bool first_chunk;
    struct packets packets;
    int told;                  /* read end of the pipe on which git-gate-hook tells of a push; -1 for none */
    struct push_log *push_log; /* of a push; otherwise NULL */
    bool awaits_head;          /* in EXCHANGE_ENDING: the next output begins with a response head */
    struct content content;
    struct fetch_body fetch_body;
    bool consumed;
    struct stderr_log stderr_log;
    struct loop_io input_io;
    struct loop_io output_io;
    struct loop_io errors_io;
    struct loop_io exit_io;
    struct loop_io others_io;
    struct loop_timer listen_timer;
    struct loop_timer kill_timer;
    struct loop_task end_task;
    uint64_t deadline_us; /* of the hooks of a push whose client left; 0 when they get no time of their own */
    bool is_told;         /* the group was sent SIGTERM */
    bool is_killed;       /* the group was sent SIGKILL */
};

/** exchange_is_running() - whether the owner still has to pump it */
static inline bool exchange_is_running(const struct exchange *exchange) {
    return exchange->state == EXCHANGE_HOLDING || exchange->state == EXCHANGE_RESPONDING;
}

/**
 * exchange_fail() - enter EXCHANGE_FAILED if nothing was sent yet, otherwise EXCHANGE_CUT
 * @code: for the client, if it gets a reply
 * @reason: likewise, and for the log; static
 *
 * Return: true, for "something moved".
 */
bool exchange_fail(struct exchange *exchange, enum reason code, const char *reason);

/** exchange_asks_head() - whether upload-pack's advertisement becomes the response to GET HEAD: service_tell_head() */
static inline bool exchange_asks_head(const struct exchange *exchange) {
    return exchange->is_service && !exchange->call.name;
}

/**
 * exchange_process_watch() - watch the process that was started for an exchange, and count it
 *
 * Return: 0; a negative errno. On failure the process has gone, and process.failed_call names the failed system call.
 */
int exchange_process_watch(struct exchange *exchange);

/**
 * exchange_process_announce() - count the exchange as one of --max-backends, unless it is counted already
 *
 * It is counted until its process has gone. Without a process, it is counted until the loop's next tasks after
 * exchange_release().
 */
void exchange_process_announce(struct exchange *exchange);

/** exchange_follow_output() - follow git's packets and the report of a push through the next bytes behind the head */
void exchange_follow_output(struct exchange *exchange, struct span bytes);

/** exchange_close_input() - close git's standard input, which ends the body for git; does nothing if it is closed */
static inline void exchange_close_input(struct exchange *exchange) {
    loop_unwatch(&exchange->input_io);
    exchange->process.input = fd_close(exchange->process.input);
}

/** exchange_close_output() - read no more of git's output; does nothing if it is closed */
static inline void exchange_close_output(struct exchange *exchange) {
    loop_unwatch(&exchange->output_io);
    exchange->process.output = fd_close(exchange->process.output);
}

/** exchange_close_errors() - read no more of git's standard error; does nothing if it is closed */
static inline void exchange_close_errors(struct exchange *exchange) {
    loop_unwatch(&exchange->errors_io);
    exchange->process.errors = fd_close(exchange->process.errors);
}

/**
 * exchange_free() - log the push, and free
 *
 * The process must have been reaped, or never have been started. The exchange must not be counted any more.
 */
void exchange_free(struct exchange *exchange);

/** exchange_release() - give up an exchange: free it if its process has gone, otherwise end the process first */
void exchange_release(struct exchange *exchange);

/** exchange_terminate() - send SIGTERM to the process group of an exchange in EXCHANGE_ENDING, unless it was sent */
void exchange_terminate(struct exchange *exchange);

/** exchange_kill() - send SIGKILL to the process group of an exchange in EXCHANGE_ENDING, and wait no longer */
void exchange_kill(struct exchange *exchange);

/** exchange_owns() - whether @pid is a process that this exchange will reap */
static inline bool exchange_owns(const struct exchange *exchange, pid_t pid) {
    return exchange->process.pid == pid;
}

/**
 * exchange_abandon_all() - free all exchanges of a gate that ends, even if a process is left
 *
 * Blocks for at most EXCHANGE_ABANDON_TIMEOUT_MS, the time of the processes between SIGTERM and SIGKILL.
 */
void exchange_abandon_all(struct gate *gate);
