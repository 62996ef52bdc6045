/* SPDX-License-Identifier: Apache-2.0 */

/* TCP on the loopback, inherited sockets, and the names of clients. */

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "serve/listener.h"

/* The kernel's view of a socket beyond the loopback, which a test must not open. */
static const struct sockaddr *forged_address;

int getsockname(int fd, struct sockaddr *address, socklen_t *size) {
    if (forged_address) {
        *size = forged_address->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
        memcpy(address, forged_address, *size);
        return 0;
    }
    return (int)syscall(SYS_getsockname, fd, address, size);
}

static int open_with(struct listener *listener, const char *tcp, int fd, struct gate_error *error) {
    struct listener_settings settings = {.tcp_address = tcp, .inherited_fd = fd};

    *error = (struct gate_error){0};
    return listener_open(listener, &settings, error);
}

static int connect_to(const struct listener *listener) {
    struct sockaddr_storage storage;
    socklen_t size = sizeof(storage);
    int fd;

    assert_int_equal(getsockname(listener->fd, (struct sockaddr *)&storage, &size), 0);
    fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&storage, size), 0);
    return fd;
}

static bool waits_in_time(int fd) {
    struct pollfd poller = {.fd = fd, .events = POLLIN};

    return poll(&poller, 1, 10000) == 1;
}

static void check_listening(const char *name, const struct listener *listener, const char *prefix, const char *peer) {
    char shown[64] = "untouched";
    int fd = -2;
    int client;

    expect_true(name, strncmp(listener->address, prefix, strlen(prefix)) == 0);
    expect_true(name, fcntl(listener->fd, F_GETFL) & O_NONBLOCK);
    expect_true(name, fcntl(listener->fd, F_GETFD) & FD_CLOEXEC);
    expect_int(name, listener_accept(listener, &fd, shown, sizeof(shown)), -EAGAIN);
    client = connect_to(listener);
    expect_true(name, waits_in_time(listener->fd));
    expect_int(name, listener_accept(listener, &fd, shown, sizeof(shown)), 0);
    expect_text(name, shown, peer);
    expect_true(name, fcntl(fd, F_GETFL) & O_NONBLOCK);
    expect_true(name, fcntl(fd, F_GETFD) & FD_CLOEXEC);
    expect_int(name, write(fd, "x", 1), 1);
    expect_int(name, close(fd), 0);
    expect_int(name, read(client, shown, 2), 1);
    expect_int(name, close(client), 0);
}

static const struct {
    const char *text;
    const char *prefix;
    const char *peer;
} tcp_cases[] = {
    {"127.0.0.1:0", "http://127.0.0.1:", "127.0.0.1"},
    {"localhost:0", "http://127.0.0.1:", "127.0.0.1"},
    {"127.1.2.3:0", "http://127.1.2.3:", "127.0.0.1"}, /* the client's own address is the kernel's choice */
    {"[::1]:0", "http://[::1]:", "::1"},
};

static bool has_ipv6(void) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_bound = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

    if (fd >= 0) {
        assert_int_equal(close(fd), 0);
    }
    return is_bound;
}

/* The accepted socket does not delay small answers. */
static void check_no_delay(const char *name, const struct listener *listener) {
    int client = connect_to(listener);
    int no_delay = 0;
    char shown[64];
    int fd = -1;

    expect_true(name, waits_in_time(listener->fd));
    expect_int(name, listener_accept(listener, &fd, shown, sizeof(shown)), 0);
    expect_int(name, getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &(socklen_t){sizeof(no_delay)}), 0);
    expect_true(name, no_delay);
    expect_int(name, close(fd) | close(client), 0);
}

static void test_tcp(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(tcp_cases); i++) {
        const char *name = tcp_cases[i].text;
        struct sockaddr_storage storage;
        socklen_t size = sizeof(storage);
        struct listener listener;
        struct listener second;
        struct gate_error error;
        long port;

        if (name[0] == '[' && !has_ipv6()) {
            print_message("no IPv6 loopback here\n");
            continue;
        }
        expect_int(name, open_with(&listener, name, -1, &error), 0);
        port = strtol(strrchr(listener.address, ':') + 1, NULL, 10);
        expect_int(name, getsockname(listener.fd, (struct sockaddr *)&storage, &size), 0);
        expect_true(name, port > 0);
        expect_int(name, port, ntohs(((const struct sockaddr_in *)&storage)->sin_port)); /* IPv6 has it there too */
        check_listening(name, &listener, tcp_cases[i].prefix, tcp_cases[i].peer);
        check_no_delay(name, &listener);

        /* Once more on the same port. */
        expect_int(name, open_with(&second, listener.address + strlen("http://"), -1, &error), GATE_E_START);
        expect_true(name, error.code == GATE_E_START && strstr(error.message, "--listen=") != NULL);
        expect_int(name, second.fd, -1);
        listener_close(&listener);
        expect_int(name, listener.fd, -1);
        listener_close(&listener);
    }
}

