/* SPDX-License-Identifier: Apache-2.0 */

/* The limits of the configuration: long values, long lists, and accepted tokens, which are never shown. */

#include "unit_config.h"

/* The longest value is accepted, and one that is a byte longer is not. */
static void test_long(void **state) {
    static const char *const names[] = {"mirror-root", "socket", "git-config", "hide-refs", "remote-user"};
    char *value = malloc(CONFIG_VALUE_MAX_BYTES + 2);

    (void)state;
    assert_non_null(value);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct gate_config *config = fresh();
        struct gate_error error = {0};

        memset(value, 'a', CONFIG_VALUE_MAX_BYTES + 1);
        value[CONFIG_VALUE_MAX_BYTES + 1] = '\0';
        expect_int(names[i], gate_config_set(config, names[i], value, &error), GATE_E_USAGE);
        expect_true(names[i], strstr(error.message, names[i]) != NULL);
        value[CONFIG_VALUE_MAX_BYTES] = '\0';
        expect_int(names[i], gate_config_set(config, names[i], value, &error), 0);
        gate_config_free(config);
    }
    free(value);
}

static size_t count(char *const *list) {
    size_t n = 0;

    while (list[n]) {
        n++;
    }
    return n;
}

/* The first value of a list replaces its default. The value beyond the limit changes nothing. */
static void test_lists(void **state) {
    static const struct {
        const char *name;
        size_t offset;
        size_t n_initial;
    } cases[] = {
        {"git-config", offsetof(struct gate_config, settings.environ.git_config), 0},
        {"hide-refs", offsetof(struct gate_config, settings.environ.hide_refs), 1},
        {"alternates", offsetof(struct gate_config, settings.alternates), 1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *name = cases[i].name;
        struct gate_config *config = fresh();
        char *const *const *listp = (char *const *const *)((const char *)config + cases[i].offset);
        struct gate_error error = {0};
        char value[32];

        expect_int(name, count(*listp), cases[i].n_initial);
        expect_int(name, gate_config_set(config, name, "", &error), GATE_E_USAGE);
        expect_int(name, count(*listp), cases[i].n_initial); /* a refused value replaces no default */
        for (size_t n = 0; n < 64; n++) {
            (void)snprintf(value, sizeof(value), "a.b=%zu", n);
            expect_int(name, gate_config_set(config, name, value, &error), 0);
            expect_int(name, count(*listp), n + 1);
            expect_span(name, span_of((*listp)[n]), span_of(value));
            expect_true(name, (*listp)[n + 1] == NULL);
        }
        expect_int(name, gate_config_set(config, name, "a.b=64", &error), GATE_E_USAGE);
        expect_int(name, error.code, GATE_E_USAGE);
        expect_true(name, strstr(error.message, name) && strstr(error.message, "64"));
        expect_int(name, count(*listp), 64);
        for (size_t n = 0; n < 64; n++) {
            (void)snprintf(value, sizeof(value), "a.b=%zu", n);
            expect_span(name, span_of((*listp)[n]), span_of(value));
        }
        expect_true(name, (*listp)[64] == NULL);
        gate_config_free(config);
    }
}

#define FIFTY "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"

static const struct {
    const char *name;
    const char *token;
    bool is_good;
} token_cases[] = {
    {"one byte", "x", true},
    {"a minted one", "gate-0123456789abcdef0123456789abcdef", true},
    {"first and last byte", "!~", true},
    {"the longest", FIFTY FIFTY FIFTY FIFTY FIFTY "fffff", true},
    {"one byte too long", FIFTY FIFTY FIFTY FIFTY FIFTY "ffffff", false},
    {"far too long", FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY, false},
    {"space within", "hunter2 hunter2", false},
    {"space before", " hunter2", false},
    {"space behind", "hunter2 ", false},
    {"colon", "hunter2:x", false},
    {"newline", "hunter2\n", false},
    {"carriage return", "hunter2\r", false},
    {"tab", "hunter2\t", false},
    {"control byte", "hunter2\x01", false},
    {"delete", "hunter2\x7f", false},
    {"UTF-8", "hunter2\xc3\xa4", false},
    {"a byte over 127", "\xffhunter2", false},
};

/* No part of a refused token is shown, and the token before it stays. */
static void test_token(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(token_cases); i++) {
        struct gate_config *config = fresh();
        struct gate_error error = {0};

        expect_int(token_cases[i].name, gate_config_set(config, "token", "before", &error), 0);
        expect_int(token_cases[i].name, gate_config_set(config, "token", token_cases[i].token, &error),
                   token_cases[i].is_good ? 0 : GATE_E_USAGE);
        expect_span(token_cases[i].name, span_of(config->settings.policy.tokens[0]),
                    span_of(token_cases[i].is_good ? token_cases[i].token : "before"));
        if (!token_cases[i].is_good) {
            expect_int(token_cases[i].name, error.code, GATE_E_USAGE);
            expect_true(token_cases[i].name, strstr(error.message, "token") && !strstr(error.message, "hunter2") &&
                                                 !strstr(error.message, "aaaaa"));
        }
        gate_config_free(config);
    }
}

static void test_empty_token(void **state) {
    struct gate_config *config = fresh();
    struct gate_error error = {0};

    (void)state;
    assert_int_equal(gate_config_set(config, "token", "", &error), GATE_E_USAGE);
    assert_non_null(strstr(error.message, "token"));
    assert_null(config->settings.policy.tokens[0]);
    gate_config_free(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_empty_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
