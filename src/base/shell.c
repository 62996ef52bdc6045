/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Quotes a word for a shell. A shell changes no byte between single quotes. For a single quote in the word, the quotes
 * are closed, an escaped one is added, and they are opened again.
 */

#include "base/shell.h"

#include <stdio.h>

static const char escaped[] = "'\\''";

bool shell_quote(char *quoted, size_t size, const char *text) {
    size_t n = (size_t)snprintf(quoted, size, "'");

    for (; *text && n + sizeof(escaped) < size; text++) {
        if (*text == '\'') {
            n += (size_t)snprintf(quoted + n, size - n, "%s", escaped);
        } else {
            quoted[n++] = *text;
        }
    }
    if (n < size) {
        (void)snprintf(quoted + n, size - n, "'");
    }
    return *text == '\0' && n + 1 < size;
}
