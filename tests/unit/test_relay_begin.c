/* SPDX-License-Identifier: Apache-2.0 */

/* A relay before it has a gate: the moment when its client gets one, and the first bytes for the gate. */

#include "unit_relay.h"

static void test_no_gate_yet(void **state) {
    struct relay relay;
    struct pollfd pollfds[2];
    int clients[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, clients), 0);
    relay_init(&relay, clients[0], NOW_MS);
    say(clients[1], "question");
    relay_await(&relay, pollfds);
    expect_int("there is no gate to wait for", pollfds[1].fd, -1);
    expect_int("the client is waited for", pollfds[0].events, POLLIN);
    expect_int("since", relay.since_ms, NOW_MS);
    relay_deinit(&relay);
    (void)close(clients[1]);
}

static void test_hear(void **state) {
    struct relay relay;
    struct pollfd pollfds[2] = {0};
    int clients[2];
    int gates[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, clients), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, gates), 0);
    relay_init(&relay, clients[0], 0);
    expect_true("it stays", relay_hear(&relay, 0, NOW_MS));
    expect_true("it stays", relay_hear(&relay, POLLIN, NOW_MS));
    expect_true("it has said nothing", !relay.wants_gate);
    say(clients[1], "question");
    expect_true("it stays", relay_hear(&relay, POLLIN, NOW_MS) && relay_hear(&relay, 0, NOW_MS + 1));
    expect_true("it has spoken", relay.wants_gate);
    expect_int("since then it waits", relay.since_ms, NOW_MS);
    relay_await(&relay, pollfds);
    expect_int("only its reset is looked for", pollfds[0].events, 0);
    relay_connect(&relay, gates[0], NOW_MS);
    pollfds[0].revents = pollfds[1].revents = 0;
    expect_true("it goes on", relay_pump(&relay, pollfds, NOW_MS));
    expect_heard("at once, and all of it", gates[1], "question");
    relay_deinit(&relay);
    (void)close(clients[1]);
    (void)close(gates[1]);
}

/* If a gate ends the connection before it has got anything, the relay may ask another time. */
static void test_begin_again(void **state) {
    struct relay relay;
    int clients[2];
    int gates[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, clients), 0);
    relay_init(&relay, clients[0], 0);
    say(clients[1], "question");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, gates), 0);
        (void)close(gates[1]);
        relay_connect(&relay, gates[0], NOW_MS);
        expect_true("it took nothing", !relay_begin(&relay));
        expect_int("there is no gate", relay.gate, -1);
    }
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, gates), 0);
    relay_connect(&relay, gates[0], NOW_MS);
    expect_true("it took something", relay_begin(&relay));
    expect_true("an answer is due", relay.has_asked);
    expect_heard("all of it", gates[1], "question");
    relay_deinit(&relay);
    (void)close(clients[1]);
    (void)close(gates[1]);
}

static void test_hear_silence(void **state) {
    struct relay relay;
    int clients[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, clients), 0);
    relay_init(&relay, clients[0], NOW_MS);
    expect_true("it may still speak", relay_hear(&relay, 0, NOW_MS + RELAY_SILENCE_MS - 1) && !relay.wants_gate);
    expect_true("the gate decides", relay_hear(&relay, 0, NOW_MS + RELAY_SILENCE_MS) && relay.wants_gate);
    expect_int("since then it waits", relay.since_ms, NOW_MS + RELAY_SILENCE_MS);
    relay_deinit(&relay);
    (void)close(clients[1]);
}

static void test_hear_end(void **state) {
    struct relay relay;
    int clients[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, clients), 0);
    relay_init(&relay, clients[0], 0);
    expect_true("a reset ends it", !relay_hear(&relay, POLLERR, NOW_MS));
    assert_int_equal(shutdown(clients[1], SHUT_WR), 0);
    expect_true("so does an end without a word", !relay_hear(&relay, POLLIN, NOW_MS) && !relay.wants_gate);
    relay_deinit(&relay);
    (void)close(clients[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_gate_yet),  cmocka_unit_test(test_hear),     cmocka_unit_test(test_begin_again),
        cmocka_unit_test(test_hear_silence), cmocka_unit_test(test_hear_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
