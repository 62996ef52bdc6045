/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Parses a response, by llhttp with every lenient flag off. It keeps only short texts, in memory of a fixed size, since
 * the server may be anybody. It uses no descriptor and no clock.
 */

#include "cli/answer.h"

#include <assert.h>
#include <string.h>

static const char *const field_names[] = {
    [ANSWER_FIELD_CONTENT_TYPE] = "content-type",
    [ANSWER_FIELD_RETRY_AFTER] = "retry-after",
    [ANSWER_FIELD_WWW_AUTHENTICATE] = "www-authenticate",
    [ANSWER_FIELD_GATE_REASON] = "gate-reason",
};
static_assert(sizeof(field_names) / sizeof(field_names[0]) == ANSWER_FIELD_COUNT, "every field has a name");

/* How every response must begin. Some releases of llhttp also take other protocols, or line ends before it. */
static const char version[] = "HTTP/1.";

/* Whether the next bytes continue the version, as far as they belong to it. */
static bool has_version(const struct answer *answer, struct span bytes) {
    size_t n_left = answer->n_bytes < sizeof(version) - 1 ? sizeof(version) - 1 - answer->n_bytes : 0;

    return n_left == 0 || memcmp(bytes.data, version + answer->n_bytes, bytes.size < n_left ? bytes.size : n_left) == 0;
}

/* Adds what fits to @n_used bytes of @memory; the rest is dropped. */
static void append(char *memory, size_t capacity, size_t *n_usedp, const char *at, size_t size) {
    size_t n_fitting = size < capacity - *n_usedp ? size : capacity - *n_usedp;

    memcpy(memory + *n_usedp, at, n_fitting);
    *n_usedp += n_fitting;
}

/* One byte more than the longest name is kept, so that a longer name matches none. */
static int on_header_field(llhttp_t *parser, const char *at, size_t size) {
    struct answer *answer = parser->data;

    append(answer->name, sizeof(answer->name), &answer->n_name, at, size);
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t size) {
    struct answer *answer = parser->data;

    for (size_t i = 0; i < ANSWER_FIELD_COUNT; i++) {
        if (span_equals_nocase((struct span){answer->name, answer->n_name}, field_names[i])) {
            append(answer->field[i], ANSWER_VALUE_MAX, &answer->n_value, at, size);
            answer->field[i][answer->n_value] = '\0';
        }
    }
    return 0;
}

static int on_header_value_complete(llhttp_t *parser) {
    struct answer *answer = parser->data;

    answer->n_name = answer->n_value = 0;
    return 0;
}

/* Refuses an interim response: the request does not ask for one. */
static int on_headers_complete(llhttp_t *parser) {
    struct answer *answer = parser->data;

    if (parser->status_code < 200 || parser->status_code > 599) {
        return -1;
    }
    answer->status = parser->status_code;
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t size) {
    struct answer *answer = parser->data;

    if (answer->status == 200) {
        advertisement_feed(&answer->advertisement, (struct span){at, size});
    } else {
        append(answer->text, sizeof(answer->text), &answer->text_size, at, size);
    }
    return 0;
}

static int on_message_complete(llhttp_t *parser) {
    struct answer *answer = parser->data;

    answer->is_whole = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

void answer_init(struct answer *answer) {
    *answer = (struct answer){0};
    llhttp_init(&answer->parser, HTTP_RESPONSE, &settings);
    answer->parser.data = answer;
}

int answer_feed(struct answer *answer, struct span bytes) {
    if (answer->is_whole) {
        return 0;
    }
    if (!has_version(answer, bytes)) {
        return ANSWER_E_NONSENSE;
    }
    answer->n_bytes += bytes.size;
    if (llhttp_execute(&answer->parser, bytes.data, bytes.size) != HPE_OK && !answer->is_whole) {
        return ANSWER_E_NONSENSE;
    }
    return !answer->is_whole && answer->n_bytes > ANSWER_MAX_BYTES ? ANSWER_E_TOO_LARGE : 0;
}

void answer_finish(struct answer *answer) {
    if (!answer->is_whole) {
        (void)llhttp_finish(&answer->parser);
    }
}
