/* SPDX-License-Identifier: Apache-2.0 */

/* One request and its process: responses, failures before and within them, and the side that the exchange waits for. */

#include "unit_exchange.h"

#define CGI "printf 'Content-Type: text/plain\\r\\n\\r\\n'; "
#define GET GET_REFS GOOD_TOKEN "\r\n"
#define POST POST_PUSH GOOD_TOKEN "Content-Length: 4\r\n\r\n0000"

/* @heard: the beginning of the response; @tail: its end */
static const struct {
    const char *name;
    const char *request;
    const char *backend;
    enum exchange_state state;
    int status;
    const char *heard;
    const char *tail;
} cases[] = {
    {"a response", GET, CGI "printf hello", EXCHANGE_COMPLETE, 200, "HTTP/1.1 200 OK\r\n",
     "\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
    {"an empty one", GET, CGI, EXCHANGE_COMPLETE, 200, "HTTP/1.1 200 OK\r\n", "\r\n\r\n0\r\n\r\n"},
    {"to HTTP/1.0", "GET /r.git/HEAD HTTP/1.0\r\n" GOOD_TOKEN "\r\n", CGI "printf hello", EXCHANGE_COMPLETE, 200,
     "HTTP/1.1 200 OK\r\n", "\r\n\r\nhello"},
    {"to a request with a body", POST, "read -r line; " CGI "printf \"<$line>\"", EXCHANGE_COMPLETE, 200,
     "HTTP/1.1 200 OK\r\n", "\r\n\r\n6\r\n<0000>\r\n0\r\n\r\n"},
    {"git reads no body", POST, "exec 0<&-; " CGI "printf hello", EXCHANGE_COMPLETE, 200, "HTTP/1.1 200 OK\r\n",
     "hello\r\n0\r\n\r\n"},
    {"git refuses", GET, "printf 'Status: 403 Forbidden\\r\\n\\r\\n'", EXCHANGE_FAILED, 403, "", ""},
    {"git does not find it", GET, "printf 'Status: 404 Not Found\\r\\n\\r\\n'", EXCHANGE_FAILED, 404, "", ""},
    {"a status that git should not have", GET, "printf 'Status: 302 Found\\r\\n\\r\\n'", EXCHANGE_FAILED, 502, "", ""},
    {"nothing", GET, "exit 0", EXCHANGE_FAILED, 502, "", ""},
    {"nonsense", GET, "echo hello", EXCHANGE_FAILED, 502, "", ""},
    {"an advertisement that fails at its end", GET, CGI "printf 0000; exit 1", EXCHANGE_FAILED, 500, "", ""},
    {"a fetch that fails, and has said so", POST, CGI "printf 0000; exit 1", EXCHANGE_COMPLETE, 200,
     "HTTP/1.1 200 OK\r\n", "\r\n\r\n4\r\n0000\r\n0\r\n\r\n"},
    {"a fetch that fails in the middle", POST, CGI "printf 0010; exit 1", EXCHANGE_CUT, 502, "HTTP/1.1 200 OK\r\n",
     "\r\n\r\n4\r\n0010"},
    {"killed in the middle", POST, CGI "printf 0000; kill -9 $$", EXCHANGE_CUT, 502, "HTTP/1.1 200 OK\r\n",
     "\r\n\r\n4\r\n0000"},
    /* more than the buffer and the pipe hold, so that its end is not known in time */
    {"one that fills the buffer, and fails", GET, CGI "printf %0200000d 0; exit 1", EXCHANGE_CUT, 502,
     "HTTP/1.1 200 OK\r\n", "0000"},
};

static void test_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *name = cases[i].name;
        size_t n_tail = strlen(cases[i].tail);

        site_backend(cases[i].backend);
        expect_int(name, talk_begin(cases[i].request), 0);
        expect_int(name, site.gate.turns.n_running, 1);
        talk_to_the_end(name);
        expect_int(name, talk.exchange->state, cases[i].state);
        expect_int(name, talk.exchange->status, cases[i].status);
        expect_int(name, talk.exchange->reason != NULL, cases[i].state != EXCHANGE_COMPLETE);
        expect_true(name, strncmp(talk.heard, cases[i].heard, strlen(cases[i].heard)) == 0);
        expect_true(name, (talk.n_heard == 0) == (n_tail == 0) && talk.n_heard >= n_tail &&
                              memcmp(talk.heard + talk.n_heard - n_tail, cases[i].tail, n_tail) == 0);
        talk_end();
    }
}

