/* SPDX-License-Identifier: Apache-2.0 */

/* crowd: accepts clients, makes one give way when all connections are taken, tells the server, and gives memory back. */

#include "unit_gate.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "serve/crowd.h"
#include "serve/deadline.h"
#include "unit_clock.h"

static struct crowd crowd;
static unsigned n_ends;
static unsigned n_shut;

static void on_end(void *userdata) {
    assert_ptr_equal(userdata, &site);
    n_ends++;
}

static void on_shut(void *userdata) {
    assert_ptr_equal(userdata, &site);
    n_shut++;
}

static void begin(uint64_t max_connections, uint64_t max_running) {
    n_ends = n_shut = 0;
    site.settings.max_connections = max_connections;
    turns_init(&site.gate.turns, max_running, max_connections, site_on_process_end, NULL);
    assert_int_equal(listener_open(&site.gate.listener, &site.settings.listener, NULL), 0);
    crowd_init(&crowd, &site.gate, on_end, on_shut, &site);
    assert_int_equal(crowd_start(&crowd, NULL), 0);
}

static void end(void) {
    crowd_deinit(&crowd);
    assert_int_equal(crowd.n_connections, 0);
    listener_close(&site.gate.listener);
}

/* Runs everything that can happen without an advance of time. A timer needs a round of its own. */
static void advance(uint64_t ms) {
    clock_advance_ms(ms);
    (void)loop_round(&site.loop, 0);
    site_settle();
}

static int dial(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "sock"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* A client whose connection is accepted, and that sends something, or nothing. */
static int come(const char *text) {
    int fd = dial();

    site_settle();
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    site_settle();
    return fd;
}

static bool is_open(int fd) {
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK) < 0 ? errno == EAGAIN : recv(fd, &byte, 1, MSG_PEEK) == 1;
}

static void leave(int fd) {
    assert_int_equal(close(fd), 0);
    site_settle();
}

/* Most clients have proved nothing. After 10 ms without a word, the first of them goes. */
static void test_unproven_give_way(void **state) {
    int first;
    int second;
    int third;

    (void)state;
    begin(2, 1);
    first = come("");
    clock_advance_ms(1);
    second = come("");
    assert_int_equal(crowd.n_connections, 2);
    third = dial();
    site_settle();
    advance(CROWD_SHORT_GRACE_MS - 2);
    assert_true(is_open(first) && is_open(second));
    assert_int_equal(n_ends, 0);
    advance(CROWD_SHORT_GRACE_MS);
    assert_false(is_open(first));
    assert_true(is_open(second) && is_open(third));
    assert_int_equal(crowd.n_connections, 2);
    assert_int_equal(n_ends, 1);
    expect_logged("log", "all connections are taken, so inactive ones are closed for new clients");
    leave(first);
    leave(second);
    leave(third);
    assert_int_equal(crowd.n_connections, 0);
    end();
}

/* A served client goes after an unserved one, even if it came first, and after half a second at the earliest. */
static void test_proven_stay_longer(void **state) {
    int proven;
    int unproven;
    int third;

    (void)state;
    site_backend("printf 'Content-Type: text/plain\\r\\n\\r\\n'");
    begin(2, 1);
    proven = come(GET_REFS GOOD_TOKEN "\r\n");
    SITE_AWAIT("served", LIST_FIRST(&crowd.connections)->conversation.state == CONVERSATION_IDLE);
    clock_advance_ms(1);
    unproven = come("");
    third = dial();
    site_settle();
    for (unsigned ms = 0; ms < CROWD_GRACE_MS - CROWD_SHORT_GRACE_MS; ms += CROWD_SHORT_GRACE_MS) {
        advance(CROWD_SHORT_GRACE_MS);
        assert_true(is_open(unproven));
    }
    advance(CROWD_SHORT_GRACE_MS);
    advance(CROWD_SHORT_GRACE_MS);
    assert_false(is_open(unproven));
    assert_true(is_open(proven) && is_open(third));
    leave(proven);
    leave(unproven);
    leave(third);
    end();
}

/* A request that waits for a process stays. Others are accepted only when a connection ends. */
static void test_queued_stay(void **state) {
    int first;
    int second;
    int third;

    (void)state;
    begin(2, 0);
    first = come(GET_REFS GOOD_TOKEN "\r\n");
    clock_advance_ms(1);
    second = come(POST_PUSH GOOD_TOKEN "Content-Length: 4\r\n\r\n0000");
    assert_int_equal(site.gate.turns.n_waiting, 2);
    third = dial();
    site_settle();
    advance(1000);
    assert_true(is_open(first) && is_open(second));
    assert_int_equal(crowd.n_connections, 2);
    leave(second);
    assert_int_equal(crowd.n_connections, 2); /* the third one is in */
    assert_int_equal(n_ends, 1);
    leave(first);
    leave(third);
    end();
}

