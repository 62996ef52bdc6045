/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <llhttp.h>

#include "base/span.h"
#include "http/head_basics.h"
#include "http/syntax.h"

/** enum head_field_name - the fields that the gate reads; all others are only checked for syntax */
enum head_field_name {
    HEAD_FIELD_HOST,
    HEAD_FIELD_AUTHORIZATION,
    HEAD_FIELD_CONTENT_LENGTH,
    HEAD_FIELD_TRANSFER_ENCODING,
    HEAD_FIELD_CONTENT_TYPE,
    HEAD_FIELD_CONTENT_ENCODING,
    HEAD_FIELD_EXPECT,
    HEAD_FIELD_GIT_PROTOCOL,
    HEAD_FIELD_COUNT,
};

enum {
    HEAD_E_MORE = 1, /* no fault so far, but not whole yet */
    HEAD_E_REFUSED,  /* not strict HTTP: answer with head->status and close the connection */
};

/* A part of the head, as an offset from its first byte, so that the buffer may move between two feeds. */
struct head_piece {
    size_t at;
    size_t size;
    bool present;
};

/**
 * struct head - a request head, and the parser, which then reads the body
 *
 * Once head_feed() has returned 0:
 * @size: bytes of the head in the buffer, the empty line included
 * @method, @method_name: the method; its name is a constant string
 * @minor: minor version, 0 or 1
 * @target: the request target, byte for byte
 * @field: values without the white space around them; data is NULL if the field is absent. No field is there twice
 * @chunked: the body has chunked framing
 * @content_length: size of a body that is not chunked; 0 for no body
 * @keep_alive: the client may send another request on this connection
 *
 * Once it has returned HEAD_E_REFUSED:
 * @status, @reason: 400, 414, 431, 501 or 505, and a sentence for people
 */
struct head {
    size_t size;
    enum head_method method;
    const char *method_name;
    unsigned minor;
    struct span target;
    struct span field[HEAD_FIELD_COUNT];
    bool chunked;
    uint64_t content_length;
    bool keep_alive;
    int status;
    const char *reason;

    /* private to head.c and body.c */
    struct syntax syntax;
    llhttp_t parser;
    const char *data;
    size_t n_fed;
    size_t n_fields;
    bool complete;
    struct head_piece target_piece;
    struct head_piece name_piece;
    struct head_piece value_piece;
    struct head_piece field_piece[HEAD_FIELD_COUNT];
    bool is_last; /* the client says so with Connection: close */
    struct body *body;
};

/** head_init() - begin a new request; there is nothing to free */
void head_init(struct head *head);

/**
 * head_feed() - parse more of a request head (RFC 9112, with no leniency: git-gate(1), STATUS CODES, 400)
 * @data: all bytes received so far, from the first byte of the request on
 * @size: their number; bytes after the head are ignored
 *
 * Continues where the last call stopped: @data may have moved, but must not have changed. The verdict does not depend
 * on how the bytes were cut. The spans in @head point into the @data of the call that returned 0.
 *
 * Return: 0 when the head is whole, HEAD_E_MORE, HEAD_E_REFUSED.
 */
int head_feed(struct head *head, const char *data, size_t size);

/** head_has_body() - whether a body follows, either chunked or of a known length above 0 */
static inline bool head_has_body(const struct head *head) {
    return head->chunked || head->content_length > 0;
}
