/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <llhttp.h>

#include "base/span.h"
#include "cli/advertisement.h"

enum {
    ANSWER_MAX_BYTES = 65536, /* of a whole response; a gate's has a few hundred */
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
 * @is_whole: the whole response has come; later bytes are ignored
 * @field: values, cut to fit, empty if the field is absent. Any bytes, here and below: they come from the server
 * @advertisement: the body of a 200
 * @text, @text_size: the body of any other status, cut to fit
 */
struct answer {
    int status;
    bool is_whole;
    char field[ANSWER_FIELD_COUNT][ANSWER_VALUE_MAX + 1];
    struct advertisement advertisement;
    char text[ANSWER_TEXT_MAX];
    size_t text_size;

    /* private to answer.c */
    llhttp_t parser;
    size_t n_bytes;
    char name[sizeof("www-authenticate")];
    size_t n_name;
    size_t n_value;
};

void answer_init(struct answer *answer);

/** answer_feed() - parse the next bytes; they may be cut anywhere. Return: 0 or ANSWER_E_*. */
int answer_feed(struct answer *answer, struct span bytes);

/** answer_finish() - tell that the connection has ended, which may be the end of the response: see is_whole */
void answer_finish(struct answer *answer);
