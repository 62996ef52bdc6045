/* SPDX-License-Identifier: Apache-2.0 */

/* Rules as git-gate-hook gets them, whole and cut, and the words for them. */

#include "unit.h"

#include <stdio.h>

#include "rules/rules.h"
#include "rules/words.h"

static const char all[] =
    "refs.refs/heads/a.b/*.create\nno\nrefs.refs/heads/a.b/*.update\nany\nrefs.refs/tags/.delete\non\n"
    "paths.deny\nsecret\npaths.allow\ndocs/**\nfiles.maxbytes\n10M\nfiles.maxpathbytes\n255\n"
    "files.deny\nsymlink\nfiles.deny\nexecutable\ncommits.maxcount\n1k\ncommits.author\n*@a\n"
    "commits.author\n*@b\ncommits.committer\n*\ncommits.signedoff\ntrue\npush.maxrefs\n20\n";

static void test_all_keys(void **state) {
    struct rules rules = RULES_NONE;
    struct gate_error error;

    (void)state;
    assert_int_equal(rules_parse(&rules, all, &error), 0);
    assert_int_equal(rules.n_refs, 2);
    assert_string_equal(rules.refs[0].pattern, "refs/heads/a.b/*");
    assert_false(rules.refs[0].creates);
    assert_int_equal(rules.refs[0].update, RULES_UPDATE_ANY);
    assert_false(rules.refs[0].deletes);
    assert_true(rules.refs[1].creates && rules.refs[1].deletes);
    assert_int_equal(rules.refs[1].update, RULES_UPDATE_FAST_FORWARD);
    assert_int_equal(rules.max_file_bytes, 10 << 20);
    assert_int_equal(rules.max_path_bytes, 255);
    assert_int_equal(rules.max_commits, 1024);
    assert_int_equal(rules.max_refs, 20);
    assert_int_equal(rules.deny_modes, RULES_SYMLINK | RULES_EXECUTABLE);
    assert_int_equal(rules.authors.n_items, 2);
    assert_int_equal(rules.committers.n_items, 1);
    assert_true(rules.signed_off && rules_judge_content(&rules) && rules_judge_paths(&rules));
    assert_ptr_equal(rules_find_refs(&rules, "refs/heads/a.b/c"), &rules.refs[0]);
    assert_ptr_equal(rules_find_refs(&rules, "refs/tags/v1"), &rules.refs[1]);
    assert_null(rules_find_refs(&rules, "refs/heads/main"));
    rules_deinit(&rules);
    assert_int_equal(rules.n_refs, 0);
}

/* Cut anywhere, they are refused, or are the whole lines in front of the cut. */
static void test_cut(void **state) {
    (void)state;
    for (size_t size = 0; size < strlen(all); size++) {
        struct rules rules = RULES_NONE;
        struct gate_error error;
        char *text = strndup(all, size);
        size_t n_lines = 0;

        for (size_t i = 0; i < size; i++) {
            n_lines += text[i] == '\n';
        }
        if (rules_parse(&rules, text, &error) == 0) {
            assert_true(size == 0 || (text[size - 1] == '\n' && n_lines % 2 == 0));
        }
        rules_deinit(&rules);
        free(text);
    }
}

static void test_nothing(void **state) {
    struct rules rules = RULES_NONE;
    struct gate_error error;

    (void)state;
    assert_int_equal(rules_parse(&rules, "", &error), 0);
    assert_null(rules_find_refs(&rules, "refs/heads/main"));
    assert_false(rules_judge_content(&rules));
    rules_deinit(&rules);
}

static const struct {
    const char *key;
    const char *value;
    const char *words;
} faults[] = {
    {"refs.x", "yes", "is no key"},
    {"refs..create", "yes", "fits no reference"},
    {"refs.refs/heads/x.rename", "yes", "is no key"},
    {"refs.refs/heads/x y.create", "yes", "fits no reference"},
    {"refs.refs/heads/..create", "maybe", "yes or no"},
    {"refs.refs/heads/x.update", NULL, "none, fast-forward or any"},
    {"paths.deny", NULL, "is empty"},
    {"files.maxbytes", "", "a number"},
    {"files.maxbytes", "1kk", "a number"},
    {"files.maxbytes", "99999999999G", "a smaller number"},
    {"files.deny", "", "symlink, submodule or executable"},
    {"commits.author", "", "a pattern"},
    {"push.maxrefs", "x", "a number"},
    {"", "x", "is no key"},
    {"push.maxrefs", "1\t", "control characters"},
};

static void test_faults(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct rules rules = RULES_NONE;
        struct gate_error error = {0};

        if (rules_add(&rules, faults[i].key, faults[i].value, &error) != GATE_E_USAGE ||
            !strstr(error.message, faults[i].words)) {
            fail_msg("%s: '%s'", faults[i].key, error.message);
        }
        rules_deinit(&rules);
    }
}

static void test_quoting(void **state) {
    char quoted[WORDS_QUOTED_MAX_BYTES];
    char text[2 * WORDS_QUOTED_MAX_BYTES];

    (void)state;
    words_quote(quoted, "a b\n\033\"\\\x7f\xc3\xa4", 10);
    expect_text("escapes", quoted, "a b\\012\\033\\042\\134\\177\\303\\244");
    memset(text, '\n', sizeof(text));
    words_quote(quoted, text, sizeof(text));
    assert_true(strlen(quoted) < sizeof(quoted));
    expect_text("cut", quoted + strlen(quoted) - 7, "\\012...");
}

static void test_long_lists_end(void **state) {
    struct rules rules = RULES_NONE;
    struct gate_error error;
    char words[WORDS_MAX_BYTES];

    (void)state;
    for (int i = 0; i < 100; i++) {
        char key[64];

        (void)snprintf(key, sizeof(key), "refs.refs/heads/branch%d.create", i);
        assert_int_equal(rules_add(&rules, key, "yes", &error), 0);
    }
    words_of_patterns(words, &rules);
    expect_text("list", words + strlen(words) - strlen(" and others"), " and others");
    rules_deinit(&rules);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_keys), cmocka_unit_test(test_cut),     cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_faults),   cmocka_unit_test(test_quoting), cmocka_unit_test(test_long_lists_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
