/* SPDX-License-Identifier: Apache-2.0 */

/*
 * owner: finds the owner of a connection over the loopback, even if another user's connection has the same ports, in
 * tables of either byte order.
 */

#include "client/owner.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "unit.h"

enum {
    NOBODY = 65534,
};

static int listen_on_any_port(struct sockaddr_in *address) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    assert_int_equal(bind(listener, (struct sockaddr *)address, sizeof(*address)), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)address, &(socklen_t){sizeof(*address)}), 0);
    return listener;
}

/* @from: the address and port of the client's own end; a 0 is picked */
static int connect_from(const char *host, uint16_t *portp, const struct sockaddr_in *to) {
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(*portp)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(inet_pton(AF_INET, host, &from.sin_addr), 1);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)to, sizeof(*to)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&from, &(socklen_t){sizeof(from)}), 0);
    *portp = ntohs(from.sin_port);
    return fd;
}

static void test_own(void **state) {
    struct sockaddr_in address;
    _cleanup_fd_ int listener = listen_on_any_port(&address);
    uint16_t port = 0;
    _cleanup_fd_ int client = connect_from("127.0.0.1", &port, &address);
    _cleanup_fd_ int accepted = accept(listener, NULL, NULL);

    (void)state;
    expect_true("connected", client >= 0);
    expect_true("it is", owner_is_this_user(accepted, OWNER_TABLE));
    expect_true("no connection", !owner_is_this_user(listener, OWNER_TABLE));
    expect_true("no table", !owner_is_this_user(accepted, "/nonexistent/tcp"));
    expect_true("an empty one", !owner_is_this_user(accepted, "/dev/null"));
    expect_true("a folder", !owner_is_this_user(accepted, "/"));
}

/* Only root can become another user. */
static void test_of_another(void **state) {
    struct sockaddr_in address;
    _cleanup_fd_ int listener = listen_on_any_port(&address);
    _cleanup_fd_ int own = -1;
    _cleanup_fd_ int first = -1;
    _cleanup_fd_ int strange = -1;
    _cleanup_fd_ int second = -1;
    uint16_t port = 0;

    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    own = connect_from("127.0.0.1", &port, &address);
    first = accept(listener, NULL, NULL);
    assert_int_equal(seteuid(NOBODY), 0);
    strange = connect_from("127.0.0.2", &port, &address);
    assert_int_equal(seteuid(0), 0);
    second = accept(listener, NULL, NULL);
    expect_true("one's own", owner_is_this_user(first, OWNER_TABLE));
    expect_true("somebody else's, with the same port", !owner_is_this_user(second, OWNER_TABLE));
}

/* ---- lines ---- */

#define BEHIND_PORTS " 01 00000000:00000000 00:00000000 00000000  1000        0 4711 1 000000007d7f8f48 20 4 30 10 -1\n"
#define LINE(ends) "   3: " ends BEHIND_PORTS

enum {
    PEER_UID = 1000,
    PORT_THERE = 0xd431,
    PORT_HERE = 0x1f90,
};

static void end_of(struct sockaddr_in *end, const char *host, uint16_t port) {
    *end = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, host, &end->sin_addr), 1);
}

/* From 127.0.0.2:54321 to 127.0.0.1:8080, as kernels of little-endian and big-endian machines print it. */
static void test_lines(void **state) {
    static const struct {
        const char *name;
        const char *line;
        bool is_it;
    } cases[] = {
        {"little-endian", LINE("0200007F:D431 0100007F:1F90"), true},
        {"big-endian", LINE("7F000002:D431 7F000001:1F90"), true},
        {"one address in each order", LINE("0200007F:D431 7F000001:1F90"), false},
        {"one address in each other order", LINE("7F000002:D431 0100007F:1F90"), false},
        {"seen from here, little-endian", LINE("0100007F:1F90 0200007F:D431"), false},
        {"seen from here, big-endian", LINE("7F000001:1F90 7F000002:D431"), false},
        {"from another address", LINE("0300007F:D431 0100007F:1F90"), false},
        {"from another port", LINE("0200007F:D432 0100007F:1F90"), false},
        {"from a port in the other order", LINE("0200007F:31D4 0100007F:1F90"), false},
        {"to another address", LINE("0200007F:D431 0300007F:1F90"), false},
        {"to another port", LINE("0200007F:D431 0100007F:1F91"), false},
        {"a closed socket",
         "   3: 0200007F:D431 0100007F:1F90 06 00000000:00000000 03:00000691 00000000     0        0 0 3 0000000051\n",
         false},
        {"an address that is too long", LINE("10200007F:D431 0100007F:1F90"), false},
        {"the headline",
         "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n", false},
        {"nothing", "", false},
    };
    struct sockaddr_in there;
    struct sockaddr_in here;

    (void)state;
    end_of(&there, "127.0.0.2", PORT_THERE);
    end_of(&here, "127.0.0.1", PORT_HERE);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uid_t uid = 0;

        expect_int(cases[i].name, owner_parse_line(cases[i].line, &there, &here, &uid), cases[i].is_it);
        expect_int(cases[i].name, uid, cases[i].is_it ? PEER_UID : 0);
    }
}

static void test_lines_that_are_cut(void **state) {
    static const char line[] = LINE("0200007F:D431 0100007F:1F90");
    const size_t up_to_inode = (size_t)(strstr(line, " 4711") - line) + 1;
    struct sockaddr_in there;
    struct sockaddr_in here;

    (void)state;
    end_of(&there, "127.0.0.2", PORT_THERE);
    end_of(&here, "127.0.0.1", PORT_HERE);
    for (size_t size = 0; size < sizeof(line) - 1; size++) {
        char *copy = unit_copy(line, size + 1);
        uid_t uid;

        copy[size] = '\0';
        expect_int(copy, owner_parse_line(copy, &there, &here, &uid), size > up_to_inode);
        free(copy);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own),
        cmocka_unit_test(test_of_another),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_lines_that_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
