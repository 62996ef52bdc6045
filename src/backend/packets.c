/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Follows the packets of git's answer to find out three things: whether git said anything or only sent keep-alives,
 * whether receive-pack has reported, and whether the answer is whole. A keep-alive is a packet with the number of a
 * side band and no data.
 *
 * The exit status does not tell whether an answer is whole. A service that fails exits with 128, and git-http-backend
 * exits with 1 whenever its service fails. If the service was killed in the middle of a pack, the answer is cut. If
 * upload-pack sent a proper ERR packet about a missing object, the answer is whole.
 */

#include "backend/packets.h"

#include <string.h>

#include "base/hex.h"

enum {
    LENGTH_DIGITS = 4,
    FIRST_DATA_LENGTH = 4, /* 0000 is a flush packet; 0001 to 0003 are marks without data */
    EMPTY_BAND_LENGTH = 5, /* the number of a side band and no data */
    BAND_DATA = 1,
    BAND_PROGRESS = 2,
    REPORT_BEGIN = 'u', /* of "unpack": gitprotocol-pack(5), Report Status */
};

static const char error_mark[] = "ERR ";

/* Begins a packet once its length's four digits are there. */
static void begin_packet(struct packets *packets) {
    int length = 0;

    for (size_t i = 0; i < LENGTH_DIGITS; i++) {
        int value = hex_value(packets->head[i]);

        packets->is_broken |= value < 0;
        length = length * 16 + value;
    }
    packets->is_idle = packets->is_idle && length == EMPTY_BAND_LENGTH;
    if (length >= FIRST_DATA_LENGTH) {
        packets->n_left = (size_t)length - LENGTH_DIGITS;
    } else {
        packets->is_whole = length == 0 && !packets->is_broken;
    }
    if (packets->n_left == 0) {
        packets->n_head = 0;
    }
}

static void take_byte(struct packets *packets, char byte) {
    packets->head[packets->n_head++] = byte;
    if (packets->n_head == LENGTH_DIGITS) {
        begin_packet(packets);
    } else if (packets->n_head > LENGTH_DIGITS) {
        packets->is_idle = packets->is_idle && packets->n_head == LENGTH_DIGITS + 1 && packets->n_left == 1 &&
                           (byte == BAND_DATA || byte == BAND_PROGRESS);
        packets->is_reported |=
            packets->n_head == LENGTH_DIGITS + 1 && packets->n_left > 1 && (byte == BAND_DATA || byte == REPORT_BEGIN);
        packets->n_left--;
    }
}

/* Takes the length and the first data byte by byte, because the data may begin with "ERR ". Skips the rest at once. */
void packets_feed(struct packets *packets, struct span bytes) {
    packets->is_idle = bytes.size > 0;
    for (size_t i = 0; i < bytes.size && !packets->is_broken;) {
        size_t n_passed = bytes.size - i < packets->n_left ? bytes.size - i : packets->n_left;

        packets->is_whole = false;
        if (packets->n_head < sizeof(packets->head)) {
            take_byte(packets, bytes.data[i]);
            i++;
        } else {
            packets->is_idle = false;
            packets->n_left -= n_passed;
            i += n_passed;
        }
        if (packets->n_head > LENGTH_DIGITS && packets->n_left == 0) {
            packets->is_whole = packets->n_head == sizeof(packets->head) &&
                                memcmp(packets->head + LENGTH_DIGITS, error_mark, sizeof(error_mark) - 1) == 0;
            packets->n_head = 0;
        }
    }
    packets->is_whole = packets->is_whole && !packets->is_broken;
    packets->is_idle = packets->is_idle && !packets->is_broken;
}

bool packets_are_capabilities(struct span body) {
    static const char first[] = "000eversion 2\n";
    static const char last[] = "0000";
    const size_t first_size = sizeof(first) - 1;
    const size_t last_size = sizeof(last) - 1;
    struct packets packets = {0};

    packets_feed(&packets, body);
    return packets.is_whole && body.size >= first_size + last_size && memcmp(body.data, first, first_size) == 0 &&
           memcmp(body.data + body.size - last_size, last, last_size) == 0;
}
