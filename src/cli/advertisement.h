/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

enum {
    ADVERTISEMENT_LINE_MAX = 1024, /* bytes of a packet that are looked at and kept; what is longer is passed over */
};

enum advertisement_state {
    ADVERTISEMENT_FIRST,        /* nothing was said: "# service=git-upload-pack" may come, or the version */
    ADVERTISEMENT_SERVICE,      /* the service was said: a flush packet has to follow */
    ADVERTISEMENT_VERSION,      /* the version has to follow */
    ADVERTISEMENT_CAPABILITIES, /* "version 2" was said: a capability follows, or the flush packet that ends it */
    ADVERTISEMENT_WHOLE,        /* an end */
    ADVERTISEMENT_OLD,          /* an end: protocol 0 or 1 */
    ADVERTISEMENT_REFUSED,      /* an end: an ERR packet, whose words are in line */
    ADVERTISEMENT_NONSENSE,     /* an end: no advertisement, or something behind it */
    ADVERTISEMENT_STATE_COUNT,
};

/**
 * struct advertisement - follows what a server of protocol version 2 can do (gitprotocol-v2(5), "Initial Client
 * Request")
 * @state: of the enum above; before an end, more is missing
 * @has_ls_refs, @has_fetch: the two commands without which no client can fetch
 * @agent: the program behind it, as it names itself, cut to what fits; empty when it does not say. Bytes of others'.
 * @line: the words of an ERR packet, in the same way
 *
 * A struct of zeros has seen nothing.
 */
struct advertisement {
    enum advertisement_state state;
    bool has_ls_refs;
    bool has_fetch;
    char agent[ADVERTISEMENT_LINE_MAX + 1];
    char line[ADVERTISEMENT_LINE_MAX + 1];

    /* the rest is advertisement.c's own */
    size_t n_digits;
    size_t length;
    size_t n_data;
    size_t n_line;
};

/** advertisement_feed() - go on with the next bytes, cut wherever it may be */
void advertisement_feed(struct advertisement *advertisement, struct span bytes);
