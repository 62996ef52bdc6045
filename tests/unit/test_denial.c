/* SPDX-License-Identifier: Apache-2.0 */

/* Denials of a path: the message names the first obstacle and its user, and nothing untrue. */

#include "unit_folder.h"

#include "base/denial.h"

enum {
    NOBODY = 65534,
};

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG_NAME X50 X50 X50 X50 "end"

static const struct {
    const char *path;
    const char *facts;
    const char *remedy;
} cases[] = {
    {"closed/file", "'closed' belongs to uid 0 and has mode 0700, and this is uid 65534",
     "run git-gate as its owner, uid 0"},
    {"closed/folder/file", "'closed' belongs to uid 0", "run git-gate as its owner, uid 0"},
    {"open/file", "'open/file' belongs to uid 0 and has mode 0600,", "run git-gate as its owner, uid 0"},
    {"open/closed/file", "'open/closed' belongs to uid 0 and has mode 0700,", "run git-gate as its owner, uid 0"},
    {"open/./closed/../file", "'open/./closed' belongs to uid 0", "run git-gate as its owner, uid 0"},
    {"link", "'link' leads to a place that uid 65534 cannot reach", "run git-gate as its owner"},
    {"mine/file", "'mine' belongs to uid 65534 and has mode 0000,", "mend its mode with chmod"},
    {"open/" LONG_NAME, "'..." X50 X50, "run git-gate as its owner, uid 0"},
    {"", "'.' belongs to uid 0", "run git-gate as its owner, uid 0"},
};

static void make_files(void) {
    assert_int_equal(chmod(folder.path, 0755), 0);
    assert_int_equal(mkdir("open", 0755) | mkdir("open/closed", 0700) | mkdir("closed", 0700) | mkdir("mine", 0), 0);
    folder_write("open/file", SPAN("x"));
    folder_write("open/closed/file", SPAN("x"));
    folder_write("open/" LONG_NAME, SPAN("x"));
    folder_write("closed/file", SPAN("x"));
    assert_int_equal(symlink("closed/file", "link"), 0);
    assert_int_equal(chown("mine", NOBODY, NOBODY), 0);
}

static void test_facts(void **state) {
    (void)state;
    if (geteuid() != 0) {
        skip(); /* only root can become another user */
    }
    make_files();
    assert_int_equal(seteuid(NOBODY), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct denial denial;
        struct gate_error error;

        denial_find(&denial, cases[i].path, "git-gate");
        expect_true(denial.facts, strstr(denial.facts, cases[i].facts) == denial.facts);
        expect_text(cases[i].path, denial.remedy, cases[i].remedy);
        expect_int(cases[i].path, denial_refuse("read it", cases[i].path, "git-gate", &error), GATE_E_USAGE);
        expect_true(cases[i].path, strstr(error.message, denial.facts) && strstr(error.message, denial.remedy));
    }
    assert_int_equal(seteuid(0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_facts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
