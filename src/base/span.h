/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/**
 * struct span - bytes that somebody else owns
 * @data: first byte; NULL for absent, which differs from empty
 * @size: number of bytes; there is no terminator
 *
 * A span is valid as long as the buffer it points into is neither consumed nor freed.
 */
struct span {
    const char *data;
    size_t size;
};

static inline struct span span_of(const char *string) {
    return (struct span){string, strlen(string)};
}

static inline bool span_equals(struct span span, const char *string) {
    return span.data && span.size == strlen(string) && memcmp(span.data, string, span.size) == 0;
}

/** span_equals_nocase() - the same, ignoring ASCII case, as HTTP compares some words */
static inline bool span_equals_nocase(struct span span, const char *string) {
    return span.data && span.size == strlen(string) && strncasecmp(span.data, string, span.size) == 0;
}

/** span_take_prefix() - cut @prefix off *@spanp. Return: whether it began with that; if not, it is unchanged. */
static inline bool span_take_prefix(struct span *spanp, const char *prefix) {
    size_t size = strlen(prefix);

    if (spanp->size < size || memcmp(spanp->data, prefix, size) != 0) {
        return false;
    }
    *spanp = (struct span){spanp->data + size, spanp->size - size};
    return true;
}