#define FETCH POST_FETCH GOOD_TOKEN "Content-Length: 4\r\n\r\n0000"
#define HEAD_TEXT "GET /r.git/HEAD HTTP/1.1\r\nHost: x\r\n" GOOD_TOKEN "\r\n"
#define HEAD_LINE "0123456789012345678901234567890123456789 HEAD\\000a symref=HEAD:refs/x"

/* The same with the script in a service's place. */
static const struct {
    const char *name;
    const char *request;
    const char *backend;
    enum exchange_state state;
    int status;
    const char *tail;
} service_cases[] = {
    {"an advertisement", GET,
     "[ \"$*\" = \"upload-pack --http-backend-info-refs --strict $PWD/r.git\" ] && printf 0000", EXCHANGE_COMPLETE, 200,
     "\r\n\r\n26\r\n001e# service=git-upload-pack\n00000000\r\n0\r\n\r\n"},
    {"an advertisement that fails at its end", GET, "printf 0000; exit 128", EXCHANGE_FAILED, 500, ""},
    {"a fetch", FETCH, "read -r line; printf \"<$line>\"", EXCHANGE_COMPLETE, 200,
     "upload-pack-result\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n<0000>\r\n0\r\n\r\n"},
    {"a fetch without a word", FETCH, "exit 0", EXCHANGE_COMPLETE, 200, "\r\n\r\n0\r\n\r\n"},
    {"a fetch that fails, and has said so", FETCH, "printf 0000; exit 128", EXCHANGE_COMPLETE, 200,
     "\r\n\r\n4\r\n0000\r\n0\r\n\r\n"},
    {"a fetch that fails in the middle", FETCH, "printf 0010; exit 128", EXCHANGE_CUT, 502, "4\r\n0010"},
    {"a fetch that fails before a word", FETCH, "exit 128", EXCHANGE_FAILED, 500, ""},
    {"killed before a word", FETCH, "kill -9 $$", EXCHANGE_FAILED, 502, ""},
    {"HEAD", HEAD_TEXT, "printf '0047" HEAD_LINE "\\n0000'", EXCHANGE_COMPLETE, 200,
     "\r\n\r\nc\r\nref: refs/x\n\r\n0\r\n\r\n"},
    {"HEAD of nothing", HEAD_TEXT, "printf 0000", EXCHANGE_COMPLETE, 200, "\r\n\r\n0\r\n\r\n"},
    {"HEAD that fails", HEAD_TEXT, "printf '0047" HEAD_LINE "\\n0000'; exit 128", EXCHANGE_FAILED, 500, ""},
    {"HEAD that fails before a word", HEAD_TEXT, "exit 128", EXCHANGE_FAILED, 500, ""},
    {"HEAD without a word", HEAD_TEXT, "exit 0", EXCHANGE_FAILED, 502, ""},
    {"HEAD with too much behind it", HEAD_TEXT, "printf '0047" HEAD_LINE "\\n0000'; printf %0200000d 0",
     EXCHANGE_FAILED, 502, ""},
};

