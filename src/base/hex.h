/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/** hex_value() - the value of a hexadecimal digit, in either case; -1 for any other byte */
static inline int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}
