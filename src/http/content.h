/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"
#include "http/body.h"
#include "http/gunzip.h"

struct head;

enum {
    CONTENT_INFLATED_BYTES = 32 * 1024, /* of inflated bytes in memory: the size of gunzip's window */
};

enum {
    CONTENT_E_MALFORMED = 1, /* framing or compression is broken: answer 400 and close, content->reason says why */
    CONTENT_E_TOO_LARGE,     /* more than @max_bytes, compressed or inflated: answer 413 and close */
};

/**
 * struct content - the decoder of a request body: framing and compression removed, size bounded
 * @reason: for CONTENT_E_MALFORMED
 */
struct content {
    const char *reason;

    /* private to content.c */
    struct body body;
    uint64_t max_bytes;
    bool is_gzip;
    struct gunzip gunzip;
    struct buffer inflated;
    uint64_t n_inflated;
};

/**
 * content_init() - begin to decode the body after @head, which must neither move nor change until all is consumed
 * @is_gzip: the body is compressed
 * @max_bytes: the bound on its size, both compressed and not; 0 for none
 *
 * Return: 0, or -ENOMEM, which leaves nothing to deinit.
 */
int content_init(struct content *content, struct head *head, bool is_gzip, uint64_t max_bytes);
void content_deinit(struct content *content);

/**
 * content_decode() - make the next bytes ready, from the front of @input
 *
 * At first @input begins with the first byte after the head. Each call does a bounded amount of work. Without
 * compression, ready bytes stay in @input until content_consume(). With it, the last byte becomes ready once the body
 * has ended and its checksum is right.
 *
 * Return: 0, CONTENT_E_MALFORMED, CONTENT_E_TOO_LARGE, -ENOMEM.
 */
int content_decode(struct content *content, struct buffer *input);

/** content_ready() - the decoded bytes, valid until the next call with @content or @input */
struct span content_ready(const struct content *content, const struct buffer *input);

/** content_consume() - drop the first @size of the ready bytes */
void content_consume(struct content *content, struct buffer *input, size_t size);

/** content_has_undelivered() - whether unframed bytes remain to be inflated, or are ready to be consumed */
bool content_has_undelivered(const struct content *content);

/** content_has_come() - whether the last byte of the body was received; the next request follows in the input */
static inline bool content_has_come(const struct content *content) {
    return content->body.complete;
}

/** content_is_consumed() - whether the whole body was received, is well formed, and was consumed */
bool content_is_consumed(const struct content *content);

/** content_body_bytes() - body bytes received, without framing and still compressed */
static inline uint64_t content_body_bytes(const struct content *content) {
    return content->body.n_decoded;
}
