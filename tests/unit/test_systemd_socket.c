/* SPDX-License-Identifier: Apache-2.0 */

/* Messages to systemd: the values of NOTIFY_SOCKET, and sockets that nobody reads, which cost nothing. */

#include "unit_folder.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cli/systemd_socket.h"

/* A receiver at @path, or at the abstract name behind an '@'. */
static int receive_at(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0 && size <= sizeof(address.sun_path));
    memcpy(address.sun_path, path, size);
    if (path[0] == '@') {
        address.sun_path[0] = '\0';
    }
    assert_int_equal(bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)),
                     0);
    return fd;
}

static void expect_word(const char *path) {
    char word[64];
    int receiver = receive_at(path);
    int fd;

    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
    fd = systemd_socket_open();
    expect_true(path, fd >= 0);
    expect_true(path, fcntl(fd, F_GETFL) & O_NONBLOCK);
    expect_true(path, fcntl(fd, F_GETFD) & FD_CLOEXEC);
    expect_int(path, systemd_socket_send(fd, "READY=1"), 0);
    expect_int(path, recv(receiver, word, sizeof(word), 0), 7);
    expect_true(path, memcmp(word, "READY=1", 7) == 0);
    expect_int(path, systemd_socket_send(fd, "STOPPING=1"), 0);
    expect_int(path, recv(receiver, word, sizeof(word), 0), 10);
    expect_true(path, memcmp(word, "STOPPING=1", 10) == 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(close(receiver), 0);
}

static void test_path(void **state) {
    char path[PATH_MAX + 8];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/notify", folder.path);
    expect_word(path);
}

/* The longest path that still has a terminator. */
static void test_longest_path(void **state) {
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    size_t size = strlen(folder.path);

    (void)state;
    memset(path, 'x', sizeof(path));
    memcpy(path, folder.path, size);
    path[size] = '/';
    path[sizeof(path) - 1] = '\0';
    expect_word(path);
}

static void test_abstract(void **state) {
    char name[64];

    (void)state;
    (void)snprintf(name, sizeof(name), "@git-gate-test-%d", (int)getpid());
    expect_word(name);
}

static void test_absent(void **state) {
    (void)state;
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    assert_int_equal(systemd_socket_open(), -1);
    assert_int_equal(systemd_socket_send(-1, "READY=1"), 0);
}

static void test_no_socket(void **state) {
    char long_path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
    const char *const values[] = {
        "", "/", "@", "relative", "vsock:2:1234", long_path, "/nothing/there", "@git-gate-test-nobody", "/dev/null"};

    (void)state;
    memset(long_path, 'x', sizeof(long_path));
    long_path[0] = '/';
    long_path[sizeof(long_path) - 1] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        int free_before = dup(STDERR_FILENO);

        assert_int_equal(close(free_before), 0);
        assert_int_equal(setenv("NOTIFY_SOCKET", values[i], 1), 0);
        expect_int(values[i], systemd_socket_open(), -1);
        expect_int(values[i], dup(STDERR_FILENO), free_before); /* nothing was left open */
        assert_int_equal(close(free_before), 0);
    }
}

/* The reader existed at the start. If it does not read, or has gone, there is neither a signal nor a wait. */
static void test_nobody_listens(void **state) {
    char path[PATH_MAX + 8];
    char word[64];
    int n_sent;
    int receiver;
    int fd;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/notify", folder.path);
    receiver = receive_at(path);
    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
    fd = systemd_socket_open();
    assert_true(fd >= 0);
    (void)alarm(20);
    for (n_sent = 0; systemd_socket_send(fd, "WATCHDOG=1") == 0; n_sent++) {
        assert_true(n_sent < 10000);
    }
    assert_true(n_sent > 0);
    assert_int_equal(systemd_socket_send(fd, "READY=1"), -EAGAIN);
    assert_int_equal(recv(receiver, word, sizeof(word), 0), 10);
    assert_int_equal(systemd_socket_send(fd, "READY=1"), 0); /* there is room again */
    assert_int_equal(close(receiver), 0);
    assert_int_equal(systemd_socket_send(fd, "READY=1"), 0);
    (void)alarm(0);
    assert_int_equal(close(fd), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_path),          IN_FOLDER(test_longest_path),     cmocka_unit_test(test_abstract),
        cmocka_unit_test(test_absent), cmocka_unit_test(test_no_socket), IN_FOLDER(test_nobody_listens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
