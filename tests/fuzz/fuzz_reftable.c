/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A table of git's reftable format, without its foot. What it says does not depend on what lies behind it, every name
 * fits, and the visit that ends the reading is the last one.
 */

#include "fuzz.h"

#include <errno.h>

#include "hook/reftable.h"

enum {
    STOPPED = 7,
};

struct visits {
    size_t n;
    size_t max; /* the one that ends the reading; 0 for none */
    uint32_t hash;
};

static int note(const char *name, void *userdata) {
    struct visits *visits = userdata;

    require(visits->max == 0 || visits->n < visits->max);
    require(strnlen(name, REFTABLE_NAME_MAX) < REFTABLE_NAME_MAX);
    visits->hash = visits->hash * 16777619U ^ fuzz_hash(span_of(name));
    return ++visits->n == visits->max ? STOPPED : 0;
}

/* Return: the table with a foot, which begins as its head does. */
static char *add_foot(size_t *sizep, struct span bytes) {
    const bool is_first = bytes.size > 4 && bytes.data[4] == 1;
    const size_t head_size = is_first ? 24 : 28;
    const size_t foot_size = is_first ? 68 : 72;
    char *text = fuzz_allocate(bytes.size + foot_size);

    memset(text + bytes.size, 0, foot_size);
    memcpy(text, bytes.data, bytes.size);
    memcpy(text + bytes.size, text, bytes.size < head_size ? bytes.size : head_size);
    *sizep = bytes.size + foot_size;
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct visits all = {0};
    size_t whole_size;
    char *raw = fuzz_copy((struct span){(const char *)data, size});
    char *whole = add_foot(&whole_size, (struct span){(const char *)data, size});
    int r = reftable_find_symbolic((struct span){whole, whole_size}, note, &all);

    require(r == 0 || r == -EINVAL);
    for (size_t max = 1; max <= all.n && max < 4; max++) {
        struct visits some = {.max = max};

        require(reftable_find_symbolic((struct span){whole, whole_size}, note, &some) == STOPPED && some.n == max);
    }
    (void)reftable_find_symbolic((struct span){raw, size}, note, &(struct visits){0});
    free(whole);
    free(raw);
    return 0;
}
