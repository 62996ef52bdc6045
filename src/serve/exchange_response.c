/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Moves git's output to the client. It reads the output from a pipe, holds it back until the response may begin, and
 * then puts it on the wire in chunks. It decides whether the output is a response, and whether it is complete. The
 * final chunk must not follow an incomplete one.
 */

#include "serve/exchange_response.h"

#include <errno.h>
#include <limits.h>
#include <sys/wait.h>

#include "backend/cgi.h"
#include "base/fd.h"
#include "serve/confinement.h"
#include "serve/exchange_process.h"
#include "serve/git_response.h"

enum {
    LONG_RESPONSE_BYTES = 256 * 1024, /* sent before the loop pauses for git: docs/architecture.md, event loop */
    HTTP_BACKEND_FAILS = 1,           /* exit status of git-http-backend when its service has failed */
    GIT_DIES = 128,                   /* exit status of a failed service, whether or not it told the client: die() */
};

static const char ended_early[] =
    "git ended, or wrote something else, before its response head; the gate's log has git's message";

/*
 * @is_short: whether the read got less than it had room for. The pipe is empty then, epoll(7). That does not hold if a
 * hook has set O_DIRECT on it, pipe2(2), so the output of a push is read to its end.
 */
static void note_read(struct exchange *exchange, bool is_short) {
    if (!is_short) {
        return;
    }
    if (exchange->output_is_shut || exchange->exited) { /* nothing more comes, so the end of a fetch need not be read */
        if (!exchange->pushes) {
            exchange_close_output(exchange);
        }
        return;
    }
    exchange->output_ready = false;
    if (exchange->client.request->bytes_out >= LONG_RESPONSE_BYTES) {
        loop_pause(exchange->gate->loop);
    }
}

static bool pump_output(struct exchange *exchange) {
    size_t room = buffer_room(&exchange->output);
    ssize_t size;

    if (exchange->process.output < 0 || !exchange->output_ready || room == 0) {
        return false;
    }
    size = buffer_read(&exchange->output, exchange->process.output);
    if (size > 0) {
        note_read(exchange, (size_t)size < room);
        return true;
    }
    if (size == -EAGAIN) {
        exchange->output_ready = false;
        if (!exchange->exited) {
            return false;
        }
        size = 0; /* a process that left the group holds the pipe, but all of git's output has been read */
    }
    if (size == 0) {
        exchange_close_output(exchange);
        return true;
    }
    return exchange_fail(exchange, size == -ENOMEM ? REASON_GATE_FAILED : REASON_BAD_ANSWER,
                         "git's answer could not be read");
}

static bool refuse_for_git(struct exchange *exchange, int status) {
    switch (status) {
    case 403:
        return exchange_fail(exchange, REASON_GIT_REFUSES,
                             "git does not allow this for the repository; the gate's log has git's message");
    case 404:
        return confinement_has_lost(exchange->gate, exchange->client.request->repository)
                   ? exchange_fail(exchange, REASON_REPLACED_REPOSITORY,
                                   "the repository was replaced by another folder, which --confine keeps out of reach; "
                                   "start git-gate anew")
                   : exchange_fail(exchange, REASON_UNREADABLE_REPOSITORY,
                                   "git cannot read the repository; the gate's log has git's message");
    case 415:
        return exchange_fail(exchange, REASON_WRONG_TYPE,
                             "git does not know the Content-Type of the request; use a git client");
    case 500:
        return exchange_fail(exchange, REASON_GIT_FAILED,
                             "git failed on this repository; the gate's log has git's message");
    default:
        return exchange_fail(exchange, REASON_BAD_ANSWER,
                             "git answered with an unexpected status; the gate's log has git's message");
    }
}

/*
 * Whether an exited git has written a complete response. A service that fails may have told the client the reason. That
 * does not hold for an advertisement: it ends where git failed, and then looks like that of an empty repository.
 */
static bool is_complete(const struct exchange *exchange) {
    int status = exchange->exit_status;
    bool may_have_failed = exchange->call.has_body && exchange->packets.is_whole;
    int failure = exchange->is_service ? GIT_DIES : HTTP_BACKEND_FAILS;

    return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || (WEXITSTATUS(status) == failure && may_have_failed));
}

static bool has_ended(const struct exchange *exchange) {
    return exchange->process.output < 0 && exchange->exited;
}

/*
 * Whether the output is no longer held back. The response to a request without a body shows no progress, so it waits
 * until git has ended: until then a failure can be reported.
 */
static bool may_respond(const struct exchange *exchange) {
    return buffer_room(&exchange->output) == 0 ||
           (exchange->consumed && (exchange->call.has_body || has_ended(exchange)));
}

/* Offers a whole and valid advertisement to the cache. */
static void store_advertisement(struct exchange *exchange, size_t head_size) {
    struct span output = buffer_content(&exchange->output);
    struct span body = {output.data + head_size, output.size - head_size};

    if (exchange->dependencies && has_ended(exchange) && packets_are_capabilities(body)) {
        advertisement_cache_store(&exchange->gate->advertisements, exchange->client.request->repository,
                                  take_pointer(&exchange->dependencies), output);
    }
}

static int append_head(struct exchange *exchange, const struct cgi *cgi) {
    const struct git_response_form form = {
        .is_chunked = exchange->is_chunked,
        .closes = exchange->closes,
        .date = reply_date(&exchange->gate->date, exchange->gate->loop->now_s),
    };

    return git_response_append_head(exchange->client.wire, &form, cgi);
}

