/* SPDX-License-Identifier: Apache-2.0 */

/* vsock: good and bad addresses. tests/e2e/test_vsock.py connects to one. */

#include "client/vsock.h"

#include <errno.h>

#include "unit.h"

static const struct {
    const char *text;
    uint32_t cid;
    uint32_t port;
} good[] = {
    {"vsock:2:9418", 2, 9418},
    {"vsock:0:0", 0, 0},
    {"vsock:4294967295:4294967295", UINT32_MAX, UINT32_MAX},
    {"vsock:002:01", 2, 1},
};

static const char *const bad[] = {
    "",
    "vsock",
    "vsock:",
    "vsock:2",
    "vsock:2:",
    "vsock::9418",
    "vsock:2:x",
    "vsock:x:2",
    "vsock:2:9418x",
    "vsock:2:9418:",
    "vsock:2::9418",
    "vsock:-1:9418",
    "vsock:+2:1",
    "vsock: 2:1",
    "VSOCK:2:1",
    "unix:vsock:2:1",
    "vsock:2:4294967296",
    "vsock:4294967296:1",
    "vsock:2:99999999999999999999999",
    "/vsock:2:9418",
};

static void test_good(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct vsock_address address;

        assert_true(vsock_parse(good[i].text, &address));
        assert_int_equal(address.cid, good[i].cid);
        assert_int_equal(address.port, good[i].port);
        assert_true(vsock_is_address(good[i].text));
    }
}

static void test_bad(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int fd = -1;

        assert_false(vsock_is_address(bad[i]));
        assert_int_equal(vsock_open(&fd, bad[i]), -EINVAL);
        assert_int_equal(fd, -1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
