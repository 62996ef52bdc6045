/* SPDX-License-Identifier: Apache-2.0 */

/* systemd's environment: sockets that are meant for this process, and the interval of the watchdog. */

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/systemd_environ.h"

/* A PID in place of this process's own. */
#define OWN "own"

static void set_number(const char *name, const char *value) {
    char own[16];

    if (!value) {
        assert_int_equal(unsetenv(name), 0);
        return;
    }
    (void)snprintf(own, sizeof(own), "%d", (int)getpid());
    assert_int_equal(setenv(name, strcmp(value, OWN) == 0 ? own : value, 1), 0);
}

/* Two descriptors with the numbers of sockets. A child would inherit them. */
static void open_sockets(void) {
    int fd = open("/dev/null", O_RDONLY);

    assert_true(fd >= 0);
    for (int place = SYSTEMD_ENVIRON_LISTEN_FD; place < SYSTEMD_ENVIRON_LISTEN_FD + 2; place++) {
        if (fd == place) {
            continue;
        }
        assert_int_equal(dup2(fd, place), place);
    }
    for (int place = SYSTEMD_ENVIRON_LISTEN_FD; place < SYSTEMD_ENVIRON_LISTEN_FD + 2; place++) {
        assert_int_equal(fcntl(place, F_SETFD, 0), 0);
    }
}

static void test_sockets(void **state) {
    static const struct {
        const char *name;
        const char *pid;
        const char *fds;
        int expected;
    } cases[] = {
        {"none", NULL, NULL, 0},
        {"no number", OWN, NULL, 0},
        {"no process", NULL, "1", 0},
        {"one", OWN, "1", 1},
        {"two", OWN, "2", 2},
        {"another process's", "1", "1", 0},
        {"none at all", OWN, "0", -EINVAL},
        {"less than none", OWN, "-1", -EINVAL},
        {"not a number", OWN, "1x", -EINVAL},
        {"empty", OWN, "", -EINVAL},
        {"more than there are descriptors", OWN, "2147483647", -EINVAL},
        {"more than any number", OWN, "99999999999999999999999", -EINVAL},
        {"not a process", "me", "1", -EINVAL},
        {"no such process", "4294967297", "1", -EINVAL},
        {"not open", OWN, "1000", -EBADF},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        open_sockets();
        set_number("LISTEN_PID", cases[i].pid);
        set_number("LISTEN_FDS", cases[i].fds);
        set_number("LISTEN_FDNAMES", "gate");
        expect_int(cases[i].name, systemd_environ_take_sockets(), cases[i].expected);
        expect_true(cases[i].name, !getenv("LISTEN_PID") && !getenv("LISTEN_FDS") && !getenv("LISTEN_FDNAMES"));
        for (int fd = 0; fd < cases[i].expected; fd++) {
            expect_int(cases[i].name, fcntl(SYSTEMD_ENVIRON_LISTEN_FD + fd, F_GETFD), FD_CLOEXEC);
        }
        expect_int(cases[i].name, systemd_environ_take_sockets(), 0);
    }
}

static void test_watchdog(void **state) {
    static const struct {
        const char *name;
        const char *pid;
        const char *usec;
        uint64_t expected;
    } cases[] = {
        {"none", NULL, NULL, 0},
        {"of this process", OWN, "30000000", 30000000},
        {"of whoever reads it", NULL, "30000000", 30000000},
        {"of another process", "1", "30000000", 0},
        {"no time", OWN, NULL, 0},
        {"no time at all", OWN, "0", 0},
        {"never", OWN, "18446744073709551615", 0},
        {"longer than never", OWN, "18446744073709551616", 0},
        {"not a number", OWN, "30s", 0},
        {"not a process", "me", "30000000", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        set_number("WATCHDOG_PID", cases[i].pid);
        set_number("WATCHDOG_USEC", cases[i].usec);
        expect_true(cases[i].name, systemd_environ_watchdog_us() == cases[i].expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sockets), cmocka_unit_test(test_watchdog)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
