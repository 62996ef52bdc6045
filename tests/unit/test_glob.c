/* SPDX-License-Identifier: Apache-2.0 */

/* Patterns of references, addresses and paths: texts that fit, texts that do not, and texts that are slow elsewhere. */

#include "unit.h"

#include <time.h>

#include "rules/glob.h"

static const struct {
    const char *pattern;
    const char *name;
    bool fits;
} references[] = {
    {"refs/heads/task", "refs/heads/task", true},
    {"refs/heads/task", "refs/heads/task/x", false},
    {"refs/heads/task", "refs/heads/tas", false},
    {"refs/heads/task", "refs/heads/Task", false},
    {"refs/heads/task/", "refs/heads/task/x/y", true},
    {"refs/heads/task/", "refs/heads/task", false},
    {"refs/heads/task/", "refs/heads/task/", false},
    {"refs/heads/task/*", "refs/heads/task/x/y", true},
    {"refs/heads/task/*", "refs/heads/task", false},
    {"refs/heads/*/end", "refs/heads/a/b/end", true},
    {"refs/heads/*/end", "refs/heads/a/end/b", false},
    {"refs/*/a*b", "refs/x/a/b/ab", true},
    {"*", "refs/heads/x", true},
    {"", "x", false},
    {"refs/heads/a?c", "refs/heads/abc", false},
};

static const struct {
    const char *pattern;
    const char *text;
    bool fits;
} texts[] = {
    {"*@example.org", "Ada@Example.ORG", true},
    {"*@example.org", "ada@example.org.evil", false},
    {"a?a@*", "ada@x", true},
    {"a?a@*", "aa@x", false},
    {"*", "", true},
    {"", "", true},
    {"x", "", false},
    {"*a*b*", "xaybz", true},
};

/* GLOB_WHOLE stands for the paths that git ls-files ':(glob,icase)PATTERN' lists. */
static const struct {
    const char *pattern;
    const char *path;
    unsigned hits;
} paths[] = {
    {"a", "a", GLOB_WHOLE},
    {"a", "A", GLOB_WHOLE},
    {"a", "b", 0},
    {"a", "a/b", GLOB_INSIDE},
    {"a", "ab", 0},
    {"a/b", "a", GLOB_ABOVE},
    {"a/b", "a/b/c", GLOB_INSIDE},
    {"a/b/c", "a/b", GLOB_ABOVE},
    {"a/*/c", "a", GLOB_ABOVE},
    {"*/b", "a", 0},
    {"*", "a", GLOB_WHOLE},
    {"*", "a/b", GLOB_INSIDE},
    {"*.c", "x.C", GLOB_WHOLE},
    {"*.c", "d/x.c", 0},
    {"**", "a/b", GLOB_WHOLE | GLOB_INSIDE},
    {"**/x", "x", GLOB_WHOLE},
    {"**/x", "a/b/x", GLOB_WHOLE},
    {"**/x", "ax", 0},
    {"**/x", "a/x/b", GLOB_INSIDE},
    {"a/**", "a/b/c", GLOB_WHOLE | GLOB_INSIDE | GLOB_FOLDER | GLOB_ABOVE},
    {"a/**", "a", GLOB_FOLDER | GLOB_ABOVE},
    {"a/**", "b/a", 0},
    {"a/**", "aa/x", 0},
    {"a/", "a/b", GLOB_WHOLE | GLOB_FOLDER | GLOB_ABOVE},
    {"a/**/b", "a/b", GLOB_WHOLE | GLOB_ABOVE},
    {"a/**/b", "a/x/y/b", GLOB_WHOLE | GLOB_ABOVE},
    {"a/**/b", "a/xb", GLOB_ABOVE},
    {"a/***", "a/b", GLOB_WHOLE | GLOB_FOLDER | GLOB_ABOVE},
    {"a**b", "axxb", GLOB_WHOLE},
    {"a**b", "ax/b", 0},
    {"a?b", "axb", GLOB_WHOLE},
    {"a?b", "a/b", 0},
    {"a[x-z]b", "ayb", GLOB_WHOLE},
    {"a[x-z]b", "aYb", GLOB_WHOLE},
    {"a[!x]b", "ayb", GLOB_WHOLE},
    {"a[!x]b", "axb", 0},
    {"a[!x]b", "a/b", 0},
    {"a[^x]b", "ayb", GLOB_WHOLE},
    {"a[]]b", "a]b", GLOB_WHOLE},
    {"a[\\]]b", "a]b", GLOB_WHOLE},
    {"a\\*b", "a*b", GLOB_WHOLE},
    {"a\\*b", "axb", 0},
    {"\\[a", "[a", GLOB_WHOLE},
};

static const struct {
    const char *pattern;
    bool is_good;
} faults[] = {
    {"docs/**", true},  {"[a]", true},     {"a\\b", true}, {"", true},        {"/a", false},    {"./a", false},
    {":(glob)", false}, {"a\\", false},    {"[a", false},  {"[]", false},     {"a[\\]", false}, {"[[:alpha:]]", false},
    {"[a]b[c", false},  {"a[b]\\", false}, {"\\[", true},  {"\\[a[]", false}, {"\\[]", true},
};

static void test_references(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++) {
        if (glob_match_ref(references[i].pattern, references[i].name) != references[i].fits) {
            fail_msg("%s, %s", references[i].pattern, references[i].name);
        }
    }
}

static void test_texts(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (glob_match_text(texts[i].pattern, texts[i].text) != texts[i].fits) {
            fail_msg("%s, %s", texts[i].pattern, texts[i].text);
        }
    }
}

static void test_paths(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const unsigned hits = glob_match_path(paths[i].pattern, paths[i].path);

        if (glob_path_fault(paths[i].pattern) || hits != paths[i].hits) {
            fail_msg("%s, %s: %u, not %u", paths[i].pattern, paths[i].path, hits, paths[i].hits);
        }
    }
}

static void test_faults(void **state) {
    char longest[GLOB_PATTERN_MAX_BYTES + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        if ((glob_path_fault(faults[i].pattern) == NULL) != faults[i].is_good) {
            fail_msg("%s", faults[i].pattern);
        }
    }
    memset(longest, 'a', sizeof(longest));
    longest[GLOB_PATTERN_MAX_BYTES] = '\0';
    assert_non_null(glob_path_fault(longest));
    longest[GLOB_PATTERN_MAX_BYTES - 1] = '\0';
    assert_null(glob_path_fault(longest));
    assert_int_equal(glob_match_path(longest, longest), GLOB_WHOLE);
    longest[GLOB_PATTERN_MAX_BYTES - 2] = '/'; /* which becomes one token more */
    assert_int_equal(glob_match_path(longest, "a"), 0);
}

/* A matcher that backtracks would need ages for this. */
static void test_time(void **state) {
    static const char pattern[] = "**/a*a*a*/**/a*a*a*/**/a*a*a*/**/a*a*a*/**/b";
    char path[4096];
    const clock_t begin = clock();

    (void)state;
    for (size_t i = 0; i < sizeof(path) - 1; i++) {
        path[i] = i % 20 == 19 ? '/' : 'a';
    }
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(glob_match_path(pattern, path), 0);
    assert_false(glob_match_text("*a*a*a*a*a*a*a*a*a*b", path));
    assert_true(clock() - begin < 2 * CLOCKS_PER_SEC);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references), cmocka_unit_test(test_texts), cmocka_unit_test(test_paths),
        cmocka_unit_test(test_faults),     cmocka_unit_test(test_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