/*
 * Whether git has failed and the client can still be told. If the request has a body, git must have written only a
 * head. The response to a GET is held back, so it does not matter how much of it git has written.
 */
static bool has_failed(const struct exchange *exchange, bool is_silent) {
    bool is_known = exchange->call.has_body ? is_silent && has_ended(exchange) : exchange->exited;

    return is_known && !is_complete(exchange);
}

/* Finds the reason for which a service has failed without any output. git-http-backend gives its reason as a status. */
static bool fail_for_git(struct exchange *exchange, bool is_silent) {
    const char *name = exchange->client.request->repository;
    char repository[PATH_MAX];

    if (!exchange->is_service || !is_silent) {
        return refuse_for_git(exchange, 500);
    }
    if (WIFSIGNALED(exchange->exit_status)) {
        return exchange_fail(exchange, REASON_BAD_ANSWER, ended_early);
    }
    (void)settings_path_of(repository, exchange->gate->settings, name);
    return refuse_for_git(
        exchange, service_finds_repository(repository) && !confinement_has_lost(exchange->gate, name) ? 500 : 404);
}

/* Replaces git's advertisement by the text of HEAD. Return: false when the exchange has failed. */
static bool tell_head(struct exchange *exchange) {
    if (has_ended(exchange) && !is_complete(exchange)) {
        (void)fail_for_git(exchange, buffer_size(&exchange->output) == 0);
        return false;
    }
    if (!has_ended(exchange) || service_tell_head(&exchange->output) != 0) { /* the output is too large, or malformed */
        (void)exchange_fail(exchange, REASON_BAD_ANSWER, ended_early);
        return false;
    }
    return true;
}

/* Begins the response if EXCHANGE_HOLDING allows it by now, or fails. Return: whether anything moved. */
static bool try_response(struct exchange *exchange) {
    bool is_full = buffer_room(&exchange->output) == 0;
    bool is_silent;
    struct cgi cgi;
    int r;

    if (!may_respond(exchange)) {
        return false;
    }
    if (exchange_asks_head(exchange) && !tell_head(exchange)) {
        return true;
    }
    r = cgi_parse(&cgi, buffer_content(&exchange->output));
    if (r == CGI_E_MORE && exchange->process.output >= 0 && !is_full) {
        return false;
    }
    if (r) {
        return exchange_fail(exchange, REASON_BAD_ANSWER, ended_early);
    }
    if (cgi.status != 200) {
        return refuse_for_git(exchange, cgi.status);
    }
    is_silent = buffer_size(&exchange->output) == (exchange->n_own > 0 ? exchange->n_own : cgi.size);
    if (is_silent && !has_ended(exchange)) {
        return false;
    }
    if (has_failed(exchange, is_silent)) {
        return fail_for_git(exchange, is_silent);
    }
    if (append_head(exchange, &cgi) < 0) {
        return exchange_fail(exchange, REASON_GATE_FAILED, "the gate is out of memory; try again later");
    }
    store_advertisement(exchange, cgi.size);
    buffer_consume(&exchange->output, cgi.size);
    exchange->status = cgi.status;
    exchange->state = EXCHANGE_RESPONDING;
    return true;
}

/* Copies a small chunk onto the wire, behind its head. So one write sends the response head, the chunk and the end. */
static bool put_small(struct exchange *exchange) {
    struct buffer *wire = exchange->client.wire;
    struct span output = buffer_content(&exchange->output);

    if (output.size + BODY_PREFIX_MAX_BYTES > buffer_room(wire) || buffer_append(wire, output.data, output.size) < 0) {
        return false;
    }
    buffer_consume(&exchange->output, output.size);
    return true;
}

/* Puts the next chunk head on the wire, the chunk itself if it is small, and the final chunk. */
static bool pump_body(struct exchange *exchange) {
    struct buffer *wire = exchange->client.wire;
    size_t size = buffer_size(&exchange->output);

    if (exchange->chunk_left > 0 || buffer_room(wire) < BODY_PREFIX_MAX_BYTES) {
        return false;
    }
    if (size > 0) {
        if (exchange->is_chunked && body_encode_chunk(wire, exchange->first_chunk, size) < 0) {
            return exchange_fail(exchange, REASON_GATE_FAILED, "the gate is out of memory; try again later");
        }
        exchange_follow_output(exchange, buffer_content(&exchange->output));
        exchange->first_chunk = false;
        if (!put_small(exchange)) {
            exchange->chunk_left = size;
            return true;
        }
    }
    if (!has_ended(exchange)) {
        return size > 0;
    }
    if (!is_complete(exchange)) {
        return exchange_fail(exchange, REASON_BAD_ANSWER,
                             "git failed in the middle of its answer; the gate's log has git's message");
    }
    if (exchange->is_chunked && body_encode_end(wire, exchange->first_chunk) < 0) {
        return exchange_fail(exchange, REASON_GATE_FAILED, "the gate is out of memory; try again later");
    }
    exchange->state = EXCHANGE_COMPLETE;
    return true;
}

bool exchange_response_pump(struct exchange *exchange) {
    bool moved = pump_output(exchange);

    if (exchange->state == EXCHANGE_HOLDING) {
        moved = try_response(exchange) || moved;
    }
    if (exchange->state == EXCHANGE_RESPONDING) {
        moved = pump_body(exchange) || moved;
    }
    return moved;
}
