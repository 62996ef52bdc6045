/* SPDX-License-Identifier: Apache-2.0 */

/* Paths as the most lenient file system takes them. */

#include "unit.h"

#include "rules/path.h"

static const struct {
    const char *path;
    const char *folded; /* NULL for a fault */
    enum path_fault fault;
} cases[] = {
    {"a", "a", PATH_FINE},
    {"A/B.C", "a/b.c", PATH_FINE},
    {".git\xe2\x80\x8chub", ".github", PATH_FINE},
    {"\xef\xbb\xbfx", "x", PATH_FINE},
    {"x\xc2\xad", "x", PATH_FINE},
    {"\xc5\xbf\xe2\x84\xaa\xc4\xb1", "ski", PATH_FINE},
    {"\xc3\x9f\xef\xac\x83", "ssffi", PATH_FINE},
    {"\xc3\xa4", "\xc3\xa4", PATH_FINE},
    {"\xe2\x80", "\xe2\x80", PATH_FINE}, /* cut */
    {"\xe2", "\xe2", PATH_FINE},
    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", PATH_FINE},
    {"a. . ", "a", PATH_FINE},
    {"a./b ", "a/b", PATH_FINE},
    {".github", ".github", PATH_FINE},
    {"a:b/c", "a/c", PATH_FINE},
    {".github::$INDEX_ALLOCATION/x", ".github/x", PATH_FINE},
    {"a\\b", "a/b", PATH_FINE},
    {"a\\..\\b", NULL, PATH_UNCLEAR},
    {"..", NULL, PATH_UNCLEAR},
    {"a/. ./b", NULL, PATH_UNCLEAR},
    {":a", NULL, PATH_UNCLEAR},
    {"a/\xe2\x80\x8c/b", NULL, PATH_UNCLEAR},
    {"a\\\\b", NULL, PATH_UNCLEAR},
    {"GITHUB~1", NULL, PATH_SHORT_NAME},
    {"a/gi7eba~1/b", NULL, PATH_SHORT_NAME},
    {"GIT~12.MOD", NULL, PATH_SHORT_NAME},
    {"a~1:x", NULL, PATH_SHORT_NAME},
    {"~1", "~1", PATH_FINE},
    {"a~", "a~", PATH_FINE},
    {"a~b", "a~b", PATH_FINE},
    {"longname~1", "longname~1", PATH_FINE},
    {"a.md.~1~", "a.md.~1~", PATH_FINE},
};

static void test_cases(void **state) {
    char folded[PATH_FOLDED_MAX_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *path = unit_copy(cases[i].path, strlen(cases[i].path));

        assert_int_equal(path_fold(folded, path, strlen(cases[i].path)), cases[i].fault);
        if (cases[i].folded) {
            expect_text(cases[i].path, folded, cases[i].folded);
        }
        free(path);
    }
}

static void test_length(void **state) {
    char folded[PATH_FOLDED_MAX_BYTES];
    char path[PATH_FOLDED_MAX_BYTES];

    (void)state;
    memset(path, 'a', sizeof(path));
    assert_int_equal(path_fold(folded, path, sizeof(path) - 1), PATH_FINE);
    assert_int_equal(strlen(folded), sizeof(path) - 1);
    assert_int_equal(path_fold(folded, path, sizeof(path)), PATH_TOO_LONG);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_length)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
