/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What each state of a conversation does with its input, fed by hand, without a socket. There is no process except where a
 * test says so. All places for processes are taken, so an accepted request waits in the queue.
 */

#include "unit_gate.h"

#include "serve/conversation.h"

#define PUSH_OF(size) POST_PUSH GOOD_TOKEN "Content-Length: " #size "\r\n\r\n"

static struct conversation conversation;
static unsigned n_events;

static void on_event(void *userdata) {
    assert_ptr_equal(userdata, &conversation);
    n_events++;
}

static void begin(void) {
    n_events = 0;
    site.settings.max_negotiation_bytes = 8;
    turns_init(&site.gate.turns, 1, 8, site_on_process_end, NULL);
    turns_started(&site.gate.turns);
    conversation_init(&conversation, &site.gate, "unix", on_event, &conversation);
}

static void end(void) {
    conversation_deinit(&conversation);
    site.gate.turns.n_running = 0;
}

/* Acts as connection.c does, without a socket. */
static void settle(void) {
    unsigned n = 0;

    while (conversation_step(&conversation)) {
        assert_true(n++ < 100);
    }
}

static void say(const char *text) {
    assert_int_equal(buffer_append(&conversation.input, text, strlen(text)), 0);
    settle();
}

/* Takes all bytes that go out. */
static const char *hear(void) {
    static char text[GATE_WIRE_BYTES + 1];
    struct span parts[CONVERSATION_PARTS];

    conversation_outgoing(&conversation, parts);
    assert_true(parts[0].size < sizeof(text) && parts[1].size == 0);
    memcpy(text, parts[0].data, parts[0].size);
    text[parts[0].size] = '\0';
    conversation_sent(&conversation, parts[0].size);
    settle();
    return text;
}

static void expect_begins(const char *name, const char *text, const char *beginning) {
    if (strncmp(text, beginning, strlen(beginning)) != 0) {
        fail_msg("%s: '%s' does not begin with '%s'", name, text, beginning);
    }
}

/*
 * @said: by the client, which then shuts its sending side if @is_shut
 * @state, @heard: the state after that, and the beginning of the answer
 * @after: the state after the answer has gone out
 */
