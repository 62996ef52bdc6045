/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum syntax_state {
    SYNTAX_METHOD,
    SYNTAX_TARGET,
    SYNTAX_VERSION,
    SYNTAX_LINE_END, /* the line feed after a request line or a field line */
    SYNTAX_FIELD,    /* the first byte of a field line, or the empty line */
    SYNTAX_NAME,
    SYNTAX_VALUE,
    SYNTAX_HEAD_END, /* the line feed of the empty line */
    SYNTAX_SIZE,     /* of a chunk */
    SYNTAX_SIZE_END, /* its line feed */
    SYNTAX_DATA,     /* of a chunk, or of a body without chunks */
    SYNTAX_DATA_CR,  /* after the data of a chunk */
    SYNTAX_DATA_LF,
    SYNTAX_LAST, /* after the size of the last chunk, which has no data */
    SYNTAX_LAST_END,
    SYNTAX_COMPLETE, /* the head or the body */
};

/**
 * struct syntax - how far the bytes of one request follow the grammar
 * @state: the element that the next byte belongs to
 * @fault: a sentence for people once a byte breaks the grammar; NULL before
 * @status: the answer to the fault, 400, 414 or 505
 * @n_seen: bytes of the element that @state names
 * @n_left: bytes missing of the body or chunk; while a chunk size is read, its value so far
 * @is_chunked: the body has chunked framing
 */
struct syntax {
    enum syntax_state state;
    const char *fault;
    int status;
    size_t n_seen;
    uint64_t n_left;
    bool is_chunked;
};

/** syntax_init_head() - begin a request head */
void syntax_init_head(struct syntax *syntax);

/** syntax_init_body() - begin the body after it, of @content_length bytes or in chunks */
void syntax_init_body(struct syntax *syntax, bool is_chunked, uint64_t content_length);

/**
 * syntax_pass() - check the next bytes of the request
 * @data: bytes of the head or body, after those that passed before
 *
 * Stops before the first byte that breaks the grammar, and sets syntax->fault. Also stops at the end of the head, of
 * each chunk, and of the body. The result does not depend on how the bytes were cut.
 *
 * Return: how many bytes follow the grammar; 0 only at a fault, at the end, or if @size is 0.
 */
size_t syntax_pass(struct syntax *syntax, const char *data, size_t size);
