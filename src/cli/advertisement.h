/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

enum {
    ADVERTISEMENT_LINE_MAX = 1024, /* bytes of a packet that are read and kept; the rest is skipped */
};

enum advertisement_state {
    ADVERTISEMENT_FIRST,        /* nothing has come: "# service=git-upload-pack" or the version has to follow */
    ADVERTISEMENT_SERVICE,      /* the service has come: a flush packet has to follow */
    ADVERTISEMENT_VERSION,      /* the version has to follow */
    ADVERTISEMENT_CAPABILITIES, /* "version 2" has come: a capability follows, or the flush packet at the end */
    ADVERTISEMENT_WHOLE,        /* an end: a whole advertisement */
    ADVERTISEMENT_OLD,          /* an end: protocol 0 or 1 */
    ADVERTISEMENT_REFUSED,      /* an end: an ERR packet, whose words are in line */
    ADVERTISEMENT_NONSENSE,     /* an end: no advertisement, or bytes after it */
    ADVERTISEMENT_STATE_COUNT,
};

/**
 * struct advertisement - follows what a server of protocol version 2 can do (gitprotocol-v2(5), "Initial Client
 * Request")
 * @state: of the enum above; before an end, more is missing
 * @has_ls_refs, @has_fetch: the two commands without which no client can fetch
 * @agent: the server's name for itself, cut to fit; empty if it sends none. Any bytes: they come from the server
 * @line: the words of an ERR packet, cut to fit; any bytes, too
 *
 * All zeros is a valid start.
 */
struct advertisement {
    enum advertisement_state state;
    bool has_ls_refs;
    bool has_fetch;
    char agent[ADVERTISEMENT_LINE_MAX + 1];
    char line[ADVERTISEMENT_LINE_MAX + 1];

    /* private to advertisement.c */
    size_t n_digits;
    size_t length;
    size_t n_data;
    size_t n_line;
};

/** advertisement_feed() - parse the next bytes; they may be cut anywhere */
void advertisement_feed(struct advertisement *advertisement, struct span bytes);