static const struct {
    const char *name;
    const char *said;
    bool is_shut;
    enum conversation_state state;
    const char *heard;
    enum conversation_state after;
} cases[] = {
    {"nothing", "", false, CONVERSATION_HEAD, "", CONVERSATION_HEAD},
    {"nothing, and gone", "", true, CONVERSATION_CLOSED, "", CONVERSATION_CLOSED},
    {"half a head", "GET /r.git/HEAD HT", false, CONVERSATION_HEAD, "", CONVERSATION_HEAD},
    {"a head that was cut short", "GET /r.git/HEAD HT", true, CONVERSATION_REPLYING, "HTTP/1.1 400 ",
     CONVERSATION_CLOSED},
    {"no HTTP", "GET / HTTP/1.1\n", false, CONVERSATION_REPLYING, "HTTP/1.1 400 ", CONVERSATION_LINGERING},
    {"no route", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", false, CONVERSATION_REPLYING, "HTTP/1.1 404 ", CONVERSATION_IDLE},
    {"no credentials", GET_REFS "\r\n", false, CONVERSATION_REPLYING, "HTTP/1.1 401 ", CONVERSATION_IDLE},
    {"no credentials, and a body that is not read", POST_FETCH "Content-Length: 4\r\n\r\n0000", false,
     CONVERSATION_REPLYING, "HTTP/1.1 401 ", CONVERSATION_LINGERING},
    {"the last request", GET_REFS "Connection: close\r\n\r\n", false, CONVERSATION_REPLYING, "HTTP/1.1 401 ",
     CONVERSATION_CLOSED},
    {"bytes behind the last request", GET_REFS "Connection: close\r\n\r\nx", false, CONVERSATION_REPLYING,
     "HTTP/1.1 401 ", CONVERSATION_LINGERING},
    {"HTTP/1.0", "GET /r.git/HEAD HTTP/1.0\r\n\r\n", false, CONVERSATION_REPLYING, "HTTP/1.1 401 ",
     CONVERSATION_CLOSED},
    {"all checks passed", GET_REFS GOOD_TOKEN "\r\n", false, CONVERSATION_QUEUED, "", CONVERSATION_QUEUED},
    {"all checks passed, and gone", GET_REFS GOOD_TOKEN "\r\n", true, CONVERSATION_QUEUED, "", CONVERSATION_QUEUED},
    {"half a body", POST_FETCH GOOD_TOKEN "Content-Length: 4\r\n\r\n00", false, CONVERSATION_BODY, "",
     CONVERSATION_BODY},
    {"half a body, and gone", POST_FETCH GOOD_TOKEN "Content-Length: 4\r\n\r\n00", true, CONVERSATION_REPLYING,
     "HTTP/1.1 400 ", CONVERSATION_CLOSED},
    {"a body", POST_FETCH GOOD_TOKEN "Content-Length: 4\r\n\r\n0000", false, CONVERSATION_QUEUED, "",
     CONVERSATION_QUEUED},
    {"a body that is no chunk", POST_FETCH GOOD_TOKEN "Transfer-Encoding: chunked\r\n\r\nx", false,
     CONVERSATION_REPLYING, "HTTP/1.1 400 ", CONVERSATION_LINGERING},
    {"a body that is no gzip", POST_FETCH GOOD_TOKEN "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n0000", false,
     CONVERSATION_REPLYING, "HTTP/1.1 400 ", CONVERSATION_LINGERING},
    {"a body that says it is too large", POST_FETCH GOOD_TOKEN "Content-Length: 9\r\n\r\n", false,
     CONVERSATION_REPLYING, "HTTP/1.1 413 ", CONVERSATION_LINGERING},
    {"a body that is too large", POST_FETCH GOOD_TOKEN "Transfer-Encoding: chunked\r\n\r\n9\r\n123456789", false,
     CONVERSATION_REPLYING, "HTTP/1.1 413 ", CONVERSATION_LINGERING},
    {"a client that waits for 100", POST_FETCH GOOD_TOKEN "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n", false,
     CONVERSATION_BODY, "HTTP/1.1 100 ", CONVERSATION_BODY},
};

/* The input comes whole, and byte by byte. The cut makes no difference. */
static void test_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
        const char *name = cases[i / 2].name;
        const char *said = cases[i / 2].said;

        begin();
        if (i % 2 == 0) {
            say(said);
        }
        for (size_t at = 0; i % 2 == 1 && said[at]; at++) {
            say((const char[]){said[at], '\0'});
        }
        conversation.end_of_input = cases[i / 2].is_shut;
        settle();
        expect_int(name, conversation.state, cases[i / 2].state);
        expect_begins(name, hear(), cases[i / 2].heard);
        expect_int(name, conversation.state, cases[i / 2].after);
        expect_int(name, site.gate.turns.n_waiting, conversation.state == CONVERSATION_QUEUED);
        expect_true(name, n_events == 0);
        end();
    }
}

/* The second request waits until the first response is out, and gets its own verdict. */
static void test_one_behind_the_other(void **state) {
    (void)state;
    begin();
    say("GET / HTTP/1.1\r\nHost: x\r\n\r\n" GET_REFS "\r\n" GET_REFS GOOD_TOKEN "\r\n");
    assert_int_equal(conversation.state, CONVERSATION_REPLYING);
    assert_false(conversation.is_proven);
    expect_begins("first", hear(), "HTTP/1.1 404 ");
    expect_begins("second", hear(), "HTTP/1.1 401 ");
    assert_int_equal(conversation.state, CONVERSATION_QUEUED);
    assert_int_equal(conversation.request.id, 3);
    assert_true(conversation.is_proven);
    expect_logged("first", " warning request id=1 client=unix method=GET target=/ status=404 ");
    expect_logged("second", " debug request id=2 client=unix method=GET route=info/refs repository=r ");
    end();
    expect_logged("third", "id=3 client=unix method=GET route=info/refs repository=r service=git-upload-pack ");
    expect_logged("third", "reason=\"the client went away\"");
}