/* Before a client gives way, its bytes are read. A request among them is answered. */
static void test_hear_out(void **state) {
    int first;
    int second;

    (void)state;
    begin(1, 1);
    first = come("");
    clock_advance_ms(CROWD_SHORT_GRACE_MS);
    second = dial(); /* the gate hears of this one first */
    assert_int_equal(write(first, "GET ", 4), 4);
    (void)loop_round(&site.loop, 0);
    assert_true(is_open(first));
    advance(CROWD_SHORT_GRACE_MS);
    assert_false(is_open(first)); /* it has had its say */
    leave(first);
    leave(second);
    end();
}

static int lowest_free(void) {
    int fd = dup(STDERR_FILENO);

    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    return fd;
}

static void test_out_of_descriptors(void **state) {
    struct rlimit before;
    struct rlimit few;
    int fd;

    (void)state;
    begin(8, 1);
    fd = dial();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = (struct rlimit){(rlim_t)lowest_free(), before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    site_settle();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(crowd.n_connections, 0);
    expect_logged("log", "a client cannot be accepted, pausing");
    advance(CROWD_PAUSE_MS - 1);
    assert_int_equal(crowd.n_connections, 0);
    advance(1);
    assert_int_equal(crowd.n_connections, 1);
    leave(fd);
    end();
}

static void test_shut_from_outside(void **state) {
    (void)state;
    begin(2, 1);
    assert_int_equal(shutdown(site.gate.listener.fd, SHUT_RDWR), 0);
    (void)loop_round(&site.loop, 0);
    assert_true(n_shut > 0);
    end();
}

static void test_stop(void **state) {
    int fd;

    (void)state;
    begin(2, 1);
    crowd_stop(&crowd);
    fd = dial();
    site_settle();
    assert_int_equal(crowd.n_connections, 0);
    leave(fd);
    end();
}

/* Connections without a request end. One in the middle of a body does not. */
static void test_drain_and_end(void **state) {
    int idle;
    int busy;

    (void)state;
    begin(2, 1);
    idle = come("");
    busy = come(POST_PUSH GOOD_TOKEN "Content-Length: 4\r\n\r\n00");
    site.gate.stage = GATE_DRAINING;
    crowd_drain(&crowd);
    clock_advance_ms(DEADLINE_DRAIN_GRACE_MS);
    site_settle();
    site.gate.stage = GATE_SERVING;
    assert_false(is_open(idle));
    assert_true(is_open(busy));
    assert_int_equal(n_ends, 1);
    crowd_end(&crowd, "the reason");
    assert_false(is_open(busy));
    assert_int_equal(n_ends, 2);
    expect_logged("log", "reason=\"the reason\"");
    leave(idle);
    leave(busy);
    end();
}

/* The spare buffers of the last request go a while after the first of a few connections has ended, not at once. */
static void test_memory_is_returned(void **state) {
    struct gate *gate = &site.gate;
    int first;
    int second;

    (void)state;
    begin(4, 1);
    first = come("GET / HTTP/1.1\r\nHost: gate\r\n\r\n");
    second = come("GET / HTTP/1.1\r\n");
    leave(first);
    advance(500);
    leave(second);
    assert_true(gate->large_pool.spare && gate->wire_pool.spare);
    advance(CROWD_TRIM_DELAY_S * 1000 - 501);
    assert_true(gate->large_pool.spare && gate->wire_pool.spare);
    advance(1);
    assert_true(!gate->large_pool.spare && !gate->wire_pool.spare);
    end();
}

/* After many connections, memory goes back as soon as half of them have ended. */
static void test_memory_of_many(void **state) {
    int fds[CROWD_MANY];

    (void)state;
    begin(CROWD_MANY, 1);
    for (unsigned i = 0; i < CROWD_MANY; i++) {
        fds[i] = come("GET / HTTP/1.1\r\n");
    }
    for (unsigned i = 0; i < CROWD_MANY; i++) {
        leave(fds[i]);
        assert_int_equal(site.gate.large_pool.spare != NULL, i != CROWD_MANY / 2 - 1);
    }
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        AT_SITE(test_unproven_give_way),
        AT_SITE(test_proven_stay_longer),
        AT_SITE(test_queued_stay),
        AT_SITE(test_hear_out),
        AT_SITE(test_out_of_descriptors),
        AT_SITE(test_shut_from_outside),
        AT_SITE(test_stop),
        AT_SITE(test_drain_and_end),
        AT_SITE(test_memory_is_returned),
        AT_SITE(test_memory_of_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
