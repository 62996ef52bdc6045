/* SPDX-License-Identifier: Apache-2.0 */

/* Encodes and decodes percent-encoded text. */

#include "base/percent.h"

#include <errno.h>
#include <stdio.h>

#include "base/hex.h"

ssize_t percent_decode(char *decoded, size_t size, struct span text) {
    size_t n = 0;

    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];

        if (byte == '%') {
            int high = i + 1 < text.size ? hex_value(text.data[i + 1]) : -1;
            int low = i + 2 < text.size ? hex_value(text.data[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return -EINVAL;
            }
            byte = (char)(high * 16 + low);
            i += 2;
        }
        if (n + 1 >= size) {
            return -ENOBUFS;
        }
        decoded[n++] = byte;
    }
    decoded[n] = '\0';
    return (ssize_t)n;
}

void percent_encode(char *encoded, size_t size, const char *text) {
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t n = 0;

    encoded[0] = '\0';
    for (; *text && n + sizeof("%00") <= size; text++) {
        n += (size_t)snprintf(encoded + n, size - n, strchr(unreserved, *text) ? "%c" : "%%%02X", (unsigned char)*text);
    }
}