/* Refused requests do not renew a client's time. Only the first response counts. */
static void test_heard(void **state) {
    (void)state;
    begin();
    assert_int_equal(conversation.heard_us, site.loop.now_us);
    site.loop.now_us += US_PER_S;
    say(GET_REFS "\r\n");
    (void)hear();
    assert_int_equal(conversation.heard_us, site.loop.now_us);
    site.loop.now_us += US_PER_S;
    say(GET_REFS "\r\n");
    (void)hear();
    assert_int_equal(conversation.heard_us, site.loop.now_us - US_PER_S);
    end();
}

static const struct {
    const char *name;
    const char *said;
    bool is_overdue;
    const char *heard;
    enum conversation_state after;
} time_outs[] = {
    {"nothing", "", false, "", CONVERSATION_CLOSED},
    {"half a head", "GET", false, "HTTP/1.1 408 ", CONVERSATION_LINGERING},
    {"half a body", PUSH_OF(4), false, "HTTP/1.1 408 ", CONVERSATION_LINGERING},
    {"half a body for an hour", PUSH_OF(4), true, "HTTP/1.1 408 ", CONVERSATION_LINGERING},
    {"in the queue", GET_REFS GOOD_TOKEN "\r\n", false, "HTTP/1.1 503 ", CONVERSATION_IDLE},
    {"in the queue for an hour", GET_REFS GOOD_TOKEN "\r\n", true, "HTTP/1.1 503 ", CONVERSATION_IDLE},
    {"in the queue with a body", PUSH_OF(4) "0000", false, "HTTP/1.1 503 ", CONVERSATION_LINGERING},
    {"a reply that nobody reads", GET_REFS "\r\n", false, "HTTP/1.1 401 ", CONVERSATION_CLOSED},
    {"lingering", "GET / HTTP/1.1\n", false, "HTTP/1.1 400 ", CONVERSATION_CLOSED},
};

static void test_time_outs(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(time_outs); i++) {
        const char *name = time_outs[i].name;

        begin();
        say(time_outs[i].said);
        if (conversation.state == CONVERSATION_REPLYING) {
            expect_begins(name, hear(), time_outs[i].heard);
            conversation_time_out(&conversation, time_outs[i].is_overdue);
        } else {
            conversation_time_out(&conversation, time_outs[i].is_overdue);
            expect_begins(name, hear(), time_outs[i].heard);
        }
        expect_int(name, conversation.state, time_outs[i].after);
        expect_int(name, site.gate.turns.n_waiting, 0);
        end();
    }
}

/* After its brief wait a request stays if the queue has a place by then. */
static void test_brief_wait(void **state) {
    struct turn others[16] = {0};

    (void)state;
    begin();
    for (size_t i = 0; i < site.gate.turns.n_places; i++) {
        turns_wait(&site.gate.turns, &others[i], on_event, &conversation);
    }
    say(GET_REFS GOOD_TOKEN "\r\n");
    assert_true(conversation.turn.is_brief);
    turns_leave(&site.gate.turns, &others[0]);
    conversation_time_out(&conversation, false);
    assert_int_equal(conversation.state, CONVERSATION_QUEUED);
    assert_false(conversation.turn.is_brief);
    conversation_time_out(&conversation, false);
    expect_begins("then", hear(), "HTTP/1.1 503 ");
    for (size_t i = 1; i < site.gate.turns.n_places; i++) {
        turns_leave(&site.gate.turns, &others[i]);
    }
    end();
}

static const struct {
    const char *name;
    const char *said;
    const char *heard;
    enum conversation_state after;
} drains[] = {
    {"no request", "", "", CONVERSATION_HEAD},
    {"half a head", "GET", "HTTP/1.1 503 ", CONVERSATION_LINGERING},
    {"half a body", PUSH_OF(4), "", CONVERSATION_BODY},
    {"in the queue", GET_REFS GOOD_TOKEN "\r\n", "HTTP/1.1 503 ", CONVERSATION_CLOSED},
    {"replying", GET_REFS "\r\n", "HTTP/1.1 401 ", CONVERSATION_CLOSED},
};

