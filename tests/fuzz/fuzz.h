/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Shared by the fuzz targets. A failed check ends the process. Copies on the heap have exactly the given bytes, so that
 * the address sanitizer sees a read beyond them. Numbers depend only on the input, so that every run of it is the same.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define require(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                              \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* At least one byte, as malloc(3) may return NULL for none. */
static inline void *fuzz_allocate(size_t size) {
    void *memory = malloc(size > 0 ? size : 1);

    require(memory);
    return memory;
}

static inline char *fuzz_copy(struct span bytes) {
    char *copy = fuzz_allocate(bytes.size);

    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return copy;
}

static inline bool fuzz_same(struct span a, struct span b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline struct span fuzz_prefix(struct span bytes, size_t size) {
    return (struct span){bytes.data, size < bytes.size ? size : bytes.size};
}

static inline struct span fuzz_behind(struct span bytes, size_t size) {
    return (struct span){bytes.data + size, bytes.size - size};
}

/* FNV-1a. So the place of a cut depends on the whole input, and uses up none of its bytes. */
static inline uint32_t fuzz_hash(struct span bytes) {
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < bytes.size; i++) {
        hash = (uint32_t)(((uint64_t)hash ^ (unsigned char)bytes.data[i]) * 16777619U);
    }
    return hash;
}

/* The next number below @bound that follows from *@statep. */
static inline size_t fuzz_pick(uint32_t *statep, size_t bound) {
    *statep = (uint32_t)((uint64_t)*statep * 1664525U + 1013904223U);
    return (*statep >> 8) % bound;
}
