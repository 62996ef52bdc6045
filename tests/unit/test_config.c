/* SPDX-License-Identifier: Apache-2.0 */

/* The table of options: each default, each value set and read back, and the bounds of each number. */

#include "unit_config.h"

#include <limits.h>

static const struct {
    const char *name;
    enum config_kind kind;
    size_t offset;       /* of the field in struct server_settings */
    const char *initial; /* as text(), NULL for none */
    const char *value;
    const char *result; /* as text() */
} rows[] = {
#define ROW(member, kind, initial, value, result) kind, offsetof(struct server_settings, member), initial, value, result
    {"mirror-root", ROW(environ.mirror_root, CONFIG_TEXT, NULL, "some/where", "some/where")},
    {"scope", ROW(policy.scopes, CONFIG_LIST, "", "*", "*\n")},
    {"socket", ROW(listener.socket_path, CONFIG_TEXT, NULL, "/a b", "/a b")},
    {"socket-mode", ROW(listener.access.mode, CONFIG_MODE, "0600", "660", "0660")},
    {"socket-group", ROW(listener.access.group, CONFIG_TEXT, NULL, "task7", "task7")},
    {"listen", ROW(listener.tcp_address, CONFIG_TEXT, NULL, "[::1]:0", "[::1]:0")},
    {"token-file", ROW(token_file, CONFIG_TEXT, NULL, "-", "-")},
    {"read-only", ROW(policy.read_only, CONFIG_FLAG, "no", "yes", "yes")},
    {"hooks-path", ROW(environ.hooks_path, CONFIG_TEXT, NULL, "/hooks", "/hooks")},
    {"rules", ROW(rules_file, CONFIG_TEXT, NULL, "/rules", "/rules")},
    {"keep-old", ROW(environ.keep_old, CONFIG_SWITCH, "yes", "no", "no")},
    {"home", ROW(environ.home, CONFIG_TEXT, NULL, "/home", "/home")},
    {"remote-user", ROW(environ.remote_user, CONFIG_TEXT, "token", "me", "me")},
    {"git-config", ROW(environ.git_config, CONFIG_LIST, "", "a.b=c=d", "a.b=c=d\n")},
    {"hide-refs", ROW(environ.hide_refs, CONFIG_LIST, "refs/gate\n", "refs/x", "refs/x\n")},
    {"trust-owner", ROW(environ.trust_owner, CONFIG_FLAG, "no", "yes", "yes")},
    {"confine", ROW(confine, CONFIG_CHOICE, "0", "off", "2")},
    {"alternates", ROW(alternates, CONFIG_LIST, "yes\n", "/srv", "/srv\n")},
    {"allow-path", ROW(allow_paths, CONFIG_LIST, "", "/opt/x", "/opt/x\n")},
    {"backend", ROW(environ.backend, CONFIG_CHOICE, "0", "http-backend", "1")},
    {"fsck", ROW(environ.fsck, CONFIG_CHOICE, "0", "off", "2")},
    {"any-commit", ROW(environ.any_commit, CONFIG_SWITCH, "yes", "no", "no")},
    {"advertisement-cache", ROW(advertisement_cache, CONFIG_SWITCH, "yes", "no", "no")},
    {"die-with-parent", ROW(die_with_parent, CONFIG_FLAG, "no", "yes", "yes")},
    {"selinux-type", ROW(listener.selinux_type, CONFIG_TEXT, "git_gate_socket_t", "my_type_t", "my_type_t")},
    {"log-level", ROW(log_level, CONFIG_CHOICE, "3", "debug", "4")},
    {"log-format", ROW(log_format, CONFIG_CHOICE, "0", "json", "1")},
    {"token", ROW(policy.tokens[0], CONFIG_TEXT, NULL, "!~", "!~")},
    {"second-token", ROW(policy.tokens[1], CONFIG_TEXT, NULL, "!!", "!!")},
    {"listen-fd", ROW(listener.inherited_fd, CONFIG_FD, "-1", "0", "0")},
    {"log-fd", ROW(log_fd, CONFIG_FD, "-1", "2", "2")},
    {"moves-fd", ROW(moves_fd, CONFIG_FD, "-1", "9", "9")},
};

static bool is_number(const struct config_option *option) {
    return option->kind == CONFIG_NUMBER || option->kind == CONFIG_BYTES;
}

/* Checks that all options have their default, except @but. */
static void expect_initial(const struct gate_config *config, const struct config_option *but) {
    size_t n_options;
    const struct config_option *options = config_options(&n_options);

    for (size_t i = 0; i < n_options; i++) {
        if (&options[i] != but) {
            expect_text(options[i].name, text(config, &options[i]), initial_text(&options[i]));
        }
    }
}

/* Sets each option alone; all others keep their defaults. */
static void test_rows(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct config_option *option = option_of(rows[i].name);
        struct gate_config *config = fresh();
        struct gate_error error = {0};

        expect_text(rows[i].name, text(config, option), rows[i].initial);
        expect_int(rows[i].name, gate_config_set(config, rows[i].name, rows[i].value, &error), 0);
        expect_int(rows[i].name, error.code, 0);
        expect_text(rows[i].name, text(config, option), rows[i].result);
        expect_initial(config, option);
        if (rows[i].kind != CONFIG_LIST) { /* the last one counts */
            expect_int(rows[i].name, gate_config_set(config, rows[i].name, rows[i].value, NULL), 0);
            expect_text(rows[i].name, text(config, option), rows[i].result);
        }
        assert_null(gate_config_free(config));
    }
    assert_null(gate_config_free(NULL));
}

