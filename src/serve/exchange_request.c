/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns the way of a request body: unframed where it lies, inflated if need be, into git's standard input. It counts
 * what passes against the limits, and closes git's input at the end of the body, which is how git sees it.
 */

#include <errno.h>
#include <unistd.h>

#include "serve/connection.h"
#include "serve/exchange_internal.h"
#include "serve/settings.h"

/*
 * Hands bytes to git, or drops them when git reads no more: the request is read to its end all the same, since a client
 * looks at the answer only then. Return: bytes taken, 0 when git takes none now.
 */
static size_t give_to_git(struct exchange *exchange, struct span bytes) {
    ssize_t size;

    if (exchange->process.input < 0) {
        return bytes.size;
    }
    if (!exchange->input_ready || bytes.size == 0) {
        return 0;
    }
    do {
        size = write(exchange->process.input, bytes.data, bytes.size);
    } while (size < 0 && errno == EINTR);
    if (size >= 0) {
        return (size_t)size;
    }
    if (errno == EAGAIN) {
        exchange->input_ready = false;
        return 0;
    }
    exchange_close_input(exchange);
    return bytes.size;
}

static bool over_limit(const struct exchange *exchange) {
    return exchange->max_body_bytes > 0 &&
           (exchange->body.n_decoded > exchange->max_body_bytes || exchange->n_inflated > exchange->max_body_bytes);
}

static bool pump_gunzip(struct exchange *exchange, struct buffer *input) {
    struct span compressed = {buffer_content(input).data, exchange->body.ready};
    size_t before = buffer_size(&exchange->inflated);
    bool at_end = exchange->body.complete && exchange->body.ready == 0;
    size_t n_used;
    int r = gunzip_inflate(&exchange->gunzip, compressed, &n_used, &exchange->inflated);

    if (r < 0) {
        return exchange_fail(exchange, 500, "the gate is out of memory; try again later");
    }
    body_consume(&exchange->body, input, n_used);
    exchange->n_inflated += buffer_size(&exchange->inflated) - before;
    if (over_limit(exchange)) {
        return exchange_fail(exchange, 413, settings_too_large(exchange->pushes));
    }
    if (r || (at_end && !exchange->gunzip.complete && buffer_size(&exchange->inflated) == 0)) {
        return exchange_fail(exchange, 400, "the gzip body is damaged, cut short, or has bytes behind its end");
    }
    return n_used > 0 || buffer_size(&exchange->inflated) > before;
}

bool exchange_request_pump(struct exchange *exchange) {
    struct buffer *input = &exchange->connection->input;
    size_t before = buffer_size(input);
    bool moved = false;
    size_t n_given;

    if (exchange->consumed) {
        return false;
    }
    if (body_decode(&exchange->body, input)) {
        return exchange_fail(exchange, 400, exchange->body.reason);
    }
    if (over_limit(exchange)) {
        return exchange_fail(exchange, 413, settings_too_large(exchange->pushes));
    }
    if (exchange->gzip) {
        moved = pump_gunzip(exchange, input);
        if (!exchange_is_running(exchange)) {
            return true;
        }
        n_given = give_to_git(exchange, buffer_content(&exchange->inflated));
        buffer_consume(&exchange->inflated, n_given);
    } else {
        n_given = give_to_git(exchange, (struct span){buffer_content(input).data, exchange->body.ready});
        body_consume(&exchange->body, input, n_given);
    }
    if (exchange->body.complete && exchange->body.ready == 0 &&
        (!exchange->gzip || (exchange->gunzip.complete && buffer_size(&exchange->inflated) == 0))) {
        exchange->consumed = true;
        exchange_close_input(exchange); /* git sees the end of the body by it */
        return true;
    }
    return moved || n_given > 0 || buffer_size(input) != before;
}
