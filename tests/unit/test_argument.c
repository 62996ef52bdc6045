/* SPDX-License-Identifier: Apache-2.0 */

/* argument: parses one option, in both of its forms. */

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

/* Places count among the verb's arguments. Values are not taken for options. */
static void test_once(void **state) {
    static const char *const options[] = {"--url", "--repo", NULL};
    static const struct {
        const char *argv[6];
        const char *words; /* NULL when it passes */
    } once[] = {
        {{NULL}, NULL},
        {{"--url=a", "--repo=b"}, NULL},
        {{"--url", "--repo", "--repo", "--url"}, NULL},
        {{"--url=a", "--url"}, "--url is given twice, as argument 1 and argument 2 of check"},
        {{"--repo=a", "x", "--url", "secret", "--repo=secret"}, "--repo is given twice, as argument 1 and argument 5"},
        {{"--url", "a", "--other", "--url=secret"}, "--url is given twice, as argument 1 and argument 4 of check"},
        {{"--repo", "a", "--repo"}, "--repo is given twice, as argument 1 and argument 3"},
        {{"--urls=a", "--url=b", "--urls=c"}, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(once); i++) {
        char *argv[8] = {(char[]){"check"}};
        struct gate_error error = {0};

        for (size_t j = 0; j < ARRAY_SIZE(once[i].argv) && once[i].argv[j]; j++) {
            argv[1 + j] = (char *)(uintptr_t)once[i].argv[j];
        }
        expect_int(argv[1], argument_check_once(argv, options, "check", &error), once[i].words ? GATE_E_USAGE : 0);
        expect_true(argv[1], once[i].words ? strstr(error.message, once[i].words) && !strstr(error.message, "secret")
                                           : error.code == 0);
    }
}

static void test_name_size(void **state) {
    (void)state;
    expect_int("with =", argument_name_size("--url=secret"), strlen("--url"));
    expect_int("without =", argument_name_size("--url"), strlen("--url"));
    expect_int("nothing", argument_name_size(""), 0);
}

static const char *const names[] = {"serve", "mint", "check", "bridge", "token-file", "max-push-bytes", NULL};

static void test_hint(void **state) {
    static const struct {
        const char *word;
        const char *hint;
    } hints[] = {
        {"seve", ": did you mean '+serve'?"},
        {"serves", ": did you mean '+serve'?"},
        {"sevre", ": did you mean '+serve'?"},
        {"--serve", ": did you mean '+serve'?"},
        {"max-push", ": did you mean '+max-push-bytes'?"},
        {"max-pusch-byte", ": did you mean '+max-push-bytes'?"},
        {"tokenfile", ": did you mean '+token-file'?"},
        {"mi", ""}, /* too short to tell */
        {"brew", ""},
        {"", ""},
        {"--", ""},
        {"aaaaaaaaaabbbbbbbbbbccccccccccdd", ""},
        {"aaaaaaaaaabbbbbbbbbbccccccccccddd", ""},
        {"aaaaaaaaaabbbbbbbbbbccccccccccddddaaaaaaaaaabbbbbbbbbbccccccccccdddd", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(hints); i++) {
        char hint[ARGUMENT_HINT_MAX] = "as before";

        argument_hint(hint, hints[i].word, strlen(hints[i].word), names, "+");
        expect_text(hints[i].word, hint, hints[i].hint);
    }
}

/* The message does not repeat the value after "=", or an argument that does not look like a name. */
static void test_refuse(void **state) {
    static const struct {
        const char *argument;
        const char *words;
    } refusals[] = {
        {"--token=hunter2", "--token is not an option, since everybody on the machine can read a command line"},
        {"--token", "name the token's file by --token-file"},
        {"--tokenfile=hunter2",
         "--tokenfile is not an option of a program: did you mean '--token-file'? 'a program --help'"},
        {"--brew=hunter2", "--brew is not an option of a program; 'a program --help' lists them"},
        {"-b=hunter2", "-b is not an option of"},
        {"-bhunter2", "-b is not an option of"},
        {"-_hunter2", "- is not an option of"},
        {"-", "- is not an option of"},
        {"--token:hunter2", "--token is not an option, since"},
        {"--token hunter2", "--token is not an option, since"},
        {"--tok_hunter2", "--tok is not an option of"},
        {"--brew:hunter2", "--brew is not an option of"},
        {"--:hunter2", "-- is not an option of"},
    };
    static const char *const without_token[] = {"socket", NULL};
    struct gate_error error;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        expect_int(refusals[i].argument, argument_refuse(refusals[i].argument, names, "--", "a program", &error),
                   GATE_E_USAGE);
        if (!strstr(error.message, refusals[i].words) || strstr(error.message, "hunter2")) {
            fail_msg("%s: %s", refusals[i].argument, error.message);
        }
    }
    assert_int_equal(argument_refuse("--token=hunter2", without_token, "--", "a program", &error), GATE_E_USAGE);
    assert_string_equal(error.message, "--token is not an option of a program; 'a program --help' lists them");
    assert_int_equal(argument_refuse("--tokenfile", names, "a verb --", "a program", &error), GATE_E_USAGE);
    assert_string_equal(error.message, "--tokenfile is not an option of a program: did you mean 'a verb --token-file'? "
                                       "'a program --help' lists them");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take), cmocka_unit_test(test_once),   cmocka_unit_test(test_name_size),
        cmocka_unit_test(test_hint), cmocka_unit_test(test_refuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
