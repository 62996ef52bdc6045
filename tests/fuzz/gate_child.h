/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Orders for a child in place of git-http-backend or a service: three bytes, "do=HHHHHH" in the request's Git-Protocol
 * field. The child obeys them. The fuzz target derives from them what a client may see.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define GATE_TOKEN "a-token-of-the-fuzzer" /* three bytes make four of base64, so all longer texts begin alike */

enum deed_end {
    DEED_EXITS_0,
    DEED_EXITS_1,
    DEED_KILLS_ITSELF,
    DEED_FAULTS,
    DEED_HANGS,
    DEED_HANGS_DEAF, /* to SIGTERM */
    DEED_HANGS_SHUT, /* its output is closed */
    DEED_EXITS_0_LEAVING_ONE,
};

enum deed_head {
    DEED_HEAD_GOOD,
    DEED_HEAD_NONE,
    DEED_HEAD_404,
    DEED_HEAD_NONSENSE,
    DEED_HEAD_403,
    DEED_HEAD_CUT,
    DEED_HEAD_STATUS_200,
    DEED_HEAD_ODD,
};

enum deed_input {
    DEED_READS_FIRST,
    DEED_READS_NOTHING,
    DEED_CLOSES_INPUT,
    DEED_READS_LAST,
    DEED_READS_A_BIT,
};

enum deed_errors {
    DEED_SILENT,
    DEED_SAYS_A_LINE,
    DEED_SAYS_MUCH,
    DEED_SAYS_WITHOUT_END,
};

/**
 * struct deed - the actions of a child
 * @leaves_escaped: a grandchild in a session of its own holds the pipes
 * @is_slow: the answer comes in two parts
 * @n_body: bytes of the body when it is whole; @n_given of them are written
 * @is_endless: after them come large packets, for ever: deed_flood_byte()
 * @is_junk, @has_token: the words on standard error
 */
struct deed {
    enum deed_end end;
    enum deed_head head;
    enum deed_input input;
    enum deed_errors errors;
    bool leaves_escaped;
    bool is_slow;
    bool is_endless;
    bool is_junk;
    bool has_token;
    size_t n_body;
    size_t n_given;
};

enum {
    DEED_BYTES = 3,
    DEED_PACKET_BYTES = 16,
    DEED_FLUSH_BYTES = 4,
    DEED_FLOOD_PACKET_BYTES = 0x8000, /* so large that the gate, under sanitizers, reads a flood quickly */
};

static const char deed_capabilities[] = "000eversion 2\n0000";

static inline size_t deed_body_size(unsigned class) {
    static const uint16_t n_packets[] = {0, 1, 2, 16, 60, 255, 256, 500, 640, 2000, 4090, 4096, 4100, 8200, 20000};

    class %= 16;
    return class == 0 ? 0 : n_packets[class - 1] * (size_t)DEED_PACKET_BYTES + DEED_FLUSH_BYTES;
}

static inline struct deed deed_of(const uint8_t bytes[DEED_BYTES]) {
    struct deed deed = {
        .end = bytes[0] & 7,
        .head = bytes[0] >> 3 & 7,
        .leaves_escaped = bytes[0] >> 6 & 1,
        .is_slow = bytes[0] >> 7,
        .n_body = deed_body_size(bytes[1]),
        .input = (bytes[1] >> 5) % (DEED_READS_A_BIT + 1),
        .errors = bytes[2] & 3,
        .is_junk = bytes[2] >> 2 & 1,
        .has_token = bytes[2] >> 3 & 1,
        .is_endless = bytes[2] >> 4 & 1,
    };

    deed.n_given = bytes[1] & 16 && deed.n_body > 0 ? deed.n_body - 3 : deed.n_body;
    return deed;
}

/* Packets of equal size, and a flush packet behind them. */
static inline char deed_body_byte(size_t at, size_t n_body) {
    size_t in_packet = at % DEED_PACKET_BYTES;

    if (at + DEED_FLUSH_BYTES >= n_body) {
        return '0';
    }
    return in_packet < 4 ? "0010"[in_packet] : (char)('a' + at / DEED_PACKET_BYTES % 26);
}

/* Every second packet begins as a report of receive-pack does, after which the gate lets the hooks of a push finish. */
static inline char deed_flood_byte(size_t at) {
    size_t in_packet = at % DEED_FLOOD_PACKET_BYTES;
    bool is_report = at / DEED_FLOOD_PACKET_BYTES % 2 == 1;

    if (in_packet < 4) {
        return "8000"[in_packet];
    }
    return (char)('a' + ((is_report ? 'u' - 'a' : 0) + in_packet / DEED_PACKET_BYTES) % 26);
}

/* All that the child writes behind the head: the part of the body that is given, and then the flood if it is endless. */
static inline char deed_byte(const struct deed *deed, size_t at) {
    return at < deed->n_given ? deed_body_byte(at, deed->n_body) : deed_flood_byte(at - deed->n_given);
}

/* Whether the gate passes the head on with 200. */
static inline bool deed_has_good_head(const struct deed *deed) {
    return deed->head == DEED_HEAD_GOOD || deed->head == DEED_HEAD_STATUS_200 || deed->head == DEED_HEAD_ODD;
}

/* Whether the gate may tell the client that the answer is whole. */
static inline bool deed_may_be_whole(const struct deed *deed, bool is_post) {
    bool has_ended_well = deed->end == DEED_EXITS_0 || deed->end == DEED_EXITS_0_LEAVING_ONE;
    bool has_said_all = deed->end == DEED_EXITS_1 && is_post && deed->n_body > 0 && deed->n_given == deed->n_body;

    return deed_has_good_head(deed) && !deed->is_endless && deed->errors != DEED_SAYS_WITHOUT_END &&
           (has_ended_well || has_said_all);
}
