/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Shared by the unit tests of the rooms: checks of spans and texts, a way to feed a request head, and heap copies. A
 * copy has exactly the given bytes, so that the address sanitizer sees a read beyond them.
 */

#include "base/span.h"
#include "http/head.h"

#include "expect.h"

/* A span of a string literal, with any NUL bytes in it. The first is an initialiser, the second a value. */
#define BYTES(literal)                                                                                                 \
    { (literal), sizeof(literal) - 1 }
#define SPAN(literal) ((struct span)BYTES(literal))

#define expect_span(name, got, ...)                                                                                    \
    do {                                                                                                               \
        struct span got_ = (got);                                                                                      \
        struct span expected_ = __VA_ARGS__; /* a compound literal has commas */                                       \
                                                                                                                       \
        if ((got_.data == NULL) != (expected_.data == NULL) || got_.size != expected_.size ||                          \
            (got_.size > 0 && memcmp(got_.data, expected_.data, got_.size) != 0)) {                                    \
            fail_msg("%s: %s is %zu bytes '%.*s', not %zu bytes '%.*s'", (name), #got, got_.size,                      \
                     (int)(got_.size < 200 ? got_.size : 200), got_.data ? got_.data : "(absent)", expected_.size,     \
                     (int)(expected_.size < 200 ? expected_.size : 200),                                               \
                     expected_.data ? expected_.data : "(absent)");                                                    \
        }                                                                                                              \
    } while (0)

/* The same for strings; either may be NULL. */
static inline void expect_text(const char *name, const char *got, const char *expected) {
    if ((got == NULL) != (expected == NULL) || (got && strcmp(got, expected) != 0)) {
        fail_msg("%s: '%s', not '%s'", name, got ? got : "(none)", expected ? expected : "(none)");
    }
}

static inline char *unit_copy(const void *data, size_t size) {
    char *copy = malloc(size);

    if (size > 0) {
        assert_non_null(copy);
        memcpy(copy, data, size);
    }
    return copy;
}

/* A growing head in memory that moves at each feed. */
struct feeder {
    struct head head;
    char *memory;
};

static inline void feeder_init(struct feeder *feeder) {
    head_init(&feeder->head);
    feeder->memory = NULL;
}

static inline void feeder_deinit(struct feeder *feeder) {
    free(feeder->memory);
    feeder->memory = NULL;
}

/* Feeds a fresh copy of the first @size of @bytes. The copy of the previous feed is gone by then. */
static inline int feeder_feed(struct feeder *feeder, struct span bytes, size_t size) {
    free(feeder->memory);
    feeder->memory = unit_copy(bytes.data, size);
    return head_feed(&feeder->head, feeder->memory, size);
}
