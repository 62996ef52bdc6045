/* SPDX-License-Identifier: Apache-2.0 */

/* move_kinds: reads git-gate-hook's report of a push's moves, and any other bytes. */

#include "backend/move_kinds.h"

#include <stdio.h>

#include "unit.h"

enum { N_MOVES = 4 };

/* The kinds of a, b, c and of a cut name: u for unknown, n for a fast-forward, f for forced. */
static const struct {
    const char *name;
    struct span text;
    const char *kinds;
} cases[] = {
    {"nothing", BYTES(""), "uuuu"},
    {"all", BYTES("fast-forward 1 2 a\nforced 1 2 b\nfast-forward 1 2 c\n"), "nfnu"},
    {"some", BYTES("forced 1 2 c\n"), "uufu"},
    {"one that git has refused, or nobody knows", BYTES("forced 1 2 a\nfast-forward 1 2 c\n"), "funu"},
    {"out of order", BYTES("forced 1 2 c\nforced 1 2 a\n"), "uufu"},
    {"twice", BYTES("forced 1 2 a\nfast-forward 1 2 a\n"), "fuuu"},
    {"no end of a line", BYTES("forced 1 2 a\nforced 1 2 b"), "fuuu"},
    {"a cut word", BYTES("forc"), "uuuu"},
    {"another word", BYTES("moved 1 2 a\nforced 1 2 b\n"), "ufuu"},
    {"a name that begins alike", BYTES("forced 1 2 ab\nforced 1 2 \nforced 1 2  a\n"), "uuuu"},
    {"a name in two lines", BYTES("forced 1 2 \na\n"), "uuuu"},
    {"a NUL", BYTES("forced 1 2 a\0\nforced 1 2 b\n"), "ufuu"},
    {"the beginning of a name", BYTES("forced 1 2 d\n"), "uuuu"},
    {"a carriage return", BYTES("forced 1 2 a\r\n"), "uuuu"},
    {"other objects", BYTES("forced 1 3 a\nforced 2 2 b\nforced 1 2 c\n"), "uufu"},
    {"the name alone", BYTES("forced a\nforced  a\nforced 1 a\n"), "uuuu"},
};

static void test_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char names[N_MOVES][2] = {"a", "b", "c", "d"};
        struct pushed_move moves[N_MOVES] = {
            {.ref = names[0]}, {.ref = names[1]}, {.ref = names[2]}, {.ref = names[3], .is_cut = true}};
        struct pushed pushed = {.moves = moves, .n_moves = N_MOVES};
        char kinds[N_MOVES + 1] = {0};

        for (size_t k = 0; k < N_MOVES; k++) {
            moves[k].old_id[0] = '1';
            moves[k].new_id[0] = '2';
        }
        move_kinds_take(&pushed, cases[i].text);
        for (size_t k = 0; k < N_MOVES; k++) {
            kinds[k] = "unf"[moves[k].kind];
        }
        expect_text(cases[i].name, kinds, cases[i].kinds);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
