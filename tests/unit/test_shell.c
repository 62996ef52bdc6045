/* SPDX-License-Identifier: Apache-2.0 */

/* shell: a shell reads a quoted word back unchanged, and a word that does not fit is reported. */

#include "base/shell.h"

#include "unit.h"

static const struct {
    const char *text;
    const char *quoted;
} cases[] = {
    {"", "''"},
    {"/srv/proj.git", "'/srv/proj.git'"},
    {"a b$(c)`d`\"\\", "'a b$(c)`d`\"\\'"},
    {"'", "''\\'''"},
    {"it's", "'it'\\''s'"},
};

static void test_quote(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char quoted[64] = "";

        expect_true(cases[i].text, shell_quote(quoted, sizeof(quoted), cases[i].text));
        assert_string_equal(quoted, cases[i].quoted);
    }
}

/* In room of every size, nothing is written behind the end, and a word is whole or refused. The named size is enough. */
static void test_sizes(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (size_t size = 0; size <= 4 * strlen(cases[i].text) + 3; size++) {
            char *quoted = malloc(size + 1); /* the sanitizer sees a write beyond it */
            bool fits;

            assert_non_null(quoted);
            quoted[size] = '#';
            fits = shell_quote(quoted, size, cases[i].text);
            expect_int(cases[i].text, quoted[size], '#');
            expect_true(cases[i].text, !fits || strcmp(quoted, cases[i].quoted) == 0);
            expect_true(cases[i].text, fits || size < 4 * strlen(cases[i].text) + 3);
            free(quoted);
        }
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_quote), cmocka_unit_test(test_sizes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
