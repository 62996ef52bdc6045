/* SPDX-License-Identifier: Apache-2.0 */

/* move_kinds: what git-gate-hook tells of the moves of a push, whatever it tells. */

#include "backend/move_kinds.h"

#include <stdio.h>

#include "unit.h"

enum { N_MOVES = 4 };

/* The kinds of a, b, c and of a name that is cut: u for unknown, n for a fast-forward, f for forced. */
static const struct {
    const char *name;
    struct span text;
    const char *kinds;
} cases[] = {
    {"nothing", BYTES(""), "uuuu"},
    {"all", BYTES("fast-forward a\nforced b\nfast-forward c\n"), "nfnu"},
    {"some", BYTES("forced c\n"), "uufu"},
    {"one that git has refused, or nobody knows", BYTES("forced a\nfast-forward c\n"), "funu"},
    {"out of order", BYTES("forced c\nforced a\n"), "uufu"},
    {"twice", BYTES("forced a\nfast-forward a\n"), "fuuu"},
    {"no end of a line", BYTES("forced a\nforced b"), "fuuu"},
    {"a cut word", BYTES("forc"), "uuuu"},
    {"another word", BYTES("moved a\nforced b\n"), "ufuu"},
    {"a name that begins alike", BYTES("forced ab\nforced \nforced  a\n"), "uuuu"},
    {"a name in two lines", BYTES("forced \na\n"), "uuuu"},
    {"a NUL", BYTES("forced a\0\nforced b\n"), "ufuu"},
    {"the beginning of a name", BYTES("forced d\n"), "uuuu"},
    {"a carriage return", BYTES("forced a\r\n"), "uuuu"},
};

static void test_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char names[N_MOVES][2] = {"a", "b", "c", "d"};
        struct pushed_move moves[N_MOVES] = {
            {.ref = names[0]}, {.ref = names[1]}, {.ref = names[2]}, {.ref = names[3], .is_cut = true}};
        struct pushed pushed = {.moves = moves, .n_moves = N_MOVES};
        char kinds[N_MOVES + 1] = {0};

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
