/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Moves git's output to the client: out of a pipe, held back until it may go, then as chunks on the wire. It decides
 * whether the output is a response at all, and whether it is whole.
 */

#include "serve/exchange_response.h"

#include <errno.h>
#include <limits.h>
#include <sys/wait.h>

#include "backend/cgi.h"
#include "base/fd.h"
#include "serve/confinement.h"
#include "serve/exchange_process.h"
#include "serve/response.h"

enum {
    LONG_RESPONSE_BYTES = 256 * 1024, /* from here on it pays to let git write more: docs/architecture.md, event loop */
    HTTP_BACKEND_FAILS = 1,           /* exit status of git-http-backend when the service behind it has failed */
    GIT_DIES = 128,                   /* of a service itself, with or without a last word to the client: die() */
};

static const char ended_early[] =
    "git ended or answered nonsense before its response head; the gate's log has its words";

static bool pump_output(struct exchange *exchange) {
    size_t room = buffer_room(&exchange->output);
    ssize_t size;

    if (exchange->process.output < 0 || !exchange->output_ready || room == 0) {
        return false;
    }
    size = buffer_read(&exchange->output, exchange->process.output);
    if (size > 0) {
        /* Less than was asked for means that no more is there (epoll(7)), unless the end is: it has had its edge. */
        exchange->output_ready = (size_t)size == room || exchange->output_is_shut || exchange->exited;
        if (!exchange->output_ready && exchange->client.request->bytes_out >= LONG_RESPONSE_BYTES) {
            loop_pause(exchange->gate->loop);
        }
        return true;
    }
    if (size == -EAGAIN) {
        exchange->output_ready = false;
        if (!exchange->exited) {
            return false;
        }
        size = 0; /* some process that got away holds the pipe, but all that git wrote has been read */
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
                             "git does not allow this for the repository; the gate's log has its words");
    case 404:
        return confinement_has_lost(exchange->gate, exchange->client.request->repository)
                   ? exchange_fail(exchange, REASON_REPLACED_REPOSITORY,
                                   "the repository was replaced by another folder, which --confine keeps out of reach; "
                                   "start git-gate anew")
                   : exchange_fail(exchange, REASON_UNREADABLE_REPOSITORY,
                                   "git cannot read the repository; the gate's log has its words");
    case 415:
        return exchange_fail(exchange, REASON_WRONG_TYPE,
                             "git does not know the Content-Type of the request; use a git client");
    case 500:
        return exchange_fail(exchange, REASON_GIT_FAILED,
                             "git failed on this repository; the gate's log has its words");
    default:
        return exchange_fail(exchange, REASON_BAD_ANSWER,
                             "git answered with a status that it should not; the gate's log has its words");
    }
}

/*
 * A service that fails may have told the client all about it; but not in an advertisement, which is cut off where it failed
 * and then looks like that of an empty repository.
 */
static bool said_everything(const struct exchange *exchange) {
    int status = exchange->exit_status;
    bool may_have_failed = exchange->call.has_body && exchange->packets.is_whole;
    int failure = exchange->is_service ? GIT_DIES : HTTP_BACKEND_FAILS;

    return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || (WEXITSTATUS(status) == failure && may_have_failed));
}

static bool has_ended(const struct exchange *exchange) {
    return exchange->process.output < 0 && exchange->exited;
}

/* A response without a request body has no progress to show: it waits for its end, when a failure can still be told. */
static bool may_respond(const struct exchange *exchange) {
    return buffer_room(&exchange->output) == 0 ||
           (exchange->consumed && (exchange->call.has_body || has_ended(exchange)));
}

/* An advertisement that is here as a whole, and good, may be so the next time. */
static void keep(struct exchange *exchange, size_t head_size) {
    struct span output = buffer_content(&exchange->output);
    struct span body = {output.data + head_size, output.size - head_size};

    if (exchange->dependencies && has_ended(exchange) && packets_are_capabilities(body)) {
        advertisement_cache_store(&exchange->gate->advertisements, exchange->client.request->repository,
                                  take_pointer(&exchange->dependencies), output);
    }
}

static int append_head(struct exchange *exchange, const struct cgi *cgi) {
    const struct response_form form = {
        .is_chunked = exchange->is_chunked,
        .closes = exchange->closes,
        .date = reply_date(&exchange->gate->date, exchange->gate->loop->now_s),
    };

    return response_append_head(exchange->client.wire, &form, cgi);
}

/*
 * Whether git has failed and the client can be told so: nothing but a head is there, or the response to a GET, of which
 * git may have written a part.
 */
static bool has_failed(const struct exchange *exchange, bool is_silent) {
    bool is_known = exchange->call.has_body ? is_silent && has_ended(exchange) : exchange->exited;

    return is_known && !said_everything(exchange);
}

/* Finds out why a service has failed without a word; git-http-backend says it by its status. */
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

/* Puts the text of HEAD in the place of git's advertisement. Return: whether it is there. */
static bool tell_head(struct exchange *exchange) {
    if (has_ended(exchange) && !said_everything(exchange)) {
        (void)fail_for_git(exchange, buffer_size(&exchange->output) == 0);
        return false;
    }
    if (!has_ended(exchange) || service_tell_head(&exchange->output) != 0) { /* or there is too much of it */
        (void)exchange_fail(exchange, REASON_BAD_ANSWER, ended_early);
        return false;
    }
    return true;
}

/* Lets the response out once it may be: see EXCHANGE_HOLDING. */
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
    keep(exchange, cgi.size);
    buffer_consume(&exchange->output, cgi.size);
    exchange->status = cgi.status;
    exchange->state = EXCHANGE_RESPONDING;
    return true;
}

/* What is small is copied behind its chunk head, so that it goes out together with the head before it and the end. */
static bool put_small(struct exchange *exchange) {
    struct buffer *wire = exchange->client.wire;
    struct span output = buffer_content(&exchange->output);

    if (output.size + BODY_PREFIX_MAX_BYTES > buffer_room(wire) || buffer_append(wire, output.data, output.size) < 0) {
        return false;
    }
    buffer_consume(&exchange->output, output.size);
    return true;
}

/* Puts the next chunk head on the wire, a small chunk as well, and the end. */
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
    if (!said_everything(exchange)) {
        return exchange_fail(exchange, REASON_BAD_ANSWER,
                             "git failed in the middle of its answer; the gate's log has its words");
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