static void test_services(void **state) {
    (void)state;
    site.settings.environ.backend = site.gate.environ.backend = ENVIRON_SERVICES;
    for (size_t i = 0; i < ARRAY_SIZE(service_cases); i++) {
        const char *name = service_cases[i].name;
        char script[PATH_MAX + 1000];
        size_t n_tail = strlen(service_cases[i].tail);

        (void)snprintf(script, sizeof(script), "cd %s\n%s", folder.path, service_cases[i].backend);
        site_backend(script);
        expect_int(name, talk_begin(service_cases[i].request), 0);
        talk_to_the_end(name);
        expect_int(name, talk.exchange->state, service_cases[i].state);
        expect_int(name, talk.exchange->status, service_cases[i].status);
        expect_true(name, (talk.n_heard == 0) == (n_tail == 0) && talk.n_heard >= n_tail &&
                              memcmp(talk.heard + talk.n_heard - n_tail, service_cases[i].tail, n_tail) == 0);
        talk_end();
    }
}

/* A service fails without a word, as git would not accept the folder as a repository. */
static void test_no_repository(void **state) {
    (void)state;
    site.settings.environ.backend = site.gate.environ.backend = ENVIRON_SERVICES;
    site_backend("exit 128");
    folder_write("r.git/HEAD", SPAN("nonsense\n"));
    assert_int_equal(talk_begin(GET), 0);
    talk_to_the_end("no repository");
    assert_int_equal(talk.exchange->code, REASON_UNREADABLE_REPOSITORY);
    talk_end();
}

static void more(const char *text) {
    assert_int_equal(buffer_append(&talk.input, text, strlen(text)), 0);
    talk_pump();
}

/* Begins a fetch from a service of git. Half of its body has come. */
static void begin_half_a_fetch(void) {
    site.settings.environ.backend = site.gate.environ.backend = ENVIRON_SERVICES;
    assert_int_equal(talk_begin_with(POST_FETCH GOOD_TOKEN "Content-Length: 8\r\n\r\n0008", false), 0);
}

/* upload-pack would answer while it reads, so it starts only when all of the request has come. */
static void test_collected(void **state) {
    (void)state;
    site_backend("cat");
    begin_half_a_fetch();
    assert_int_equal(site.gate.turns.n_running, 1);
    talk_pump();
    more("done");
    talk_to_the_end("collected");
    assert_int_equal(talk.exchange->state, EXCHANGE_COMPLETE);
    assert_non_null(strstr(talk.heard, "\r\n\r\n8\r\n0008done\r\n0\r\n\r\n"));
    assert_int_equal(site.gate.turns.n_running, 0);
    talk_end();
}

/* A client that goes away before that has had no process, but has used a turn. */
static void test_collected_in_vain(void **state) {
    (void)state;
    site_backend("cat");
    begin_half_a_fetch();
    talk_pump();
    assert_int_equal(exchange_waits_for(talk.exchange), EXCHANGE_WAITS_FOR_CLIENT);
    assert_int_equal(talk.exchange->process.pid, 0);
    exchange_release(talk.exchange);
    talk.exchange = NULL;
    assert_int_equal(site.n_processes_ended, 0); /* not at once: the callback may start another exchange */
    (void)loop_round(&site.loop, 0);
    assert_int_equal(site.n_processes_ended, 1);
    assert_int_equal(site.gate.turns.n_running, 0);
    talk_end();
}

/* The gate checks the repository's settings when it starts git. */
static void test_collected_for_another_repository(void **state) {
    (void)state;
    site_backend("cat");
    begin_half_a_fetch();
    talk_pump();
    folder_write("r.git/config", SPAN("[include]\n\tpath = /x\n"));
    more("done");
    assert_int_equal(talk.exchange->state, EXCHANGE_FAILED);
    assert_int_equal(talk.exchange->code, REASON_UNSAFE_REPOSITORY);
    talk_end();
}

static void test_collected_for_no_program(void **state) {
    (void)state;
    begin_half_a_fetch();
    more("done");
    assert_int_equal(talk.exchange->state, EXCHANGE_FAILED);
    assert_int_equal(talk.exchange->code, REASON_GATE_FAILED);
    expect_logged("log", " call=execve ");
    talk_end();
}

