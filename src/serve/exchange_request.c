/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Decodes a request body and writes it to git's standard input, which it closes at the end of the body. It reads the
 * whole body even if git stops reading. With --backend=services it first collects the body of a fetch if the check
 * ahead has not seen the whole. Otherwise upload-pack would write while it reads, to a client that does not read yet.
 */

#include "serve/exchange_request.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory_file.h"
#include "serve/exchange_program.h"
#include "serve/obstacle.h"
#include "serve/push_log.h"
#include "serve/settings.h"

/* If memory runs out, some commands of the push are not read. Its last record says so. */
static void follow_push(struct exchange *exchange, struct span bytes) {
    if (exchange->push_log) {
        (void)pushed_feed_request(&exchange->push_log->pushed, bytes);
    }
}

static void on_input(uint32_t events, void *userdata) {
    struct exchange *exchange = userdata;

    (void)events;
    exchange->input_ready = true;
    exchange->client.on_event(exchange->client.userdata); /* not NULL: exchange_release() closes the input */
}

/*
 * Watches git's input until git takes more. git reads 4 KiB at a time, and each piece would wake the gate. So the loop
 * pauses first, and then one write refills the pipe. The first call makes the pipe larger, so that git does not empty
 * it during the pause. If the kernel refuses, for example to a user with many pipes, nothing pauses: fcntl(2).
 */
static void await_input(struct exchange *exchange) {
    exchange->input_ready = false;
    if (!loop_is_watched(&exchange->input_io)) {
        exchange->input_is_large =
            fcntl(exchange->process.input, F_SETPIPE_SZ, EXCHANGE_INPUT_PIPE_BYTES) >= EXCHANGE_INPUT_PIPE_BYTES;
        if (loop_watch(exchange->gate->loop, &exchange->input_io, exchange->process.input, EPOLLOUT | EPOLLET, on_input,
                       exchange) != 0) {
            (void)exchange_fail(exchange, REASON_GATE_FAILED, "the gate cannot watch git's input; try again later");
        }
    }
    if (exchange->input_is_large) {
        loop_pause(exchange->gate->loop);
    }
}

/*
 * Writes bytes to git, or drops them if git reads no more. The request is read to its end in any case, because a client
 * reads the response only then.
 *
 * Return: bytes written or dropped; 0 when git takes none now, or when the exchange has failed.
 */
static ssize_t give_to_git(struct exchange *exchange, struct span bytes) {
    ssize_t size;

    if (exchange->process.input < 0) {
        return (ssize_t)bytes.size;
    }
    if (!exchange->input_ready || bytes.size == 0) {
        return 0;
    }
    do {
        size = write(exchange->process.input, bytes.data, bytes.size);
    } while (size < 0 && errno == EINTR);
    if (size >= 0) {
        follow_push(exchange, (struct span){bytes.data, (size_t)size});
        return size;
    }
    if (errno == EAGAIN) {
        await_input(exchange);
        return 0;
    }
    exchange_close_input(exchange);
    return (ssize_t)bytes.size;
}

static bool fail(struct exchange *exchange, int r) {
    switch (r) {
    case CONTENT_E_MALFORMED:
        return exchange_fail(exchange, REASON_BAD_BODY, exchange->content.reason);
    case CONTENT_E_TOO_LARGE:
        return exchange_fail(exchange, REASON_TOO_LARGE, settings_too_large(exchange->pushes));
    default:
        return exchange_fail(exchange, REASON_GATE_FAILED, "the gate is out of memory; try again later");
    }
}

/*
 * Starts git with the collected body as its standard input. It looks for obstacles again, because files may have
 * changed while the body came.
 */
static bool start_late(struct exchange *exchange) {
    const struct request *request = exchange->client.request;
    const char *reason;
    enum reason code = obstacle_find(&reason, exchange->gate, request, exchange->pushes);
    int r;

    if (code != REASON_NONE) {
        return exchange_fail(exchange, code, reason);
    }
    r = memory_file_finish(exchange->collected);
    r = r ? r : exchange_program_start(exchange, exchange->collected);
    exchange->collected = fd_close(exchange->collected);
    if (r) {
        exchange_program_log_failure(exchange->gate, request, exchange->process.failed_call, -r);
        return exchange_fail(exchange, REASON_GATE_FAILED, "git cannot be started; the gate's log says why");
    }
    return true;
}

static bool finish_request(struct exchange *exchange) {
    const char *fault = exchange->pushes ? NULL : fetch_body_find_fault(&exchange->fetch_body);

    exchange->consumed = true;
    if (fault) {
        return exchange_fail(exchange, REASON_BAD_BODY, fault);
    }
    if (exchange->collected >= 0) {
        return start_late(exchange);
    }
    exchange_close_input(exchange); /* so git sees the end of the body */
    return true;
}

/* Return: bytes taken, or a negative errno. */
static ssize_t collect(struct exchange *exchange, struct span bytes) {
    int r = memory_file_append(exchange->collected, bytes);

    return r ? r : (ssize_t)bytes.size;
}

static void follow_fetch(struct exchange *exchange, size_t n_given) {
    if (!exchange->pushes) {
        struct span ready = content_ready(&exchange->content, exchange->client.input);

        fetch_body_feed(&exchange->fetch_body, (struct span){ready.data, n_given});
    }
}

bool exchange_request_pump(struct exchange *exchange) {
    struct buffer *input = exchange->client.input;
    struct content *content = &exchange->content;
    size_t n_input = buffer_size(input);
    size_t n_ready = content_ready(content, input).size;
    ssize_t n_given;
    bool moved;
    int r;

    if (exchange->consumed) {
        return false;
    }
    r = content_decode(content, input);
    if (r) {
        return fail(exchange, r);
    }
    moved = buffer_size(input) != n_input || content_ready(content, input).size != n_ready;
    n_given = exchange->collected < 0 ? give_to_git(exchange, content_ready(content, input))
                                      : collect(exchange, content_ready(content, input));
    if (n_given < 0) {
        exchange_program_log_failure(exchange->gate, exchange->client.request, "write", (int)-n_given);
        return exchange_fail(exchange, REASON_GATE_FAILED, "git cannot be started; the gate's log says why");
    }
    follow_fetch(exchange, (size_t)n_given);
    content_consume(content, input, (size_t)n_given);
    if (content_is_consumed(content)) {
        return finish_request(exchange);
    }
    return moved || n_given > 0;
}
