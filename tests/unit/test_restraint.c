/* SPDX-License-Identifier: Apache-2.0 */

/* restraint: reads files of /proc about a process, names the cause of a refusal, and recognises whole maps of users. */

#include "unit_folder.h"

#include <errno.h>

#include "client/restraint.h"

/* ---- filters and security modules ---- */

#define STATUS(seccomp) "Name:\tgit\nNoNewPrivs:\t1\n" seccomp "Cpus_allowed:\t3\n"
#define FILTER STATUS("Seccomp:\t2\nSeccomp_filters:\t1\n")
#define NO_FILTER STATUS("Seccomp:\t0\n")
#define SELINUX "system_u:system_r:container_t:s0:c1,c2"
#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
    const char *name;
    const char *status; /* NULL: there is no such file */
    struct span label;  /* data is NULL: there is no such file */
    int cause;
    const char *who;
    const char *remedy;
} blames[] = {
    {"nothing is there", NULL, {NULL, 0}, EPERM, "security module", "log"},
    {"nothing is set", NO_FILTER, BYTES("unconfined\n"), EACCES, "security module", "log"},
    {"a filter", FILTER, {NULL, 0}, EPERM, "(seccomp)", "sandbox"},
    {"a filter that says EACCES", FILTER, {NULL, 0}, EACCES, "(seccomp)", "sandbox"},
    {"a filter that says ENOSYS", FILTER, {NULL, 0}, ENOSYS, "(seccomp)", "sandbox"},
    {"the old mode, without a filter", STATUS("Seccomp:\t1\n"), {NULL, 0}, EPERM, "security module", "log"},
    {"the number of filters alone", STATUS("Seccomp_filters:\t2\n"), {NULL, 0}, EPERM, "security module", "log"},
    {"a name with the word", "Name:\tSeccomp:\t2\nPid:\t7\n", {NULL, 0}, EPERM, "security module", "log"},
    {"SELinux", NO_FILTER, BYTES(SELINUX), EACCES, "SELinux, where this process is '" SELINUX "'", "policy"},
    {"SELinux, with the final byte", NO_FILTER, BYTES(SELINUX "\0"), EACCES, "'" SELINUX "'", "policy"},
    {"SELinux before a filter", FILTER, BYTES(SELINUX), EACCES, "SELinux", "policy"},
    {"SELinux never says EPERM", FILTER, BYTES(SELINUX), EPERM, "(seccomp)", "sandbox"},
    {"SELinux without a policy", NO_FILTER, BYTES("kernel"), EACCES, "security module", "log"},
    {"AppArmor", NO_FILTER, BYTES("docker-default (enforce)\n"), EACCES, "profile 'docker-default'", "profile"},
    {"AppArmor, of a path", NO_FILTER, BYTES("/usr/bin/a:b (kill)\n"), EACCES, "profile '/usr/bin/a:b'", "profile"},
    {"AppArmor only watches", NO_FILTER, BYTES("lsb (complain)\n"), EACCES, "security module", "log"},
};

static void test_who(void **state) {
    (void)state;
    assert_int_equal(mkdir("attr", 0700), 0);
    for (size_t i = 0; i < ARRAY_SIZE(blames); i++) {
        char who[RESTRAINT_WHO_MAX];
        struct restraint restraint;
        const char *remedy;

        (void)unlink("status");
        (void)unlink("attr/current");
        if (blames[i].status) {
            folder_write("status", span_of(blames[i].status));
        }
        if (blames[i].label.data) {
            folder_write("attr/current", blames[i].label);
        }
        restraint_find(&restraint, folder.path);
        remedy = restraint_who(&restraint, blames[i].cause, who);
        expect_true(blames[i].name, strstr(who, blames[i].who));
        expect_true(blames[i].name, strstr(remedy, blames[i].remedy));
    }
}

/* A label longer than the room for it is cut. */
static void test_long_label(void **state) {
    char who[RESTRAINT_WHO_MAX];
    struct restraint restraint;

    (void)state;
    assert_int_equal(mkdir("attr", 0700), 0);
    folder_write("attr/current", SPAN("user:" X50 X50 X50 X50));
    restraint_find(&restraint, folder.path);
    expect_int("the room", strlen(restraint.label), RESTRAINT_LABEL_MAX - 1);
    (void)restraint_who(&restraint, EACCES, who);
    expect_true(who, strstr(who, "SELinux, where this process is 'user:xxx") && who[strlen(who) - 1] == ',');
}

static void test_gvisor(void **state) {
    (void)state;
    expect_true("it is", restraint_is_gvisor("#1 SMP Sun Jan 10 15:06:54 PST 2016"));
    expect_true("Debian's is not", !restraint_is_gvisor("#1 SMP PREEMPT_DYNAMIC Debian 6.1.140-1 (2025-05-22)"));
    expect_true("nor is none", !restraint_is_gvisor(""));
}

static void test_refusals(void **state) {
    (void)state;
    expect_true("EPERM", restraint_is_refusal(EPERM));
    expect_true("EACCES", restraint_is_refusal(EACCES));
    expect_true("ENOENT", !restraint_is_refusal(ENOENT));
    expect_true("ECONNREFUSED", !restraint_is_refusal(ECONNREFUSED));
    expect_true("ENETUNREACH", !restraint_is_refusal(ENETUNREACH));
}

/* ---- unmapped users ---- */

static void test_maps(void **state) {
    static const struct {
        const char *map;
        bool is_whole;
    } cases[] = {
        {"         0          0 4294967295\n", true},
        {"0 0 4294967295\n", true},
        {"", false}, /* before anybody has written one */
        {"\n", false},
        {"         0          0 4294967295", false},
        {"         0          0 4294967294\n", false},
        {"         0          0 42949672950\n", false},
        {"         0          0\n", false},
        {"         0          1 4294967295\n", false},
        {"         1          0 4294967295\n", false},
        {"         0         -0 4294967295\n", false},
        {"         0          0 4294967295 1\n", false},
        {"         0       1000          1\n", false},
        {"         0       1000          1\n         1     100000      65536\n", false},
        {"         0          0          1\n         1          1 4294967294\n", false},
        {"         0          0 4294967295\n         0          0 4294967295\n", false},
        {"     65534       1000          1\n", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        expect_int(cases[i].map, restraint_map_is_whole(cases[i].map), cases[i].is_whole);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_who),           IN_FOLDER(test_long_label),
        cmocka_unit_test(test_gvisor), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_maps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