/* A drain may begin while git works. The response then says that it is the last one. */
static void test_closes(void **state) {
    (void)state;
    site_backend(CGI);
    assert_int_equal(talk_begin(GET), 0);
    talk.exchange->closes = true;
    talk_to_the_end("closes");
    assert_non_null(strstr(talk.heard, "\r\nConnection: close\r\n"));
    talk_end();
}

static const struct {
    const char *name;
    const char *more;
    int status;
} bodies[] = {
    {"broken", "x", 400},
    {"larger than it may be", "9\r\n123456789\r\n", 413},
    {"cut short", "2\r\n00", 400},
};

static void test_body_behind_the_start(void **state) {
    (void)state;
    site.settings.max_push_bytes = 8;
    site_backend("cat >/dev/null; " CGI);
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        const char *name = bodies[i].name;

        expect_int(name, talk_begin(POST_PUSH GOOD_TOKEN "Transfer-Encoding: chunked\r\n\r\n2\r\n00\r\n"), 0);
        talk_pump();
        expect_int(name, talk.exchange->state, EXCHANGE_HOLDING);
        expect_int(name, exchange_waits_for(talk.exchange), EXCHANGE_WAITS_FOR_CLIENT);
        assert_int_equal(buffer_append(&talk.input, bodies[i].more, strlen(bodies[i].more)), 0);
        talk_pump();
        exchange_end_of_input(talk.exchange);
        expect_int(name, talk.exchange->state, EXCHANGE_FAILED);
        expect_int(name, talk.exchange->status, bodies[i].status);
        talk_end();
    }
}

/* Sends zeros of a body, up to @size, until neither git nor the input buffer takes more. Return: bytes sent. */
static size_t say_zeros(size_t size) {
    static const char zeros[GATE_LARGE_BYTES];
    size_t n_said = 0;

    talk_pump();
    while (n_said < size && buffer_room(&talk.input) > 0) {
        size_t n = buffer_room(&talk.input) < size - n_said ? buffer_room(&talk.input) : size - n_said;

        assert_int_equal(buffer_append(&talk.input, zeros, n), 0);
        n_said += n;
        talk_pump();
    }
    return n_said;
}

/* @prelude: of git, which then reads nothing for a while. @size: the pipe's once it is full. */
static const struct {
    const char *name;
    const char *prelude;
    int size;
    bool pauses;
} pipes[] = {
    {"a pipe that the gate makes larger", "", EXCHANGE_INPUT_PIPE_BYTES, true},
    {"one that it cannot make so small", "python3 -c 'import fcntl; fcntl.fcntl(0, fcntl.F_SETPIPE_SZ, 1 << 20)'; ",
     1 << 20, false},
};

/* The kernel may refuse a size to this user: pipe(7). */
static bool is_allowed(int pipe_size) {
    int ends[2];
    bool is_refused;

    assert_int_equal(pipe(ends), 0);
    is_refused = fcntl(ends[0], F_GETPIPE_SZ) > pipe_size || fcntl(ends[0], F_SETPIPE_SZ, pipe_size) < 0;
    (void)close(ends[0]);
    (void)close(ends[1]);
    return !is_refused;
}

