/* SPDX-License-Identifier: Apache-2.0 */

/* argument: one option of a few, in both of its forms. */

#include "base/argument.h"

#include "unit.h"

/* @n_used: arguments that belong to the option; 0 when it is none */
static const struct {
    const char *name;
    const char *argv[3];
    int n_used;
    const char *value;
} cases[] = {
    {"with =", {"--url=x", "y"}, 1, "x"},
    {"without =", {"--url", "y"}, 2, "y"},
    {"with = and nothing", {"--url=", "y"}, 1, ""},
    {"without a value", {"--url"}, 2, NULL},
    {"with = in the value", {"--url=a=b"}, 1, "a=b"},
    {"a longer name", {"--urls=x"}, 0, NULL},
    {"a shorter name", {"--ur=x"}, 0, NULL},
    {"one hyphen", {"-url=x"}, 0, NULL},
    {"no option", {"url"}, 0, NULL},
};

static void test_take(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *argv[] = {(char *)cases[i].argv[0], (char *)cases[i].argv[1], NULL};
        char *value = NULL;
        int at = 0;

        expect_int(cases[i].name, argument_take("--url", argv, &at, &value), cases[i].n_used > 0);
        expect_int(cases[i].name, at, cases[i].n_used > 0 ? cases[i].n_used - 1 : 0);
        expect_text(cases[i].name, value, cases[i].value);
    }
}

static void test_name_size(void **state) {
    (void)state;
    expect_int("with =", argument_name_size("--url=secret"), strlen("--url"));
    expect_int("without =", argument_name_size("--url"), strlen("--url"));
    expect_int("nothing", argument_name_size(""), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_name_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
