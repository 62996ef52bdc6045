/* SPDX-License-Identifier: Apache-2.0 */

/* The arguments of serve: each way to write an option, and malformed ones. */

#include "unit.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"

enum {
    MAX_ARGUMENTS = 12,
};

/* Parses as the program does. To parse again, getopt(3) must be reset with 0. */
static int parse(struct gate_config *config, const char *const *arguments, const char **positionalp, bool *wants_helpp,
                 struct gate_error *error) {
    static const struct option none[] = {{0}};
    static bool is_again;
    char *empty[] = {(char[]){"serve"}, NULL};
    char *argv[MAX_ARGUMENTS + 2] = {(char[]){"serve"}};
    int argc = 1;

    for (; arguments[argc - 1]; argc++) {
        argv[argc] = (char *)(uintptr_t)arguments[argc - 1]; /* getopt_long(3) moves the pointers, not the bytes */
    }
    if (is_again) {
        optind = 0;
        assert_int_equal(getopt_long(1, empty, "-:h", none, NULL), -1);
        optind = 1;
    }
    is_again = true;
    return options_parse(config, argc, argv, positionalp, wants_helpp, error);
}

/* Good arguments and the options that they set. All others keep their defaults. */
struct outcome {
    const char *positional;
    bool wants_help;
    const char *socket;
    const char *remote_user;
    bool read_only;
    bool trust_owner;
    uint64_t max_backends;
    const char *git_config[3];
};

static const struct {
    const char *name;
    const char *arguments[MAX_ARGUMENTS];
    struct outcome outcome;
} good_cases[] = {
    {"nothing", {NULL}, {0}},
    {"option=value", {"--socket=/s"}, {.socket = "/s"}},
    {"option value", {"--socket", "/s"}, {.socket = "/s"}},
    {"value with an equals sign", {"--socket=a=b="}, {.socket = "a=b="}},
    {"value that begins with an equals sign", {"--socket==a"}, {.socket = "=a"}},
    {"value that looks like an option", {"--socket=--read-only"}, {.socket = "--read-only"}},
    {"value of a hyphen", {"--socket", "-"}, {.socket = "-"}},
    {"value with spaces", {"--remote-user", "a b"}, {.remote_user = "a b"}},
    {"flag", {"--read-only"}, {.read_only = true}},
    {"two flags", {"--read-only", "--trust-owner"}, {.read_only = true, .trust_owner = true}},
    {"number", {"--max-backends=3"}, {.max_backends = 3}},
    {"repeatable", {"--git-config=a.b=c", "--git-config", "d.e=f"}, {.git_config = {"a.b=c", "d.e=f"}}},
    {"repository", {"r.git"}, {.positional = "r.git"}},
    {"repository before an option", {"r", "--read-only"}, {.positional = "r", .read_only = true}},
    {"repository behind an option", {"--read-only", "r"}, {.positional = "r", .read_only = true}},
    {"repository between options",
     {"--socket", "s", "r", "--read-only"},
     {.positional = "r", .socket = "s", .read_only = true}},
    {"end of options", {"--"}, {0}},
    {"end of options behind one", {"--read-only", "--"}, {.read_only = true}},
    {"repository behind the end", {"--", "r"}, {.positional = "r"}},
    {"repository before the end", {"r", "--"}, {.positional = "r"}},
    {"repository that looks like an option", {"--", "--read-only"}, {.positional = "--read-only"}},
    {"repository that looks like the end", {"--", "--"}, {.positional = "--"}},
    {"the end as a value", {"--socket", "--"}, {.socket = "--"}},
    {"help", {"--help"}, {.wants_help = true}},
    {"help, short", {"-h"}, {.wants_help = true}},
    {"help before nonsense", {"--help", "--nonsense"}, {.wants_help = true}},
    {"help behind an option", {"--read-only", "--help"}, {.wants_help = true, .read_only = true}},
    {"help behind a repository", {"r", "--help"}, {.positional = "r", .wants_help = true}},
    {"help as a value", {"--socket", "--help"}, {.socket = "--help"}},
    {"help behind the end", {"--", "--help"}, {.positional = "--help"}},
};

