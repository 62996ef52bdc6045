/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checks that the body of a fetch is whole: it has complete packets, and the last one ends the request. If a body ends
 * too early, upload-pack dies without a word to the client, and the head of its answer may have been sent. Git judges
 * the content of the packets; this file must not.
 */

#include "http/fetch_body.h"

#include <string.h>

#include "base/hex.h"

enum {
    LENGTH_DIGITS = 4,
    FLUSH = 0,
    LAST_MARK = 2, /* lengths 0 to 2 are marks without data: flush, delimiter, response end. Git has no length 3 */
};

static bool begins_with(const struct fetch_body *body, const char *word) {
    size_t size = strlen(word);

    return body->n_shown >= size && memcmp(body->shown, word, size) == 0;
}

static bool is_done(const struct fetch_body *body) {
    return (body->n_shown == 4 && begins_with(body, "done")) || (body->n_shown == 5 && begins_with(body, "done\n"));
}

static void end_packet(struct fetch_body *body) {
    body->is_version_2 = body->is_version_2 || (!body->has_packet && begins_with(body, "command="));
    body->is_ended = body->length == FLUSH || (is_done(body) && !body->is_version_2);
    body->has_packet = true;
    body->n_digits = 0;
}

static void begin_packet(struct fetch_body *body) {
    body->n_shown = 0;
    if ((body->length > LAST_MARK && body->length < LENGTH_DIGITS) || body->length > FETCH_BODY_PACKET_MAX_BYTES) {
        body->is_broken = true;
    } else if (body->length <= LENGTH_DIGITS) {
        end_packet(body);
    } else {
        body->n_left = body->length - LENGTH_DIGITS;
    }
}

static void take_digit(struct fetch_body *body, char digit) {
    int value = hex_value(digit);

    body->length = (body->n_digits ? body->length * 16 : 0) + (value < 0 ? 0 : (size_t)value);
    body->n_digits++;
    body->is_broken = value < 0;
    if (body->n_digits == LENGTH_DIGITS && !body->is_broken) {
        begin_packet(body);
    }
}

/* Return: bytes taken. */
static size_t take_data(struct fetch_body *body, struct span bytes) {
    size_t size = bytes.size < body->n_left ? bytes.size : body->n_left;
    size_t room = sizeof(body->shown) - body->n_shown;
    size_t n_shown = size < room ? size : room;

    memcpy(body->shown + body->n_shown, bytes.data, n_shown);
    body->n_shown += n_shown;
    body->n_left -= size;
    if (body->n_left == 0) {
        end_packet(body);
    }
    return size;
}

void fetch_body_feed(struct fetch_body *body, struct span bytes) {
    body->has_begun = body->has_begun || bytes.size > 0;
    for (size_t i = 0; i < bytes.size && !body->is_broken;) {
        if (body->n_digits < LENGTH_DIGITS) {
            take_digit(body, bytes.data[i++]);
        } else {
            i += take_data(body, (struct span){bytes.data + i, bytes.size - i});
        }
    }
}

const char *fetch_body_find_fault(const struct fetch_body *body) {
    if (body->is_broken) {
        return "the request body is not made of git's packets; use a git client";
    }
    if (body->has_begun && (body->n_digits > 0 || !body->is_ended)) {
        return "the request body was cut short: it does not end as a git client ends it; try again";
    }
    return NULL;
}
