/* SPDX-License-Identifier: Apache-2.0 */

/* git: looks for git in the environment once, and keeps the place. The real git answers. */

#include "unit_folder.h"

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

/* Writes a script in git's place, with its own modification time. */
static void write_git(const char *path, const char *text, time_t modified) {
    const struct timespec times[] = {{.tv_sec = modified}, {.tv_sec = modified}};

    folder_write(path, (struct span){text, strlen(text)});
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* If git has a twin in the folder of its programs, nobody asks it. Otherwise its answer counts. */
static void test_exec_path(void **state) {
    static const struct {
        const char *name;
        const char *twin;
        const char *text;
        time_t modified;
        const char *variable;
        const char *found;
    } cases[] = {
        {"twin in lib", "lib/git-core/git", "echo /asked", 7, NULL, "/lib/git-core"},
        {"twin in libexec", "libexec/git-core/git", "echo /asked", 7, NULL, "/libexec/git-core"},
        {"twin, and an empty variable", "lib/git-core/git", "echo /asked", 7, "", "/lib/git-core"},
        {"twin, and a variable", "lib/git-core/git", "echo /asked", 7, "/variable", NULL},
        {"one file with two names", "lib/git-core/git", NULL, 0, NULL, "/lib/git-core"},
        {"another size", "lib/git-core/git", "echo /asked more", 7, NULL, NULL},
        {"another time", "lib/git-core/git", "echo /asked", 8, NULL, NULL},
        {"another folder", "share/git", "echo /asked", 7, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char path[PATH_MAX + 100];
        char expected[PATH_MAX + 100];
        struct gate_error error = {0};
        struct git git;
        int r;

        assert_int_equal(folder_begin(NULL), 0);
        assert_int_equal(mkdir("bin", 0755) + mkdir("lib", 0755) + mkdir("libexec", 0755) + mkdir("share", 0755), 0);
        assert_int_equal(mkdir("lib/git-core", 0755) + mkdir("libexec/git-core", 0755), 0);
        write_git("bin/git", "#!/bin/sh\necho /asked", 7);
        if (cases[i].text) {
            (void)snprintf(path, sizeof(path), "#!/bin/sh\n%s", cases[i].text);
            write_git(cases[i].twin, path, cases[i].modified);
        } else {
            assert_int_equal(link("bin/git", cases[i].twin), 0);
        }
        write_git("lib/git-core/git-upload-pack", "", 7);
        write_git("libexec/git-core/git-upload-pack", "", 7);
        (void)snprintf(path, sizeof(path), "%s/bin", folder.path);
        assert_int_equal(setenv("PATH", path, 1), 0);
        assert_int_equal(cases[i].variable ? setenv("GIT_EXEC_PATH", cases[i].variable, 1) : unsetenv("GIT_EXEC_PATH"),
                         0);
        r = git_find(&git, "git-upload-pack", &error);
        if (cases[i].found) {
            expect_int(cases[i].name, r, 0);
            (void)snprintf(expected, sizeof(expected), "%s%s", folder.path, cases[i].found);
            expect_text(cases[i].name, git.exec_path, expected);
            git_deinit(&git);
        } else { /* no program is where the script says */
            expect_int(cases[i].name, r, GATE_E_START);
            expect_true(cases[i].name, strstr(error.message, "'/asked/git-upload-pack' cannot be executed"));
        }
        assert_int_equal(folder_end(NULL), 0);
    }
    assert_int_equal(unsetenv("GIT_EXEC_PATH"), 0);
}

/* git 2.45, and earlier releases with the correction. */
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
        cmocka_unit_test(test_exec_path),
        cmocka_unit_test(test_versions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