/* The first call in this process is exactly the program's. It fixes how getopt(3) orders arguments. */
static void test_first(void **state) {
    static const char *const arguments[] = {"--trust-owner", "r", "--socket", "s", "--read-only", NULL};
    const char *positional = NULL;
    struct gate_config *config = NULL;
    struct gate_error error = {0};
    bool wants_help = true;

    (void)state;
    assert_int_equal(gate_config_new(&config), 0);
    expect_int("first", parse(config, arguments, &positional, &wants_help, &error), 0);
    expect_text("first", positional, "r");
    expect_text("first", config->settings.listener.socket_path, "s");
    assert_true(config->settings.environ.trust_owner && config->settings.policy.read_only && !wants_help);
    gate_config_free(config);
}

static void test_good(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good_cases); i++) {
        const char *name = good_cases[i].name;
        const struct outcome *outcome = &good_cases[i].outcome;
        const char *positional = "untouched";
        struct gate_config *config = NULL;
        struct gate_error error = {0};
        bool wants_help = !outcome->wants_help;
        int r;

        assert_int_equal(gate_config_new(&config), 0);
        r = parse(config, good_cases[i].arguments, &positional, &wants_help, &error);
        if (r || error.code) {
            fail_msg("%s: %d %s", name, r, error.message);
        }
        expect_text(name, positional, outcome->positional);
        expect_int(name, wants_help, outcome->wants_help);
        expect_text(name, config->settings.listener.socket_path, outcome->socket);
        expect_text(name, config->settings.environ.remote_user, outcome->remote_user ? outcome->remote_user : "token");
        expect_int(name, config->settings.policy.read_only, outcome->read_only);
        expect_int(name, config->settings.environ.trust_owner, outcome->trust_owner);
        expect_int(name, config->settings.max_backends, outcome->max_backends ? outcome->max_backends : 16);
        for (size_t j = 0; j < ARRAY_SIZE(outcome->git_config) && (j == 0 || outcome->git_config[j - 1]); j++) {
            expect_text(name, config->settings.environ.git_config[j], outcome->git_config[j]);
        }
        gate_config_free(config);
    }
}

static const struct {
    const char *name;
    const char *arguments[MAX_ARGUMENTS];
    const char *word; /* that the sentence must hold */
} bad_cases[] = {
    {"unknown option", {"--nonsense"}, "--nonsense"},
    {"unknown option with a value", {"--nonsense=1"}, "--nonsense"},
    {"unknown option behind good ones", {"--read-only", "r", "--nonsense"}, "--nonsense"},
    {"unknown option before a good one", {"--nonsense", "--read-only"}, "--nonsense"},
    {"unknown short option", {"-x"}, "-x"},
    {"unknown short option before help", {"-xh"}, "-x is not an option"},
    {"one hyphen", {"-socket=s"}, "-s is not an option"},
    {"option in another case", {"--Socket=s"}, "--Socket"},
    {"underscore", {"--read_only"}, "did you mean '--read-only'?"},
    {"more than an option", {"--read-onlys"}, "--read-onlys"},
    {"abbreviated flag", {"--read"}, "--read"},
    {"flag but for its last byte", {"--read-onl"}, "--read-onl"},
    {"abbreviated option", {"--sock=s"}, "--sock"},
    {"abbreviated option and its value", {"--sock", "s"}, "--sock"},
    {"option but for its last byte", {"--socke=s"}, "--socke"},
    {"abbreviation of many", {"--max=1"}, "--max"},
    {"abbreviated help", {"--hel"}, "--hel"},
    {"negated flag", {"--no-read-only"}, "--no-read-only"},
    {"flag with a value", {"--read-only=yes"}, "--read-only"},
    {"flag with another value", {"--read-only=no"}, "--read-only"},
    {"flag with an empty value", {"--read-only="}, "--read-only"},
    {"help with a value", {"--help=me"}, "--help"},
    {"missing value", {"--socket"}, "--socket needs a value"},
    {"missing value behind a good one", {"--read-only", "--max-backends"}, "--max-backends needs a value"},
    {"empty value", {"--socket="}, "--socket"},
    {"empty value of its own", {"--socket", ""}, "--socket"},
    {"value that is refused", {"--max-backends=0"}, "--max-backends"},
    {"value of its own that is refused", {"--max-backends", "many"}, "--max-backends"},
    {"the end as a number", {"--max-backends", "--", "1"}, "--max-backends"},
    {"flag twice",
     {"r", "--read-only", "--read-only"},
     "--read-only is given twice, as argument 2 and argument 3 of serve"},
    {"option twice", {"--socket=a", "--socket", "b"}, "--socket is given twice, as argument 1 and argument 2 of serve"},
    {"option twice, and its values",
     {"--remote-user", "--socket", "--socket=s", "r", "--remote-user=--socket"},
     "--remote-user is given twice, as argument 1 and argument 5 of serve"},
    {"number twice", {"--max-backends=1", "--max-backends=1"}, "--max-backends is given twice"},
    {"file of the token twice", {"--token-file=hunter2", "--token-file=hunter2"}, "--token-file is given twice"},
    {"two repositories", {"r", "s"}, "s"},
    {"two repositories around an option", {"r", "--read-only", "s"}, "s"},
    {"two repositories behind the end", {"--", "r", "s"}, "s"},
    {"two repositories around the end", {"r", "--", "s"}, "s"},
    {"three repositories", {"r", "--", "s", "t"}, "s"},
    {"the token", {"--token=hunter2hunter2hunter2"}, "--token"},
    {"the token behind its option", {"--token", "hunter2hunter2hunter2"}, "--token"},
    {"a descriptor", {"--listen-fd=3"}, "--listen-fd"},
    {"a descriptor behind its option", {"--listen-fd", "3"}, "--listen-fd"},
};