/* When git's pipe is full, it gets larger once, and the loop pauses each time if it did. git gets the whole body. */
static void test_full_pipe(void **state) {
    const size_t n_body = 2000000;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pipes); i++) {
        const char *name = pipes[i].name;
        char script[PATH_MAX + 1000];
        size_t n_said;

        if (!is_allowed(pipes[i].size)) {
            skip();
        }
        (void)snprintf(script, sizeof(script), "cd %s; %s: >begun; until [ -e go ]; do sleep 0.01; done; " CGI "wc -c",
                       folder.path, pipes[i].prelude);
        site_backend(script);
        expect_int(name, talk_begin(POST_PUSH GOOD_TOKEN "Content-Length: 2000000\r\n\r\n"), 0);
        SITE_AWAIT(name, access("begun", F_OK) == 0);
        n_said = say_zeros(n_body);
        expect_int(name, site.loop.pauses, pipes[i].pauses);
        expect_true(name, loop_is_watched(&talk.exchange->input_io));
        expect_int(name, fcntl(talk.exchange->process.input, F_GETPIPE_SZ), pipes[i].size);
        (void)loop_round(&site.loop, 0);
        expect_true(name, !site.loop.pauses);
        n_said += say_zeros(n_body - n_said);
        expect_int(name, (int)n_said, pipes[i].size + GATE_LARGE_BYTES);
        expect_int(name, site.loop.pauses, pipes[i].pauses);
        folder_write("go", SPAN(""));
        while (n_said < n_body) {
            unsigned n_before = talk.n_events;

            SITE_AWAIT(name, talk.n_events > n_before);
            n_said += say_zeros(n_body - n_said);
        }
        talk_to_the_end(name);
        expect_int(name, talk.exchange->state, EXCHANGE_COMPLETE);
        expect_true(name, memmem(talk.heard, talk.n_heard, "2000000", 7) != NULL);
        talk_end();
        assert_true(unlink("go") == 0 && unlink("begun") == 0);
    }
}

/* @request and @backend lead to a state in which the exchange waits for one side. Then its time is up. */
static const struct {
    const char *name;
    const char *request;
    const char *backend;
    enum exchange_wait wait;
    int status;
    int status_overdue;
} waits[] = {
    {"the client", POST_PUSH GOOD_TOKEN "Content-Length: 4\r\n\r\n00", "exec sleep 1000", EXCHANGE_WAITS_FOR_CLIENT,
     408, 408},
    {"git", GET, "exec sleep 1000", EXCHANGE_WAITS_FOR_GIT, 504, 504},
    {"git's exit", GET, CGI "exec >&-; exec sleep 1000", EXCHANGE_WAITS_FOR_EXIT, 504, 504},
};

static void test_time_outs(void **state) {
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_SIZE(waits); i++) {
        const char *name = waits[i / 2].name;
        bool is_overdue = i % 2;

        site_backend(waits[i / 2].backend);
        expect_int(name, talk_begin(waits[i / 2].request), 0);
        do {
            talk_pump();
            (void)loop_round(&site.loop, exchange_waits_for(talk.exchange) != waits[i / 2].wait ? 10 : 0);
        } while (exchange_waits_for(talk.exchange) != waits[i / 2].wait);
        exchange_time_out(talk.exchange, is_overdue);
        expect_int(name, talk.exchange->state, EXCHANGE_FAILED);
        expect_int(name, talk.exchange->status, is_overdue ? waits[i / 2].status_overdue : waits[i / 2].status);
        expect_int(name, strstr(talk.exchange->reason, "--request-timeout") != NULL, is_overdue);
        talk_end();
    }
}

/* Keep-alive packets of receive-pack are no progress of a push. Its words are. */
static void test_idle(void **state) {
    (void)state;
    site_backend("read -r line; " CGI "printf '0005\\001'; read -r line; exec sleep 1000");
    assert_int_equal(talk_begin(POST_PUSH GOOD_TOKEN "Content-Length: 4\r\n\r\n0000"), 0);
    while (talk.exchange->state == EXCHANGE_HOLDING || !exchange_is_idle(talk.exchange)) {
        talk_pump();
        (void)loop_round(&site.loop, 10);
    }
    assert_int_equal(talk.exchange->state, EXCHANGE_RESPONDING);
    talk_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        AT_SITE(test_cases),
        AT_SITE(test_closes),
        AT_SITE(test_body_behind_the_start),
        AT_SITE(test_full_pipe),
        AT_SITE(test_time_outs),
        AT_SITE(test_idle),
        AT_SITE(test_services),
        AT_SITE(test_no_repository),
        AT_SITE(test_collected),
        AT_SITE(test_collected_in_vain),
        AT_SITE(test_collected_for_no_program),
        AT_SITE(test_collected_for_another_repository),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
