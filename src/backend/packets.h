/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

/**
 * struct packets - follows git's packets (gitprotocol-common(5), "pkt-line Format") through a response
 * @is_whole: what was seen so far ends with a flush packet or with an ERR packet, as every answer of git's does
 * @is_idle: the bytes of the last packets_feed() were those of empty side-band packets alone, which git sends every few
 *           seconds while it has nothing to say: "keepAlive" in git-config(1)
 *
 * A struct of zeros has seen nothing. Bytes that are no packets are never whole.
 */
struct packets {
    bool is_whole;
    bool is_idle;

    /* the rest is packets.c's own */
    bool is_broken;
    size_t n_head;
    size_t n_left;
    char head[8];
};

/**
 * packets_are_capabilities() - whether @body is a whole capability advertisement: gitprotocol-v2(5)
 *
 * It tells nothing of references, other than what a git may answer that knows no version 2.
 */
bool packets_are_capabilities(struct span body);

/** packets_feed() - go on with the next bytes of the response, cut wherever it may be */
void packets_feed(struct packets *packets, struct span bytes);
