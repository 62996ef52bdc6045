/* SPDX-License-Identifier: Apache-2.0 */

/* Owns what an answer of git's looks like on the wire, by whichever way it comes there. */

#include "serve/response.h"

#include "http/body.h"
#include "http/reply.h"
#include "serve/connection.h"
#include "serve/server.h"

int response_append_head(struct connection *connection, const struct cgi *cgi) {
    struct buffer *wire = &connection->wire;
    int r = reply_append_status(wire, cgi->status, connection->close_after, server_date(connection->server));

    for (size_t i = 0; i < cgi->n_fields && !r; i++) {
        r = reply_append_field(wire, cgi->field[i].name, cgi->field[i].value);
    }
    if (!r && connection->head.minor == 1) {
        r = buffer_append_all(wire, "Transfer-Encoding: chunked\r\n");
    }
    return r ? r : buffer_append_all(wire, "\r\n");
}

int response_append(struct connection *connection, struct span output) {
    struct buffer *wire = &connection->wire;
    const size_t before = buffer_size(wire);
    const bool is_chunked = connection->head.minor == 1;
    struct span body;
    struct cgi cgi;
    int r = cgi_parse(&cgi, output);

    if (r) {
        return r;
    }
    body = (struct span){output.data + cgi.size, output.size - cgi.size};
    r = response_append_head(connection, &cgi);
    if (!r && is_chunked && body.size > 0) {
        r = body_encode_chunk(wire, true, body.size);
    }
    r = r ? r : buffer_append(wire, body.data, body.size);
    if (!r && is_chunked) {
        r = body_encode_end(wire, body.size == 0);
    }
    if (r) {
        buffer_truncate(wire, before); /* whole or not at all */
    }
    return r;
}