static void check_number(const struct config_option *option, uint64_t number, bool is_good) {
    struct gate_config *config = fresh();
    struct gate_error error = {0};
    char value[32];

    (void)snprintf(value, sizeof(value), "%ju", (uintmax_t)number);
    expect_int(option->name, gate_config_set(config, option->name, value, &error), is_good ? 0 : GATE_E_USAGE);
    expect_text(option->name, text(config, option), is_good ? value : initial_text(option));
    expect_initial(config, option);
    gate_config_free(config);
}

/* Tries the bounds of each number, and the values just outside. The default lies inside. */
static void test_numbers(void **state) {
    size_t n_options;
    const struct config_option *options = config_options(&n_options);

    (void)state;
    for (size_t i = 0; i < n_options; i++) {
        const struct config_option *option = &options[i];

        if (is_number(option)) {
            expect_true(option->name, option->default_value && option->minimum <= option->maximum);
            expect_true(option->name, option->maximum <= (option->kind == CONFIG_BYTES ? INT64_MAX : INT_MAX));
            check_number(option, option->minimum, true);
            check_number(option, option->maximum, true);
            check_number(option, option->maximum + 1, false);
            if (option->minimum > 0) {
                check_number(option, option->minimum - 1, false);
            }
        }
    }
}

/* Checks the table's description of each option. The rows above list all options except the numbers. */
static void test_table(void **state) {
    size_t n_options = 0;
    size_t n_numbers = 0;
    const struct config_option *options = config_options(&n_options);

    (void)state;
    for (size_t i = 0; i < n_options; i++) {
        const char *name = options[i].name;

        n_numbers += is_number(&options[i]);
        expect_true(name, options[i].help && *options[i].help);
        expect_int(name, options[i].argument == NULL, options[i].kind == CONFIG_FLAG);
        expect_int(name, options[i].is_internal,
                   strcmp(name, "token") == 0 || strcmp(name, "second-token") == 0 || strcmp(name, "listen-fd") == 0 ||
                       strcmp(name, "log-fd") == 0 || strcmp(name, "moves-fd") == 0);
        for (size_t j = 0; j < i; j++) {
            expect_true(name, strcmp(name, options[j].name) != 0);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        expect_int(rows[i].name, option_of(rows[i].name)->kind, rows[i].kind);
        expect_int(rows[i].name, option_of(rows[i].name)->offset, rows[i].offset);
    }
    assert_int_equal(n_options, ARRAY_SIZE(rows) + n_numbers);
}

/* A copy has its own memory for each value. It knows the set options: a set list grows, another replaces its default. */
static void test_copy(void **state) {
    struct gate_config *config = fresh();
    struct gate_config *copy = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (strcmp(rows[i].name, "alternates") != 0) {
            expect_int(rows[i].name, gate_config_set(config, rows[i].name, rows[i].value, NULL), 0);
        }
    }
    assert_int_equal(config_copy(&copy, config), 0);
    gate_config_free(config);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        bool is_set = strcmp(rows[i].name, "alternates") != 0;

        expect_text(rows[i].name, text(copy, option_of(rows[i].name)), is_set ? rows[i].result : rows[i].initial);
    }
    assert_int_equal(gate_config_set(copy, "hide-refs", "refs/y", NULL), 0);
    expect_text("a list goes on", text(copy, option_of("hide-refs")), "refs/x\nrefs/y\n");
    assert_int_equal(gate_config_set(copy, "alternates", "no", NULL), 0);
    expect_text("a default is replaced", text(copy, option_of("alternates")), "no\n");
    gate_config_free(copy);
}

static void test_unset(void **state) {
    struct gate_config *config = fresh();

    (void)state;
    assert_int_equal(gate_config_set(config, "socket", "/s", NULL), 0);
    assert_int_equal(gate_config_set(config, "home", "/h", NULL), 0);
    config_unset(config, "home");
    config_unset(config, "remote-user");
    assert_null(text(config, option_of("home")));
    assert_null(text(config, option_of("remote-user")));
    assert_string_equal(text(config, option_of("socket")), "/s");
    gate_config_free(config);
}

static void test_unknown(void **state) {
    static const char *const names[] = {
        "",          "nope",    "--socket", "sock",      "sockets",     "Socket",
        "socket=/a", "socket ", " socket",  "max_bytes", "mirror_root", "help",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct gate_config *config = fresh();
        struct gate_error error = {0};

        expect_int(names[i], gate_config_set(config, names[i], "1", &error), GATE_E_USAGE);
        expect_int(names[i], error.code, GATE_E_USAGE);
        expect_true(names[i], strstr(error.message, names[i]) != NULL);
        expect_int(names[i], gate_config_set(config, names[i], "1", NULL), GATE_E_USAGE);
        gate_config_free(config);
    }
}

/* A name that is slightly wrong, as in a program or in a keyword of Python. */
static void test_hint(void **state) {
    struct gate_config *config = NULL;
    struct gate_error error = {0};

    (void)state;
    assert_int_equal(gate_config_new(&config), 0);
    assert_int_equal(gate_config_set(config, "max-backend", "4", &error), GATE_E_USAGE);
    assert_non_null(strstr(error.message, "there is no option --max-backend: did you mean '--max-backends'?"));
    assert_int_equal(gate_config_set(config, "brew", "tea", &error), GATE_E_USAGE);
    assert_string_equal(error.message, "there is no option --brew; 'git-gate serve --help' lists them");
    gate_config_free(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hint),  cmocka_unit_test(test_rows),    cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_table), cmocka_unit_test(test_unknown), cmocka_unit_test(test_copy),
        cmocka_unit_test(test_unset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
