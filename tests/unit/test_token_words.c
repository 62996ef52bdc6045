/* SPDX-License-Identifier: Apache-2.0 */

/* The messages about a token in the wrong place. Each names the fault, and none shows a token. */

#include "unit_folder.h"

#include <errno.h>

#include "base/token_words.h"

enum {
    NOBODY = 65534,
};

static const struct {
    const char *text;
    bool is_refused;
} path_cases[] = {
    {"/tmp/token", true},
    {"/proc/self/token", true},
    {"/tmp/", true},
    {"//token", true},
    {"/token", false},
    {"/", false},
    {"", false},
    {"token", false},
    {"tmp/token", false},
    {"./token", false},
    {"/nowhere-hunter2/token", false},
    {"/proc/version/token", false}, /* the part before the last slash is no folder */
    {"gate-/tmp/token", false},
};

static void test_path(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(path_cases); i++) {
        const char *text = path_cases[i].text;
        struct gate_error error = {0};

        expect_int(text, token_words_refuse_path(text, "SOURCE", "--option", &error),
                   path_cases[i].is_refused ? GATE_E_USAGE : 0);
        if (path_cases[i].is_refused) {
            expect_true(text,
                        strstr(error.message, "SOURCE is the path of a file") && strstr(error.message, "--option"));
            expect_true(text, strlen(text) < 3 || !strstr(error.message, text));
        } else {
            expect_text(text, error.message, "");
        }
    }
}

static const struct {
    const char *path;
    int cause;
    const char *words[2];
} file_cases[] = {
    {"hunter2", ENOENT, {"No such file or directory", "GIT_GATE_TOKEN"}},
    {"hunter2/x", ENOENT, {"No such file or directory", "GIT_GATE_TOKEN"}},
    {"hunter2", EACCES, {"Permission denied", "GIT_GATE_TOKEN"}},
    {"/nowhere/hunter2", ENOENT, {"No such file or directory", "first line"}},
    {".", EISDIR, {"names a folder", "the file in it"}},
};

static void test_file(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(file_cases); i++) {
        struct gate_error error = {0};

        expect_int(file_cases[i].path,
                   token_words_refuse_file(file_cases[i].path, file_cases[i].cause, "SOURCE", "git-gate", &error),
                   GATE_E_USAGE);
        expect_true(error.message, strstr(error.message, "SOURCE names") == error.message);
        expect_true(error.message, strstr(error.message, file_cases[i].words[0]) != NULL);
        expect_true(error.message, strstr(error.message, file_cases[i].words[1]) != NULL);
        expect_true(error.message, !strstr(error.message, "hunter2"));
    }
}

/* The message names the user, the denied path, and the user who could read it. */
static void test_denied(void **state) {
    char path[PATH_MAX + sizeof("/file")];
    struct gate_error error = {0};

    (void)state;
    if (geteuid() != 0) {
        skip(); /* only root can become another user */
    }
    assert_int_equal(chmod(folder.path, 0755), 0);
    folder_write("file", SPAN("hunter2\n"));
    (void)snprintf(path, sizeof(path), "%s/file", folder.path);
    assert_int_equal(seteuid(NOBODY), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(token_words_refuse_file(i ? "file" : path, EACCES, "SOURCE", "git", &error), GATE_E_USAGE);
        expect_true(error.message, strstr(error.message, "file' belongs to uid 0 and has mode 0600") != NULL);
        expect_true(error.message, strstr(error.message, "this is uid 65534; run git as its owner, uid 0") != NULL);
    }
    assert_int_equal(seteuid(0), 0);
}

static void test_empty(void **state) {
    struct gate_error error = {0};

    (void)state;
    assert_int_equal(token_words_refuse_empty("SOURCE", &error), GATE_E_USAGE);
    assert_non_null(strstr(error.message, "SOURCE is empty"));
    assert_non_null(strstr(error.message, "git-gate mint"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path),
        IN_FOLDER(test_file),
        IN_FOLDER(test_denied),
        cmocka_unit_test(test_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