/* A token on the command line is a mistake. It must not appear in the log as well. */
static void test_bad(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad_cases); i++) {
        const char *name = bad_cases[i].name;
        const char *positional = NULL;
        struct gate_config *config = NULL;
        struct gate_error error = {0};
        bool wants_help = false;

        assert_int_equal(gate_config_new(&config), 0);
        expect_int(name, parse(config, bad_cases[i].arguments, &positional, &wants_help, &error), GATE_E_USAGE);
        expect_int(name, error.code, GATE_E_USAGE);
        if (!strstr(error.message, bad_cases[i].word) || strstr(error.message, "hunter2")) {
            fail_msg("%s: no '%s' in '%s', or the token is", name, bad_cases[i].word, error.message);
        }
        expect_int(name, wants_help, false);
        expect_true(name, config->settings.policy.tokens[0] == NULL && config->settings.listener.inherited_fd == -1);
        gate_config_free(config);
    }
}

/* Each option of the table except the internal ones is in the help, with its default. */
static void test_help(void **state) {
    static char help[1 << 16];
    size_t n_options = 0;
    const struct config_option *options = config_options(&n_options);
    int before = dup(STDOUT_FILENO);
    FILE *file = tmpfile();

    (void)state;
    assert_non_null(file);
    (void)fflush(stdout);
    assert_int_equal(dup2(fileno(file), STDOUT_FILENO), STDOUT_FILENO);
    options_print_help();
    (void)fflush(stdout);
    assert_int_equal(dup2(before, STDOUT_FILENO), STDOUT_FILENO);
    assert_int_equal(close(before), 0);
    assert_true(pread(fileno(file), help, sizeof(help) - 1, 0) > 0);
    (void)fclose(file);
    for (size_t i = 0; i < n_options; i++) {
        char shown[128];

        (void)snprintf(shown, sizeof(shown), "  --%s%s%s", options[i].name, options[i].argument ? "=" : " ",
                       options[i].argument ? options[i].argument : "");
        expect_int(shown, strstr(help, shown) != NULL, !options[i].is_internal);
        if (options[i].default_value && options[i].argument && !options[i].is_internal) {
            (void)snprintf(shown, sizeof(shown), " [%s]\n", options[i].default_value);
            expect_true(options[i].name, strstr(help, shown) != NULL);
        }
    }
    for (const char *line = help; *line; line = strchr(line, '\n') + 1) {
        expect_true("a line of the help", strchr(line, '\n') && strcspn(line, "\n") <= 100);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first),
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_help),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
