/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <llhttp.h>

#include "base/buffer.h"
#include "http/syntax.h"

struct head;

enum {
    BODY_FRAMING_MAX_BYTES = 64, /* of framing without a byte of body: room for two chunk heads of 16 digits */
    BODY_PREFIX_MAX_BYTES = 32,  /* the most that body_encode_chunk() and body_encode_end() append */
};

enum {
    BODY_E_MALFORMED = 1, /* the framing is broken: answer 400 and close, body->reason says why */
};

/**
 * struct body - the decoder of a request body, by length or by chunks
 * @ready: number of body bytes, without framing, at the front of the buffer; take them with body_consume()
 * @complete: the last byte of the body has been found. Once @ready is 0, the next request follows
 * @n_decoded: body bytes found so far
 * @reason: for BODY_E_MALFORMED
 */
struct body {
    size_t ready;
    bool complete;
    uint64_t n_decoded;
    const char *reason;

    /* private to body.c */
    struct syntax syntax;
    struct head *head;
    const char *at;
    size_t n_behind;
    size_t n_framing;
};

/**
 * body_init() - begin to decode the body after @head
 *
 * @head must neither move nor change until the body is complete. The buffer given to body_decode() begins with the
 * first byte after the head.
 */
void body_init(struct body *body, struct head *head);

/**
 * body_decode() - find the next body bytes at the front of @buffer, and drop their framing
 *
 * Does nothing while bytes are ready. Afterwards body->ready is 0 only if the body is complete or @buffer is empty.
 *
 * Return: 0 or BODY_E_MALFORMED.
 */
int body_decode(struct body *body, struct buffer *buffer);

/** body_consume() - drop @size of the ready bytes */
void body_consume(struct body *body, struct buffer *buffer, size_t size);

/**
 * body_encode_chunk() - append to @wire the bytes that precede @size bytes of a chunked response body
 * @first: this is the body's first chunk
 *
 * The line end of a chunk is sent with the next chunk. So a chunk is written in two pieces: @wire and its data.
 * Return: as buffer_append().
 */
int body_encode_chunk(struct buffer *wire, bool first, size_t size);

/** body_encode_end() - the same for the final chunk. A response without it is cut, and the client can tell. */
int body_encode_end(struct buffer *wire, bool first);

/* For head.c alone, which sets the callbacks: one parser reads the head and then the body. */
int body_on_body(llhttp_t *parser, const char *at, size_t size);
int body_on_chunk_complete(llhttp_t *parser);
int body_on_message_complete(llhttp_t *parser);

#define BODY_CALLBACKS                                                                                                 \
    .on_body = body_on_body, .on_chunk_complete = body_on_chunk_complete,                                              \
    .on_message_complete = body_on_message_complete
