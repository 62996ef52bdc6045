/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Parses an advertisement of git's protocol version 2. It consists of packets (gitprotocol-common(5), "pkt-line
 * Format"): the first has the version, each further one a capability, and a flush packet ends it. It reads bytes and
 * fills in values. The first fault ends the parse.
 */

#include "cli/advertisement.h"

#include <string.h>

#include "base/hex.h"

enum {
    LENGTH_DIGITS = 4,
    OBJECT_ID_DIGITS = 40, /* of SHA-1; those of SHA-256 are more */
};

/* Whether the line is a reference, with which protocol 0 begins: an object's id and a space. */
static bool begins_with_object_id(struct span line) {
    size_t n = 0;

    while (n < line.size && hex_value(line.data[n]) >= 0) {
        n++;
    }
    return n >= OBJECT_ID_DIGITS && n < line.size && line.data[n] == ' ';
}

static enum advertisement_state on_version(struct span line) {
    if (span_equals(line, "version 2")) {
        return ADVERTISEMENT_CAPABILITIES;
    }
    return span_equals(line, "version 1") || begins_with_object_id(line) ? ADVERTISEMENT_OLD : ADVERTISEMENT_NONSENSE;
}

/* key or key=value */
static enum advertisement_state on_capability(struct advertisement *advertisement, struct span line) {
    const char *equals = memchr(line.data, '=', line.size);
    struct span key = {line.data, equals ? (size_t)(equals - line.data) : line.size};

    if (key.size == 0) {
        return ADVERTISEMENT_NONSENSE;
    }
    advertisement->has_ls_refs |= span_equals(key, "ls-refs");
    advertisement->has_fetch |= span_equals(key, "fetch");
    if (equals && span_equals(key, "agent")) {
        memcpy(advertisement->agent, equals + 1, line.size - key.size - 1);
        advertisement->agent[line.size - key.size - 1] = '\0';
    }
    return ADVERTISEMENT_CAPABILITIES;
}

static enum advertisement_state on_line(struct advertisement *advertisement, struct span line) {
    if (span_take_prefix(&line, "ERR ")) {
        memmove(advertisement->line, line.data, line.size);
        advertisement->line[line.size] = '\0';
        return ADVERTISEMENT_REFUSED;
    }
    switch (advertisement->state) {
    case ADVERTISEMENT_FIRST:
        return span_equals(line, "# service=git-upload-pack") ? ADVERTISEMENT_SERVICE : on_version(line);
    case ADVERTISEMENT_VERSION:
        return on_version(line);
    case ADVERTISEMENT_CAPABILITIES:
        return on_capability(advertisement, line);
    default:
        return ADVERTISEMENT_NONSENSE;
    }
}

/* Handles a length that is whole. An advertisement has neither the marks, which are lengths 1 to 3, nor empty lines. */
static void begin_packet(struct advertisement *advertisement) {
    if (advertisement->length > LENGTH_DIGITS) {
        return;
    }
    advertisement->n_digits = 0;
    if (advertisement->length == 0 && advertisement->state == ADVERTISEMENT_SERVICE) {
        advertisement->state = ADVERTISEMENT_VERSION;
    } else if (advertisement->length == 0 && advertisement->state == ADVERTISEMENT_CAPABILITIES) {
        advertisement->state = ADVERTISEMENT_WHOLE;
    } else {
        advertisement->state = ADVERTISEMENT_NONSENSE;
    }
}

static void take_digit(struct advertisement *advertisement, char digit) {
    int value = hex_value(digit);

    if (value < 0) {
        advertisement->state = ADVERTISEMENT_NONSENSE;
        return;
    }
    advertisement->length = advertisement->length * 16 + (size_t)value;
    if (++advertisement->n_digits == LENGTH_DIGITS) {
        begin_packet(advertisement);
        advertisement->n_data = advertisement->n_line = 0;
        advertisement->length = advertisement->n_digits == 0 ? 0 : advertisement->length;
    }
}

static void take_data(struct advertisement *advertisement, char byte) {
    struct span line = {advertisement->line, 0};

    if (advertisement->n_line < ADVERTISEMENT_LINE_MAX) {
        advertisement->line[advertisement->n_line++] = byte;
    }
    if (++advertisement->n_data < advertisement->length - LENGTH_DIGITS) {
        return;
    }
    line.size = advertisement->n_line;
    if (advertisement->n_line == advertisement->n_data && line.data[line.size - 1] == '\n') {
        line.size--;
    }
    advertisement->n_digits = advertisement->length = 0;
    advertisement->state = on_line(advertisement, line);
}

void advertisement_feed(struct advertisement *advertisement, struct span bytes) {
    if (bytes.size > 0 && advertisement->state == ADVERTISEMENT_WHOLE) {
        advertisement->state = ADVERTISEMENT_NONSENSE;
    }
    for (size_t i = 0; i < bytes.size && advertisement->state <= ADVERTISEMENT_WHOLE; i++) {
        if (advertisement->state == ADVERTISEMENT_WHOLE) {
            advertisement->state = ADVERTISEMENT_NONSENSE;
        } else if (advertisement->n_digits < LENGTH_DIGITS) {
            take_digit(advertisement, bytes.data[i]);
        } else {
            take_data(advertisement, bytes.data[i]);
        }
    }
}
