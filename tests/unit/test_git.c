/* SPDX-License-Identifier: Apache-2.0 */

/* Where git is: looked up in the environment once, and fixed from then on. The real git answers. */

#include "unit.h"

#include <stdlib.h>

#include "backend/git.h"

static void test_search_path(void **state) {
    static const struct {
        const char *name;
        const char *path;
        const char *found;
    } cases[] = {
        {"where git is", "/nonexistent:/usr/bin:/bin", "/nonexistent:/usr/bin:/bin"},
        {"none", NULL, "/usr/local/bin:/usr/bin:/bin"},
        {"an empty one", "", "/usr/local/bin:/usr/bin:/bin"},
        {"where git is not", "/nonexistent", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct gate_error error = {0};
        struct git git;

        assert_int_equal(cases[i].path ? setenv("PATH", cases[i].path, 1) : unsetenv("PATH"), 0);
        expect_int(cases[i].name, git_find(&git, "git-http-backend", &error), cases[i].found ? 0 : GATE_E_START);
        assert_int_equal(setenv("PATH", "/another", 1), 0);
        if (cases[i].found) {
            expect_text(cases[i].name, git.search_path, cases[i].found);
            expect_true(cases[i].name, git.exec_path[0] == '/' && strstr(git.program, "/git-http-backend"));
        } else {
            expect_true(cases[i].name, strstr(error.message, "PATH") && !git.search_path && !git.exec_path);
        }
        git_deinit(&git);
    }
}

/* git 2.45, and its earlier releases with the corrections. */
static void test_versions(void **state) {
    static const struct {
        const char *answer;
        bool is_local;
    } cases[] = {
        {"git version 2.39.5", true},
        {"git version 2.39.4 (Apple Git-1)", true},
        {"git version 2.39.3", false},
        {"git version 2.38.9", false},
        {"git version 2.40.1", false},
        {"git version 2.40.2", true},
        {"git version 2.44.0.rc1", false},
        {"git version 2.44.1", true},
        {"git version 2.45.GIT", true},
        {"git version 2.55.0.windows.1", true},
        {"git version 3.0.0", true},
        {"git version 1.99.99", false},
        {"git version", false},
        {"something else", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        expect_int(cases[i].answer, git_is_local_version(cases[i].answer), cases[i].is_local);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search_path),
        cmocka_unit_test(test_versions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
