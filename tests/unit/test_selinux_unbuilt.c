/* SPDX-License-Identifier: Apache-2.0 */

/* The label of a socket in a program built without libselinux, which sees by access(2) that SELinux is on. */

#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "confine/selinux.h"

static bool is_on;
static int n_looks;

int __wrap_access(const char *path, int mode);

int __wrap_access(const char *path, int mode) {
    assert_string_equal(path, "/sys/fs/selinux/enforce");
    assert_int_equal(mode, F_OK);
    n_looks++;
    errno = ENOENT;
    return is_on ? 0 : -1;
}

static const struct {
    const char *name;
    const char *type;
    bool is_on;
    int n_looks;
    enum selinux_label label;
} cases[] = {
    {"off", "git_gate_socket_t", false, 1, SELINUX_LABEL_OFF},
    {"on", "git_gate_socket_t", true, 1, SELINUX_LABEL_UNBUILT},
    {"on, and no label wanted", NULL, true, 0, SELINUX_LABEL_OFF},
};

static void test_unbuilt(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        enum selinux_label label = SELINUX_LABEL_SET;
        int fd;

        is_on = cases[i].is_on;
        n_looks = 0;
        fd = selinux_socket(&label, cases[i].type, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC);
        expect_true(cases[i].name, fd >= 0);
        assert_int_equal(close(fd), 0);
        expect_int(cases[i].name, label, cases[i].label);
        expect_int(cases[i].name, n_looks, cases[i].n_looks);
    }
}

static void test_failure_names_what_mends_it(void **state) {
    (void)state;
    assert_non_null(strstr(selinux_failure(SELINUX_LABEL_UNBUILT), "built without libselinux"));
    assert_non_null(strstr(selinux_failure(SELINUX_LABEL_UNBUILT), "-Dselinux=enabled"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unbuilt),
        cmocka_unit_test(test_failure_names_what_mends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
