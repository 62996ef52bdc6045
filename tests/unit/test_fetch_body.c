/* SPDX-License-Identifier: Apache-2.0 */

/* fetch_body: tells whether a fetch's body is whole, wherever it is cut. */

#include "http/fetch_body.h"

#include "unit.h"

enum verdict {
    WHOLE,
    CUT,
    BROKEN,
};

#define WANT "0032want 0123456789012345678901234567890123456789\n"

static const struct {
    const char *name;
    const char *bytes;
    enum verdict verdict;
} cases[] = {
    {"nothing", "", WHOLE},
    {"a flush packet", "0000", WHOLE},
    {"a clone", WANT "00000009done\n", WHOLE},
    {"a clone, without the line's end", WANT "00000008done", WHOLE},
    {"a question for the shallow commits", WANT "000cdeepen 10000", WHOLE},
    {"a round of negotiation", WANT "00000009have\n0000", WHOLE},
    {"done and a flush packet", WANT "00000009done\n0000", WHOLE},
    {"packets behind the end", WANT "00000009done\n0009have\n", CUT},
    {"version 2", "0014command=ls-refs\n00010009peel\n0000", WHOLE},
    {"version 2, done", "0012command=fetch\n00010009done\n0000", WHOLE},
    {"version 2 without its end", "0012command=fetch\n00010009done\n", CUT},
    {"two commands", "0014command=ls-refs\n00000014command=ls-refs\n0000", WHOLE},
    {"a packet without data", "00040000", WHOLE},
    {"a packet without data is no end", "0004", CUT},
    {"a delimiter is no end", "0001", CUT},
    {"a response end is no end", "0002", CUT},
    {"no flush packet", WANT, CUT},
    {"more than done", "0009done.", CUT},
    {"done within a line", "000dhave done", CUT},
    {"upper case", "000Adone.\n0000", WHOLE},
    {"a length of 3", "00030000", BROKEN},
    {"no digit", "00g0", BROKEN},
    {"a sign", "-001", BROKEN},
    {"too long", "fff5", BROKEN},
    {"the longest packet", "fff4", CUT},
    {"no packets", "hello", BROKEN},
    {"no packets behind packets", "0000hello", BROKEN},
    {"three digits", "0000000", CUT},
};

static void feed(struct fetch_body *body, const char *bytes, size_t size) {
    char *copy = unit_copy(bytes, size);

    fetch_body_feed(body, (struct span){copy, size});
    free(copy);
}

static enum verdict judge(const struct fetch_body *body) {
    const char *fault = fetch_body_find_fault(body);

    return !fault ? WHOLE : strstr(fault, "cut short") ? CUT : BROKEN;
}

static void test_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t size = strlen(cases[i].bytes);

        for (size_t cut = 0; cut <= size; cut++) {
            struct fetch_body body = {0};

            feed(&body, cases[i].bytes, cut);
            feed(&body, cases[i].bytes + cut, size - cut);
            if (judge(&body) != cases[i].verdict) {
                fail_msg("%s, cut at %zu: %d", cases[i].name, cut, (int)judge(&body));
            }
        }
    }
}

static void test_byte_by_byte(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fetch_body body = {0};

        for (const char *at = cases[i].bytes; *at; at++) {
            feed(&body, at, 1);
        }
        if (judge(&body) != cases[i].verdict) {
            fail_msg("%s, byte by byte: %d", cases[i].name, (int)judge(&body));
        }
    }
}

/* A body is whole only at its end, or where a client might have ended it. */
static void test_truncations(void **state) {
    static const char clone[] = WANT "0000" WANT "0009done\n";
    static const size_t ends[] = {0, sizeof(WANT "0000") - 1, sizeof(clone) - 1};

    (void)state;
    for (size_t size = 0; size < sizeof(clone); size++) {
        struct fetch_body body = {0};
        bool may_end = false;

        for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
            may_end = may_end || ends[i] == size;
        }
        feed(&body, clone, size);
        if ((judge(&body) == WHOLE) != may_end) {
            fail_msg("%zu bytes of a clone: %d", size, (int)judge(&body));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_truncations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
