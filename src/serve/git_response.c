/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Composes an HTTP response from git's output. The gate decides the framing and the connection, and git has no say.
 * This file works in memory only: it reads no clock, and knows neither the client nor the process.
 */

#include "serve/git_response.h"

#include "http/body.h"
#include "http/reply.h"

int git_response_append_head(struct buffer *wire, const struct git_response_form *form, const struct cgi *cgi) {
    int r = reply_append_status(wire, cgi->status, form->closes, form->date);

    for (size_t i = 0; i < cgi->n_fields && !r; i++) {
        r = reply_append_field(wire, cgi->field[i].name, cgi->field[i].value);
    }
    if (!r && form->is_chunked) {
        r = buffer_append_all(wire, "Transfer-Encoding: chunked\r\n");
    }
    return r ? r : buffer_append_all(wire, "\r\n");
}

int git_response_append(struct buffer *wire, const struct git_response_form *form, struct span output) {
    const size_t before = buffer_size(wire);
    struct span body;
    struct cgi cgi;
    int r = cgi_parse(&cgi, output);

    if (r) {
        return r;
    }
    body = (struct span){output.data + cgi.size, output.size - cgi.size};
    r = git_response_append_head(wire, form, &cgi);
    if (!r && form->is_chunked && body.size > 0) {
        r = body_encode_chunk(wire, true, body.size);
    }
    r = r ? r : buffer_append(wire, body.data, body.size);
    if (!r && form->is_chunked) {
        r = body_encode_end(wire, body.size == 0);
    }
    if (r) {
        buffer_truncate(wire, before); /* append all or nothing */
    }
    return r;
}