static int bound(int family, int type, const void *address, socklen_t size, bool listens) {
    int fd = socket(family, type, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, address, size), 0);
    assert_true(!listens || listen(fd, 1) == 0);
    return fd;
}

/* The socket belongs to its maker. It still listens after the listener is closed. */
static void test_inherited(void **state) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int inherited = bound(AF_INET, SOCK_STREAM, &in, sizeof(in), true);
    struct listener listener;
    struct gate_error error;

    (void)state;
    for (int round = 0; round < 2; round++) {
        assert_int_equal(open_with(&listener, NULL, inherited, &error), 0);
        assert_int_not_equal(listener.fd, inherited);
        check_listening("inherited", &listener, "http://127.0.0.1:", "127.0.0.1");
        listener_close(&listener);
        assert_int_equal(listener.fd, -1);
        assert_true(fcntl(inherited, F_GETFD) >= 0);
    }
    assert_int_equal(close(inherited), 0);
}

static void test_inherited_refused(void **state) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un abstract = {.sun_family = AF_UNIX}; /* the kernel chooses a name: unix(7), autobind */
    int pair[2];
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(pipe(ends), 0);
    const struct {
        const char *name;
        int fd;
    } cases[] = {
        {"not open", 1000},
        {"far from open", INT32_MAX},
        {"a pipe", ends[0]},
        {"a file", open("/dev/null", O_RDONLY)},
        {"a connected socket", pair[0]},
        {"bound, but not listening", bound(AF_INET, SOCK_STREAM, &in, sizeof(in), false)},
        {"datagrams", bound(AF_INET, SOCK_DGRAM, &in, sizeof(in), false)},
        {"an abstract socket, which no mode protects",
         bound(AF_UNIX, SOCK_STREAM, &abstract, sizeof(abstract.sun_family), true)},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct listener listener = {.fd = 0};
        struct gate_error error;

        expect_int(cases[i].name, open_with(&listener, NULL, cases[i].fd, &error), GATE_E_USAGE);
        expect_int(cases[i].name, error.code, GATE_E_USAGE);
        expect_true(cases[i].name, strstr(error.message, "ListenStream=") != NULL);
        expect_int(cases[i].name, listener.fd, -1);
        if (i >= 2) {
            expect_int(cases[i].name, close(cases[i].fd), 0); /* it was left open */
        }
    }
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(close(pair[1]), 0);
}

/* An inherited socket on another address than the loopback is not served. */
static void test_beyond_loopback(void **state) {
    static const struct {
        const char *address;
        const char *shown; /* NULL when it is refused */
    } cases[] = {
        {"127.0.0.1", "http://127.0.0.1:4321"},
        {"127.9.8.7", "http://127.9.8.7:4321"},
        {"::1", "http://[::1]:4321"},
        {"0.0.0.0", NULL},
        {"126.0.0.1", NULL},
        {"128.0.0.1", NULL},
        {"192.0.2.1", NULL},
        {"1.0.0.127", NULL},
        {"::", NULL},
        {"2001:db8::1", NULL},
        {"fe80::1", NULL},
        {"::ffff:192.0.2.1", NULL},
    };
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int inherited = bound(AF_INET, SOCK_STREAM, &in, sizeof(in), true);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct sockaddr_in6 forged6 = {.sin6_family = AF_INET6, .sin6_port = htons(4321)};
        struct sockaddr_in forged = {.sin_family = AF_INET, .sin_port = htons(4321)};
        struct listener listener;
        struct gate_error error;
        int r;

        if (inet_pton(AF_INET6, cases[i].address, &forged6.sin6_addr) == 1) {
            forged_address = (const struct sockaddr *)&forged6;
        } else {
            expect_int(cases[i].address, inet_pton(AF_INET, cases[i].address, &forged.sin_addr), 1);
            forged_address = (const struct sockaddr *)&forged;
        }
        r = open_with(&listener, NULL, inherited, &error);
        forged_address = NULL;
        expect_int(cases[i].address, r, cases[i].shown ? 0 : GATE_E_USAGE);
        expect_int(cases[i].address, listener.fd >= 0, cases[i].shown != NULL);
        expect_text(cases[i].address, cases[i].shown ? listener.address : NULL, cases[i].shown);
        expect_true(cases[i].address, cases[i].shown || strstr(error.message, "loopback"));
        listener_close(&listener);
    }
    assert_int_equal(close(inherited), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_inherited),
        cmocka_unit_test(test_inherited_refused),
        cmocka_unit_test(test_beyond_loopback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
