/* SPDX-License-Identifier: Apache-2.0 */

/* A connection over a pair of sockets: its pump, its reactions to states and time, and its end. */

#include "unit_gate.h"

#include <errno.h>
#include <sys/socket.h>

#include "serve/connection.h"
#include "serve/deadline.h"
#include "unit_clock.h"

static struct connection *connection; /* NULL when it has ended */
static int client_fd;
static unsigned n_changes;

static void on_change(void *userdata) {
    assert_ptr_equal(userdata, &connection);
    n_changes++;
}

static void on_end(struct connection *ended, void *userdata) {
    assert_ptr_equal(userdata, &connection);
    assert_ptr_equal(ended, connection);
    connection = NULL;
}

static const struct connection_owner owner = {on_change, on_end, &connection};

static void begin(void) {
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    client_fd = fds[0];
    n_changes = 0;
    assert_int_equal(connection_new(&connection, &site.gate, &owner, fds[1], "unix"), 0);
    assert_int_equal(n_changes, 1);
}

static void end(void) {
    if (connection) {
        connection_free(connection);
    }
    assert_null(connection);
    assert_int_equal(close(client_fd), 0);
}

/* Runs rounds until nothing more happens at this time. */
static void say(const char *text) {
    assert_int_equal(write(client_fd, text, strlen(text)), strlen(text));
    site_settle();
}

/* Reads the bytes that the gate has sent so far. @is_endp: whether it has shut its side */
static const char *hear(bool *is_endp) {
    static char text[GATE_WIRE_BYTES];
    size_t size = 0;
    ssize_t n;

    while ((n = read(client_fd, text + size, sizeof(text) - 1 - size)) > 0) {
        size += (size_t)n;
    }
    assert_true(n == 0 || errno == EAGAIN || errno == ECONNRESET);
    *is_endp = n == 0;
    text[size] = '\0';
    return text;
}

static void expect_heard(const char *beginning, bool is_end) {
    bool has_ended;
    const char *text = hear(&has_ended);

    if (strncmp(text, beginning, strlen(beginning)) != 0) {
        fail_msg("'%s' does not begin with '%s'", text, beginning);
    }
    expect_int(beginning, has_ended, is_end);
}

static void advance(uint64_t ms) {
    clock_advance_ms(ms);
    (void)loop_round(&site.loop, 0);
    site_settle();
}

static void test_request(void **state) {
    (void)state;
    begin();
    say("GET / HTTP/1.1\r\n");
    expect_heard("", false);
    say("Host: x\r\n\r\n");
    expect_heard("HTTP/1.1 404 ", false);
    say(GET_REFS "\r\n");
    expect_heard("HTTP/1.1 401 ", false);
    expect_logged("states", "connection client=unix state=head\n");
    expect_logged("states", "connection client=unix state=replying id=1\n");
    expect_logged("states", "connection client=unix state=idle\n");
    expect_logged("states", "connection client=unix state=replying id=2\n");
    end();
}

/* Bytes that came before the connection was made cause no edge of their own. */
static void test_begin(void **state) {
    int fds[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    client_fd = fds[0];
    assert_int_equal(write(client_fd, GET_REFS "\r\n", sizeof(GET_REFS "\r\n") - 1), sizeof(GET_REFS "\r\n") - 1);
    assert_int_equal(connection_new(&connection, &site.gate, &owner, fds[1], "unix"), 0);
    connection_begin(connection);
    expect_heard("HTTP/1.1 401 ", false);
    end();
}

static void test_client_goes(void **state) {
    (void)state;
    begin();
    say("GET ");
    assert_int_equal(close(client_fd), 0);
    site_settle();
    assert_null(connection);
    expect_logged("log", "connection client=unix state=closed id=1\n");
    expect_logged("log", "reason=\"the client went away\"");
    client_fd = dup(STDERR_FILENO);
    end();
}

static void test_client_shuts_its_side(void **state) {
    (void)state;
    begin();
    say(GET_REFS "\r\n");
    assert_int_equal(shutdown(client_fd, SHUT_WR), 0);
    site_settle();
    expect_heard("HTTP/1.1 401 ", true);
    assert_null(connection);
    end();
}

/* After the reply the gate shuts its side. It drops further bytes until the client has gone or its time is up. */
static void test_lingering(void **state) {
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        begin();
        say("GET / HTTP/1.1\n");
        expect_heard("HTTP/1.1 400 ", true);
        say("more of it");
        assert_non_null(connection);
        assert_int_equal(connection->conversation.state, CONVERSATION_LINGERING);
        if (i == 0) {
            assert_int_equal(shutdown(client_fd, SHUT_WR), 0);
            site_settle();
        } else {
            advance(DEADLINE_LINGER_TIMEOUT_S * 1000 - 1);
            assert_non_null(connection);
            advance(1);
        }
        assert_null(connection);
        end();
    }
}

/* Progress within a head gives no more time. A whole request does. */
static void test_time(void **state) {
    (void)state;
    begin();
    advance(9000);
    say("GET ");
    advance(1000);
    expect_heard("HTTP/1.1 408 ", true);
    end();

    begin();
    advance(9000);
    say(GET_REFS "\r\n");
    expect_heard("HTTP/1.1 401 ", false);
    advance(74999);
    assert_non_null(connection);
    advance(1);
    assert_null(connection);
    end();
}

