/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

enum {
    FETCH_BODY_PACKET_MAX_BYTES = 65524, /* the longest packet that git reads, with its length */
    FETCH_BODY_SHOWN_BYTES = 8,          /* of a packet's data; no word that matters here is longer */
};

/**
 * struct fetch_body - follows the packets in the body of a fetch: gitprotocol-common(5), "pkt-line Format"
 *
 * All zeros is a valid start. All members are private to fetch_body.c.
 */
struct fetch_body {
    bool has_begun;
    bool has_packet;
    bool is_broken;
    bool is_version_2;
    bool is_ended;
    unsigned n_digits;
    size_t length;
    size_t n_left;
    size_t n_shown;
    char shown[FETCH_BODY_SHOWN_BYTES];
};

/** fetch_body_feed() - follow the next decoded bytes of the body; they may be cut anywhere */
void fetch_body_feed(struct fetch_body *body, struct span bytes);

/**
 * fetch_body_find_fault() - say why upload-pack would give up at the end of this body
 *
 * A client ends each of its requests with a flush packet, or in protocol versions 0 and 1 with "done". An empty body
 * has no fault.
 *
 * Return: a static sentence for the client; NULL when nothing is missing.
 */
const char *fetch_body_find_fault(const struct fetch_body *body);
