/* SPDX-License-Identifier: Apache-2.0 */

/* memory_file: a program reads the appended bytes as its standard input, and nobody can change them. */

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "backend/process.h"
#include "base/fd.h"
#include "base/memory_file.h"

enum {
    MANY = 1000,
};

static void test_content(void **state) {
    _cleanup_fd_ int fd = memory_file_open();
    char text[4 * MANY + 1];

    (void)state;
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(memory_file_append(fd, SPAN("ab")), 0);
        assert_int_equal(memory_file_append(fd, (struct span){NULL, 0}), 0);
        assert_int_equal(memory_file_append(fd, SPAN("cd")), 0);
    }
    assert_int_equal(memory_file_finish(fd), 0);
    assert_int_equal(read(fd, text, sizeof(text)), 4 * MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_memory_equal(text + 4 * i, "abcd", 4);
    }
}

static void test_finished(void **state) {
    _cleanup_fd_ int fd = memory_file_open();

    (void)state;
    assert_int_equal(memory_file_append(fd, SPAN("abc")), 0);
    assert_int_equal(memory_file_finish(fd), 0);
    assert_int_equal(memory_file_append(fd, SPAN("d")), -EPERM);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
}

static void test_errors(void **state) {
    (void)state;
    assert_int_equal(memory_file_append(-1, SPAN("a")), -EBADF);
    assert_int_equal(memory_file_finish(-1), -EBADF);
}

/* The caller keeps the descriptor, and may close it as soon as the program runs. */
static void test_input(void **state) {
    char cat[] = "cat";
    char *const argv[] = {cat, NULL};
    char *const envp[] = {NULL};
    int fd = memory_file_open();
    struct process process;
    char text[16] = "";
    size_t size = 0;
    int status;

    (void)state;
    assert_int_equal(memory_file_append(fd, SPAN("a b\nc\n")), 0);
    assert_int_equal(memory_file_finish(fd), 0);
    assert_int_equal(process_spawn(&process, "/bin/cat", argv, envp, fd, &PROCESS_UNLIMITED), 0);
    assert_int_equal(process.input, -1);
    assert_int_equal(close(fd), 0);
    assert_int_equal(fcntl(process.output, F_SETFL, 0), 0); /* wait for it */
    for (ssize_t n = 1; n > 0; size += (size_t)n) {
        n = read(process.output, text + size, sizeof(text) - size);
        assert_true(n >= 0);
    }
    assert_int_equal(size, strlen("a b\nc\n"));
    assert_memory_equal(text, "a b\nc\n", size);
    assert_int_equal(process_reap(&process, &status), 0);
    process_deinit(&process);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content),
        cmocka_unit_test(test_finished),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
