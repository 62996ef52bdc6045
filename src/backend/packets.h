/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

/**
 * struct packets - follows git's packets (gitprotocol-common(5), "pkt-line Format") through a response
 * @is_whole: the bytes so far end with a flush packet or an ERR packet, as every answer of git does
 * @is_idle: the bytes of the last packets_feed() were only empty side-band packets, which git sends every few seconds
 *           while it has nothing to say: "keepAlive" in git-config(1)
 * @is_reported: data other than progress has come: in side band 1, or the first word of a report without side bands.
 *               receive-pack reports after it has moved the references, and only its last hooks follow
 *
 * A struct of zeros has seen nothing. Bytes that are no packets are never whole.
 */
struct packets {
    bool is_whole;
    bool is_idle;
    bool is_reported;

    /* the rest is packets.c's own */
    bool is_broken;
    size_t n_head;
    size_t n_left;
    char head[8];
};

/**
 * packets_are_capabilities() - whether @body is a whole capability advertisement: gitprotocol-v2(5)
 *
 * Such an advertisement says nothing about references. A git that does not know version 2 lists them in its answer.
 */
bool packets_are_capabilities(struct span body);

/** packets_feed() - follow the next bytes of the response; they may be cut anywhere */
void packets_feed(struct packets *packets, struct span bytes);