/* After a suspension the gate first reads bytes that came in time, and then looks at the time. */
static void test_late_timer(void **state) {
    (void)state;
    begin();
    clock_advance_ms(60000);
    say(GET_REFS "\r\n");
    expect_heard("HTTP/1.1 401 ", false);
    end();
}

/* While nothing takes the bytes, the connection reads no more than the next step needs. */
static void test_bounded_input(void **state) {
    char bytes[CONVERSATION_AHEAD_BYTES];
    size_t n_sent = 0;
    ssize_t n;

    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    turns_init(&site.gate.turns, 0, 8, site_on_process_end, NULL); /* all wait */
    begin();
    say(POST_PUSH GOOD_TOKEN "Content-Length: 100000000\r\n\r\n");
    while ((n = write(client_fd, bytes, sizeof(bytes))) > 0) {
        n_sent += (size_t)n;
        site_settle();
    }
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(connection->conversation.state, CONVERSATION_QUEUED);
    assert_true(buffer_size(&connection->conversation.input) >= CONVERSATION_AHEAD_BYTES);
    assert_true(buffer_size(&connection->conversation.input) <= GATE_LARGE_BYTES);
    assert_true(n_sent > GATE_LARGE_BYTES);
    end();
}

/* Connections that wait for a process do not give way, so they report nothing. */
static void test_changes(void **state) {
    (void)state;
    turns_init(&site.gate.turns, 0, 8, site_on_process_end, NULL);
    begin();
    say(GET_REFS "\r\n");
    assert_int_equal(n_changes, 3); /* replying, idle */
    say(GET_REFS GOOD_TOKEN "\r\n");
    assert_int_equal(connection->conversation.state, CONVERSATION_QUEUED);
    assert_int_equal(n_changes, 4); /* head */
    end();
}

/* Once for each time that a client has been heard, whatever it goes on sending. */
static void test_hear_out(void **state) {
    (void)state;
    begin();
    assert_false(connection_hear_out(connection));
    assert_int_equal(write(client_fd, "GET ", 4), 4);
    assert_false(connection_hear_out(connection));
    site_settle();
    clock_advance_ms(1);
    say("/ HTTP/1.1\r\nHost: x\r\n\r\n"); /* the first response */
    assert_int_equal(write(client_fd, "GET ", 4), 4);
    assert_true(connection_hear_out(connection));
    assert_int_equal(connection->conversation.state, CONVERSATION_HEAD);
    assert_int_equal(write(client_fd, "/", 1), 1);
    assert_false(connection_hear_out(connection));
    end();
}

static void test_drain(void **state) {
    (void)state;
    begin();
    site.gate.stage = GATE_DRAINING;
    connection_drain(connection);
    clock_advance_ms(DEADLINE_DRAIN_GRACE_MS - 1);
    site_settle();
    assert_non_null(connection);
    clock_advance_ms(1);
    site_settle();
    assert_null(connection);
    end();

    /* a request in time, and one that is there when the time is up */
    for (unsigned i = 0; i < 2; i++) {
        begin();
        site.gate.stage = GATE_DRAINING;
        connection_drain(connection);
        clock_advance_ms(DEADLINE_DRAIN_GRACE_MS * i);
        say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        expect_heard("HTTP/1.1 404 ", true);
        assert_null(connection);
        end();
    }
    site.gate.stage = GATE_SERVING;

    begin();
    say("GET ");
    connection_drain(connection);
    expect_heard("HTTP/1.1 503 ", true);
    end();
}

static void test_end_with_a_reason(void **state) {
    (void)state;
    begin();
    say("GET ");
    connection_end(connection, "the reason");
    assert_null(connection);
    expect_heard("", true);
    expect_logged("log", "reason=\"the reason\"");
    end();
}

/* Output of a process makes the connection pump. */
static void test_exchange(void **state) {
    (void)state;
    site_backend("printf 'Content-Type: text/plain\\r\\n\\r\\n'; printf %0100000d 7");
    begin();
    say(GET_REFS GOOD_TOKEN "Connection: close\r\n\r\n");
    site_settle();
    clock_advance_ms(EXCHANGE_LISTEN_US / 1000); /* a pipe does not hold it all */
    while (connection) {
        bool is_end;

        SITE_AWAIT("output", !connection || poll(&(struct pollfd){.fd = client_fd, .events = POLLIN}, 1, 0) == 1);
        (void)hear(&is_end);
    }
    expect_logged("log", "status=200 bytes_in=");
    assert_int_equal(site.gate.turns.n_running, 0);
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        AT_SITE(test_request),   AT_SITE(test_begin),    AT_SITE(test_client_goes), AT_SITE(test_client_shuts_its_side),
        AT_SITE(test_lingering), AT_SITE(test_time),     AT_SITE(test_late_timer),  AT_SITE(test_bounded_input),
        AT_SITE(test_changes),   AT_SITE(test_hear_out), AT_SITE(test_drain),       AT_SITE(test_end_with_a_reason),
        AT_SITE(test_exchange),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
