/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Moves a request body, decoded, into git's standard input, and closes that at the end of the body: git sees the end by
 * it. Whatever git does not read is read all the same.
 */

#include "serve/exchange_request.h"

#include <errno.h>
#include <unistd.h>

#include "serve/exchange_process.h"
#include "serve/settings.h"

/*
 * Hands bytes to git, or drops them when git reads no more: the request is read to its end all the same, since a client
 * looks at the response only then. Return: bytes taken, 0 when git takes none now.
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

bool exchange_request_pump(struct exchange *exchange) {
    struct buffer *input = exchange->client.input;
    struct content *content = &exchange->content;
    size_t n_input = buffer_size(input);
    size_t n_ready = content_ready(content, input).size;
    size_t n_given;
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
    n_given = give_to_git(exchange, content_ready(content, input));
    content_consume(content, input, n_given);
    if (content_is_consumed(content)) {
        exchange->consumed = true;
        exchange_close_input(exchange); /* git sees the end of the body by it */
        return true;
    }
    return moved || n_given > 0;
}
