/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Removes the framing of request bodies, and adds chunks to response bodies (RFC 9112, 6 and 7.1). Request bytes pass
 * the grammar of syntax.c first, and then the llhttp parser that read the head. Body bytes are never copied: they stay
 * in the buffer that received them. Chunk extensions and trailers are refused, since no git client sends them.
 */

#include "http/body.h"

#include <assert.h>

#include "http/head.h"

int body_on_body(llhttp_t *parser, const char *at, size_t size) {
    struct body *body = ((struct head *)parser->data)->body;

    assert(body->ready == 0); /* the parser pauses after each chunk */
    body->at = at;
    body->ready = size;
    return 0;
}

/* Pauses, but not after the last, empty chunk: the end of the body must not wait for a byte of the next request. */
int body_on_chunk_complete(llhttp_t *parser) {
    const struct body *body = ((struct head *)parser->data)->body;

    return body->ready > 0 ? HPE_PAUSED : 0;
}

int body_on_message_complete(llhttp_t *parser) {
    struct body *body = ((struct head *)parser->data)->body;

    body->complete = true;
    return HPE_PAUSED;
}

void body_init(struct body *body, struct head *head) {
    *body = (struct body){.head = head, .complete = !head_has_body(head)};
    syntax_init_body(&body->syntax, head->chunked, head->content_length);
    head->body = body;
}

/*
 * Whether the parser agrees with the grammar. It was given all bytes that passed, so it must stop at their @end, and
 * find the end of the body where the grammar does.
 */
static bool agrees(const struct body *body, llhttp_errno_t error, const char *end) {
    const bool is_paused = error == HPE_PAUSED || error == HPE_PAUSED_UPGRADE;

    if (is_paused ? llhttp_get_error_pos(&body->head->parser) != end : error != HPE_OK) {
        return false;
    }
    return body->complete == (body->syntax.state == SYNTAX_COMPLETE);
}

/* One step of the parser: up to the end of a chunk or of the bytes received. */
static int decode_step(struct body *body, struct buffer *buffer) {
    struct span content = buffer_content(buffer);
    size_t n_used = syntax_pass(&body->syntax, content.data, content.size);
    llhttp_t *parser = &body->head->parser;
    bool too_much_framing;
    size_t n_before;

    if (n_used == 0) {
        body->reason = body->syntax.fault;
        return BODY_E_MALFORMED;
    }
    llhttp_resume(parser);
    if (!agrees(body, llhttp_execute(parser, content.data, n_used), content.data + n_used)) {
        body->reason = "the chunked framing of the body is broken";
        return BODY_E_MALFORMED;
    }
    if (body->ready > 0) {
        n_before = (size_t)(body->at - content.data);
        body->n_behind = n_used - n_before - body->ready;
        body->n_decoded += body->ready;
        too_much_framing = body->n_framing + n_before > BODY_FRAMING_MAX_BYTES;
        body->n_framing = body->n_behind;
    } else {
        n_before = n_used;
        body->n_framing += n_used;
        too_much_framing = body->n_framing > BODY_FRAMING_MAX_BYTES;
    }
    if (too_much_framing) {
        body->reason = "the body is all framing";
        return BODY_E_MALFORMED;
    }
    buffer_consume(buffer, n_before);
    return 0;
}

int body_decode(struct body *body, struct buffer *buffer) {
    while (body->ready == 0 && !body->complete && buffer_size(buffer) > 0) {
        int r = decode_step(body, buffer);

        if (r) {
            return r;
        }
    }
    return 0;
}

void body_consume(struct body *body, struct buffer *buffer, size_t size) {
    assert(size <= body->ready);
    body->ready -= size;
    buffer_consume(buffer, size);
    if (body->ready == 0) {
        buffer_consume(buffer, body->n_behind);
        body->n_behind = 0;
    }
}

int body_encode_chunk(struct buffer *wire, bool first, size_t size) {
    return buffer_printf(wire, "%s%zx\r\n", first ? "" : "\r\n", size);
}

int body_encode_end(struct buffer *wire, bool first) {
    return buffer_append_all(wire, first ? "" : "\r\n", "0\r\n\r\n");
}
