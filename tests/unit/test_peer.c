/* SPDX-License-Identifier: Apache-2.0 */

/* peer: whose a connection over the loopback is, also when another user has one with the same ports. */

#include "client/peer.h"

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

/* @from: the address and port of the client's own end, in which what is 0 is picked */
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
    expect_true("it is", peer_is_own(accepted));
    expect_true("no connection", !peer_is_own(listener));
}

/* Only root can become somebody else. */
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
    expect_true("one's own", peer_is_own(first));
    expect_true("somebody else's, with the same port", !peer_is_own(second));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own),
        cmocka_unit_test(test_of_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