static void test_drains(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(drains); i++) {
        begin();
        say(drains[i].said);
        conversation_drain(&conversation);
        expect_begins(drains[i].name, hear(), drains[i].heard);
        expect_int(drains[i].name, conversation.state, drains[i].after);
        end();
    }
}

/* A request that comes while the gate drains is served as the last one. */
static void test_close_while_draining(void **state) {
    const char *reply;

    (void)state;
    begin();
    site.gate.stage = GATE_DRAINING;
    say(GET_REFS "\r\n");
    reply = hear();
    assert_non_null(strstr(reply, "\r\nConnection: close\r\n"));
    assert_int_equal(conversation.state, CONVERSATION_CLOSED);
    end();
}

/* At a request's turn the gate looks for the repository again. If it has gone, nothing starts. */
static void test_turn_without_a_repository(void **state) {
    (void)state;
    begin();
    say(GET_REFS GOOD_TOKEN "\r\n");
    assert_int_equal(unlink("r.git/HEAD"), 0);
    turns_ended(&site.gate.turns);
    assert_int_equal(n_events, 1);
    assert_int_equal(site.gate.turns.n_running, 0);
    expect_begins("reply", hear(), "HTTP/1.1 404 ");
    assert_int_equal(conversation.state, CONVERSATION_IDLE);
    end();
}

static void test_no_program(void **state) {
    (void)state;
    begin();
    turns_ended(&site.gate.turns);
    say(GET_REFS GOOD_TOKEN "\r\n");
    assert_int_equal(site.gate.turns.n_running, 0);
    expect_begins("reply", hear(), "HTTP/1.1 500 ");
    expect_logged("log", "git cannot be started");
    expect_logged("log", " call=execve ");
    end();
}

/* With a process, the response goes out in parts. Then the conversation is idle again. */
static void test_exchange(void **state) {
    char heard[1000] = "";

    (void)state;
    begin();
    turns_ended(&site.gate.turns);
    site_backend("printf 'Content-Type: text/plain\\r\\n\\r\\nhello'");
    say(GET_REFS GOOD_TOKEN "\r\n");
    assert_int_equal(conversation.state, CONVERSATION_EXCHANGE);
    assert_int_equal(site.gate.turns.n_running, 1);
    while (conversation.state == CONVERSATION_EXCHANGE) {
        unsigned n_before = n_events;

        SITE_AWAIT("event", n_events > n_before);
        settle();
        (void)strcat(heard, hear());
    }
    assert_int_equal(conversation.state, CONVERSATION_IDLE);
    expect_begins("response", heard, "HTTP/1.1 200 ");
    assert_non_null(strstr(heard, "\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
    assert_null(conversation.exchange);
    expect_logged("log", "id=1 client=unix method=GET route=info/refs repository=r service=git-upload-pack status=200");
    end();
}

/* A conversation freed in the middle of an exchange leaves the exchange to its end. */
static void test_gone_in_an_exchange(void **state) {
    (void)state;
    begin();
    turns_ended(&site.gate.turns);
    site_backend("exec sleep 1000");
    say(GET_REFS GOOD_TOKEN "\r\n");
    assert_false(conversation_needs_reset(&conversation));
    conversation_give_up(&conversation, "a reason");
    conversation_deinit(&conversation);
    assert_int_equal(site.gate.turns.n_running, 1);
    SITE_AWAIT("end", site.gate.turns.n_running == 0);
    assert_int_equal(n_events, 0);
    expect_logged("log", "reason=\"a reason\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        AT_SITE(test_cases),
        AT_SITE(test_one_behind_the_other),
        AT_SITE(test_heard),
        AT_SITE(test_time_outs),
        AT_SITE(test_brief_wait),
        AT_SITE(test_drains),
        AT_SITE(test_close_while_draining),
        AT_SITE(test_turn_without_a_repository),
        AT_SITE(test_no_program),
        AT_SITE(test_exchange),
        AT_SITE(test_gone_in_an_exchange),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
