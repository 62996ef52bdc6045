/* SPDX-License-Identifier: Apache-2.0 */

/* remote_environ: git itself reads the environment, for the gate's address and for others. */

#include "client/remote_environ.h"

#include <errno.h>
#include <stdio.h>

#include "unit.h"

#define ADDRESS "http://127.0.0.1:4711"
#define FIELD "Authorization: Basic Z2F0ZS0xOg==" /* gate-1: */

/* Fills @printed with a command's output. */
static void run(const char *command, char printed[256]) {
    FILE *pipe = popen(command, "r"); /* NOLINT(cert-env33-c): a fixed text */
    size_t n;

    assert_non_null(pipe);
    n = fread(printed, 1, 255, pipe);
    printed[n] = '\0';
    (void)pclose(pipe);
}

static int reset(void **state) {
    (void)state;
    (void)unsetenv("GIT_CONFIG_COUNT");
    (void)unsetenv("GIT_CONFIG_PARAMETERS");
    (void)unsetenv("GIT_ALLOW_PROTOCOL");
    (void)setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
    (void)setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
    (void)setenv("GIT_DIR", "/nonexistent", 1);
    return 0;
}

static const struct {
    const char *command;
    const char *printed;
} questions[] = {
    {"git config --get-urlmatch http.extraHeader " ADDRESS "/proj.git", FIELD "\n"},
    {"git config --get-urlmatch http.extraHeader http://127.0.0.1:4712/proj.git", "X: y\n"},
    {"git config --get-urlmatch http.extraHeader https://example.org/proj.git", "X: y\n"},
    {"git config --get-urlmatch http.proxy " ADDRESS "/proj.git", "\n"},
    {"git config --get-urlmatch http.proxy https://example.org/", "http://proxy\n"},
    {"git config --get-urlmatch http.followRedirects " ADDRESS "/proj.git", "false\n"},
    {"git config --get-urlmatch credential.helper " ADDRESS "/proj.git", "\n"},
    {"git config --get-urlmatch credential.helper https://example.org/", "mine\n"},
    {"git config protocol.http.allow", "always\n"},
    {"git config user.name", "Ada\n"},
};

/* The gate's settings win over any earlier ones, from the environment and from git -c. */
static void test_git_reads_it(void **state) {
    static const char parameters[] = "'http.extraHeader'='X: y' 'http.proxy'='http://proxy' 'credential.helper'='mine' "
                                     "'protocol.http.allow'='never'";

    (void)state;
    for (int behind = 0; behind < 2; behind++) {
        (void)reset(NULL);
        (void)setenv("GIT_CONFIG_COUNT", behind ? "1" : "4", 1);
        (void)setenv("GIT_CONFIG_KEY_0", "user.name", 1);
        (void)setenv("GIT_CONFIG_VALUE_0", "Ada", 1);
        (void)setenv("GIT_CONFIG_KEY_1", "http.extraHeader", 1);
        (void)setenv("GIT_CONFIG_VALUE_1", "X: y", 1);
        (void)setenv("GIT_CONFIG_KEY_2", "http.proxy", 1);
        (void)setenv("GIT_CONFIG_VALUE_2", "http://proxy", 1);
        (void)setenv("GIT_CONFIG_KEY_3", "credential.helper", 1);
        (void)setenv("GIT_CONFIG_VALUE_3", "mine", 1);
        if (behind) {
            (void)setenv("GIT_CONFIG_PARAMETERS", parameters, 1);
        }
        expect_int("set", remote_environ_set(ADDRESS, "gate-1"), 0);
        for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
            char printed[256];

            run(questions[i].command, printed);
            expect_text(questions[i].command, printed, questions[i].printed);
        }
    }
}

/* git collects the helpers of all places in turn. An empty one drops those before it. */
static void test_no_helper_is_left(void **state) {
    static const char ask[] = "echo url=" ADDRESS "/proj.git | git credential fill 2>/dev/null";
    static const char *const before[] = {"'credential.helper'='!echo username=ada; echo password=x; #'",
                                         "'credential.helper=!echo username=ada; echo password=x; #' 'a.b'='c'"};
    char printed[256];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
        (void)reset(NULL);
        (void)setenv("GIT_CONFIG_PARAMETERS", before[i], 1);
        run(ask, printed);
        expect_true("this one is asked", strstr(printed, "username=ada"));
        expect_int("set", remote_environ_set(ADDRESS, "gate-1"), 0);
        run(ask, printed);
        expect_text(before[i], printed, "");
    }
}

static void test_protocols(void **state) {
    (void)state;
    expect_int("set", remote_environ_set(ADDRESS, "gate-1"), 0);
    expect_true("all are allowed", !getenv("GIT_ALLOW_PROTOCOL"));
    (void)setenv("GIT_ALLOW_PROTOCOL", "gate:ssh", 1);
    expect_int("set", remote_environ_set(ADDRESS, "gate-1"), 0);
    expect_text("this one too", getenv("GIT_ALLOW_PROTOCOL"), "gate:ssh:http");
}

static void test_counts(void **state) {
    static const struct {
        const char *count;
        int r;
    } cases[] = {
        {"", 0},        {"0", 0},      {"1000", 0},    {"1001", -E2BIG}, {"99999999999999999999", -E2BIG},
        {"-1", -E2BIG}, {"x", -E2BIG}, {"1 ", -E2BIG},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        (void)setenv("GIT_CONFIG_COUNT", cases[i].count, 1);
        expect_int(cases[i].count, remote_environ_set(ADDRESS, "gate-1"), cases[i].r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_git_reads_it, reset),
        cmocka_unit_test_setup(test_no_helper_is_left, reset),
        cmocka_unit_test_setup(test_protocols, reset),
        cmocka_unit_test_setup(test_counts, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
