/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/span.h"

/* The classes of ASCII, whatever the locale is. */

static inline bool ascii_is_letter(int byte) {
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

static inline bool ascii_is_alphanumeric(int byte) {
    return ascii_is_letter(byte) || (byte >= '0' && byte <= '9');
}

/** ascii_is_name_byte() - whether @byte may be part of a repository's name, or of a word of Git-Protocol */
static inline bool ascii_is_name_byte(int byte) {
    return ascii_is_alphanumeric(byte) || byte == '.' || byte == '_' || byte == '-';
}

static inline bool ascii_is_printable(int byte) {
    return byte >= ' ' && byte <= '~';
}

/** ascii_has_control_byte() - whether @text has a control character of ASCII */
static inline bool ascii_has_control_byte(struct span text) {
    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

/** ascii_shown() - @byte itself if it is printable ASCII, otherwise "?" */
static inline char ascii_shown(char byte) {
    return (char)(ascii_is_printable(byte) ? byte : '?');
}

/** ascii_make_printable() - replace each byte of @text that is not printable ASCII by "?" */
static inline void ascii_make_printable(char *text) {
    for (; *text; text++) {
        *text = ascii_shown(*text);
    }
}
