/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <llhttp.h>

#include "base/span.h"
#include "cli/advertisement.h"

enum {
    ANSWER_MAX_BYTES = 65536, /* of a whole response: a gate's has some hundred */
    ANSWER_VALUE_MAX = 1024,  /* bytes of a field's value that are kept */
    ANSWER_TEXT_MAX = 1024,   /* bytes of an error's body that are kept */
};

enum {
    ANSWER_E_NONSENSE = 1, /* no HTTP/1 response */
    ANSWER_E_TOO_LARGE,    /* longer than ANSWER_MAX_BYTES */
};

enum answer_field {
    ANSWER_FIELD_CONTENT_TYPE,
    ANSWER_FIELD_RETRY_AFTER,
    ANSWER_FIELD_WWW_AUTHENTICATE,
    ANSWER_FIELD_GATE_REASON,
    ANSWER_FIELD_COUNT,
};

/**
 * struct answer - a response to the request for an advertisement, as it comes
 * @status: 0 before the head is complete
 * @is_whole: all of it has come; what follows is not looked at
 * @field: values, cut to what fits, empty when there is no such field. Bytes of others', as are those below.
 * @advertisement: the body of a 200
 * @text, @text_size: the body of any other status, cut to what fits
 */
struct answer {
    int status;
    bool is_whole;
    char field[ANSWER_FIELD_COUNT][ANSWER_VALUE_MAX + 1];
    struct advertisement advertisement;
    char text[ANSWER_TEXT_MAX];
    size_t text_size;

    /* the rest is answer.c's own */
    llhttp_t parser;
    size_t n_bytes;
    char name[sizeof("www-authenticate")];
    size_t n_name;
    size_t n_value;
};

void answer_init(struct answer *answer);

/** answer_feed() - go on with the next bytes, cut wherever it may be. Return: 0 or ANSWER_E_*. */
int answer_feed(struct answer *answer, struct span bytes);

/** answer_finish() - the connection has ended, which may be what ends the response: see is_whole */
void answer_finish(struct answer *answer);
