/* SPDX-License-Identifier: Apache-2.0 */

/* secret: reads the first line, however it arrives. Nothing else stays in memory. */

#include "base/secret.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

enum {
    SIZE = 8, /* of the line, with its newline */
};

/* @length: the result */
static const struct {
    struct span content;
    ssize_t length;
} cases[] = {
    {BYTES(""), 0},
    {BYTES("\n"), 0},
    {BYTES("a"), 1},
    {BYTES("a\n"), 1},
    {BYTES("a\nrest"), 1},
    {BYTES("a\n\n"), 1},
    {BYTES("1234567\n"), 7},
    {BYTES("1234567"), 7},
    {BYTES("1234567\nrest"), 7},
    {BYTES("12345678"), -EMSGSIZE},
    {BYTES("12345678\n"), -EMSGSIZE},
    {BYTES("123456789"), -EMSGSIZE},
    {BYTES("a\0b\n"), 3},
};

/* @step: the number of bytes that come at a time, kept apart as packets */
static void check(size_t i, size_t step) {
    const struct span content = cases[i].content;
    char line[SIZE];
    ssize_t length;
    int ends[2];

    memset(line, 'x', sizeof(line));
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    for (size_t at = 0; at < content.size; at += step) {
        size_t size = content.size - at < step ? content.size - at : step;

        assert_int_equal(write(ends[1], content.data + at, size), size);
    }
    (void)close(ends[1]);
    length = secret_read_line(line, sizeof(line), ends[0]);
    expect_int(content.data, length, cases[i].length);
    if (length > 0) {
        expect_span(content.data, ((struct span){line, (size_t)length}), (struct span){content.data, (size_t)length});
    }
    for (size_t at = length > 0 ? (size_t)length : 0; at < sizeof(line); at++) {
        expect_int("nothing else stays", line[at], 0);
    }
    (void)close(ends[0]);
}

static void test_lines(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (size_t step = 1; step <= 12; step++) {
            check(i, step);
        }
    }
}

static void test_no_file(void **state) {
    char line[SIZE] = "secret";

    (void)state;
    expect_int("closed", secret_read_line(line, sizeof(line), -1), -EBADF);
    expect_int("nothing stays", line[0], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
