/* SPDX-License-Identifier: Apache-2.0 */

/* The birth and the end of a process: the signals, their times, and that nothing is left of it. */

#include "unit_exchange.h"

#include <errno.h>
#include <sys/wait.h>

#include "unit_clock.h"

#define GET GET_REFS GOOD_TOKEN "\r\n"
#define PUSH POST_PUSH GOOD_TOKEN "Content-Length: 4\r\n\r\n00"

static struct exchange *released;

static bool is_there(const char *path) {
    return access(path, F_OK) == 0;
}

/* The script makes the file "begun", and further files when it is told to end. */
static void begin(const char *request, const char *lines) {
    char script[PATH_MAX + 1000];

    (void)snprintf(script, sizeof(script), "cd %s\n%s", folder.path, lines);
    site_backend(script);
    assert_int_equal(talk_begin(request), 0);
    talk_pump();
    SITE_AWAIT("begun", is_there("begun"));
}

static void release(void) {
    released = talk.exchange;
    exchange_release(talk.exchange);
    talk.exchange = NULL;
}

static void end(void) {
    SITE_AWAIT("end", LIST_EMPTY(&site.gate.exchanges));
    talk_end();
    assert_int_equal(site.gate.turns.n_running, 0);
    assert_true(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static void test_no_program(void **state) {
    (void)state;
    assert_int_equal(talk_begin(GET), -ENOENT);
    expect_logged("log", "git cannot be started id=7 program=");
    expect_logged("log", " call=execve ");
    assert_null(talk.exchange);
    assert_int_equal(site.gate.turns.n_running, 0);
    talk_end();
}

static void test_it_ends_by_itself(void **state) {
    (void)state;
    begin(GET, "echo words >&2; : >begun");
    SITE_AWAIT("gone", site.n_processes_ended == 1);
    assert_int_equal(site.gate.turns.n_running, 0);
    assert_true(talk.n_events > 0);
    expect_logged("errors", "git says id=7 line=words\n");
    assert_false(exchange_owns(talk.exchange, 1));
    end();
}

/* git's output in its first moment does not wake the gate. What git says later does not wait for git's end. */
static void test_output_is_watched_later(void **state) {
    (void)state;
    begin(GET, "echo words >&2; : >begun; exec sleep 1000");
    clock_advance_ms(EXCHANGE_LISTEN_US / 1000 - 1);
    (void)loop_round(&site.loop, 0);
    assert_false(loop_is_watched(&talk.exchange->output_io));
    assert_false(loop_is_watched(&talk.exchange->errors_io));
    clock_advance_ms(1);
    (void)loop_round(&site.loop, 0);
    assert_true(loop_is_watched(&talk.exchange->output_io));
    SITE_AWAIT("words", strstr(site_log(), "git says id=7 line=words\n") != NULL);
    release();
    end();
}

/* When git has ended, one round reads its output and puts all of the response on the wire, with its end. */
static void test_short_response_in_one_round(void **state) {
    static const char end_of_it[] = "\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    struct span wire;

    (void)state;
    begin(GET, "printf 'Content-Type: text/plain\\r\\n\\r\\nhello'; : >begun");
    SITE_AWAIT("gone", site.n_processes_ended == 1);
    assert_int_equal(buffer_size(&talk.wire), 0);
    assert_true(exchange_pump(talk.exchange));
    assert_int_equal(talk.exchange->state, EXCHANGE_COMPLETE);
    wire = buffer_content(&talk.wire);
    assert_non_null(memmem(wire.data, wire.size, end_of_it, strlen(end_of_it)));
    end();
}

/* A hook can make git's pipe one of packets, where a short read does not mean that the pipe is empty. */
static void test_push_is_read_to_its_end(void **state) {
    (void)state;
    begin(PUSH "00", "cat >input; : >begun\nexec python3 -c '\n"
                     "import fcntl, os\n"
                     "fcntl.fcntl(1, fcntl.F_SETFL, os.O_WRONLY | os.O_DIRECT)\n"
                     "os.write(1, b\"Content-Type: text/plain\\r\\n\\r\\n\")\n"
                     "os.write(1, b\"hello\")'");
    SITE_AWAIT("gone", site.n_processes_ended == 1);
    talk_to_the_end("push");
    assert_int_equal(talk.exchange->state, EXCHANGE_COMPLETE);
    assert_non_null(memmem(talk.heard, talk.n_heard, "hello", 5));
    end();
}

static void test_fetch_is_terminated_at_once(void **state) {
    (void)state;
    begin(GET, "trap ': >told; exit' TERM; : >begun; while :; do sleep 0.01; done");
    release();
    assert_int_equal(released->state, EXCHANGE_ENDING);
    assert_int_equal(site.gate.turns.n_running, 1); /* it counts until it is gone */
    end();
    assert_true(is_there("told"));
    assert_int_equal(talk.n_events, 0); /* a released one reports nothing */
}

/* A push first sees the end of its input, and gets no signal if it ends then. */
static void test_push_is_hung_up_on(void **state) {
    (void)state;
    begin(PUSH, "trap ': >told' TERM; : >begun; cat >input; : >done");
    release();
    end();
    assert_true(is_there("done"));
    assert_false(is_there("told"));
}

/* A process that goes on gets SIGTERM after a while, and then SIGKILL. */
static void test_push_that_goes_on(void **state) {
    (void)state;
    begin(PUSH, "trap ': >told' TERM; : >begun; while :; do sleep 0.01; done");
    release();
    clock_advance_ms(EXCHANGE_HANGUP_TIMEOUT_S * 1000 - 1);
    (void)loop_round(&site.loop, 0);
    assert_false(released->is_told);
    clock_advance_ms(1);
    (void)loop_round(&site.loop, 0);
    assert_true(released->is_told);
    SITE_AWAIT("told", is_there("told"));
    clock_advance_ms(EXCHANGE_KILL_TIMEOUT_S * 1000 - 1);
    (void)loop_round(&site.loop, 0);
    assert_false(released->is_killed);
    clock_advance_ms(1);
    end();
}

/* After the drain, a push that has come whole gets SIGTERM at once. An unfinished one does not. */
static void test_gate_that_ends(void **state) {
    static const char *const requests[] = {PUSH, PUSH "00"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        begin(requests[i], "trap ': >told; exit' TERM; : >begun; while :; do sleep 0.01; done");
        site.gate.stage = GATE_ENDING;
        release();
        expect_int("told", released->is_told, i == 1);
        exchange_terminate(released);
        end();
        site.gate.stage = GATE_SERVING;
        assert_int_equal(unlink("begun"), 0);
    }
}

/* The leader ends at once. Its children get their time, too. */
static void test_others_get_their_time(void **state) {
    (void)state;
    begin(GET, "(trap ': >told; exit' TERM; : >begun; while :; do sleep 0.01; done) & exec sleep 1000");
    release();
    end();
    assert_true(is_there("told"));
}

/* A process that a hook left running after git's good end is told too. The exchange counts until it is gone. */
static void test_leftovers(void **state) {
    (void)state;
    begin(GET, "(trap ': >told; exit' TERM; : >begun; while :; do sleep 0.01; done) >/dev/null 2>&1 &\n"
               "while [ ! -e begun ]; do sleep 0.01; done");
    SITE_AWAIT("gone", site.n_processes_ended == 1);
    assert_true(is_there("told"));
    assert_int_equal(talk.exchange->state, EXCHANGE_HOLDING);
    assert_true(talk.n_events > 0);
    end();
}

static void test_kill(void **state) {
    (void)state;
    begin(GET, "(trap '' TERM; : >begun; while :; do sleep 0.01; done) & exec sleep 1000");
    release();
    SITE_AWAIT("others", loop_is_watched(&released->others_io)); /* the leader has ended */
    exchange_kill(released);
    end();
}

/* After the loop's failure, a running push is told before it is killed, and so is one that ignores signals. */
static void test_abandon(void **state) {
    static const char *const scripts[] = {
        "trap ': >told; exit' TERM; : >begun; while :; do sleep 0.01; done",
        "trap '' TERM; : >begun; exec sleep 1000",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
        begin(PUSH, scripts[i]);
        release();
        assert_false(released->is_told);
        exchange_abandon_all(&site.gate);
        assert_true(LIST_EMPTY(&site.gate.exchanges));
        assert_int_equal(site.gate.turns.n_running, 0);
        assert_true(waitpid(-1, NULL, 0) > 0); /* it has ended, and is left for whoever takes over */
        expect_int("told", is_there("told"), i == 0);
        end();
        (void)unlink("told");
        assert_int_equal(unlink("begun"), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        AT_SITE(test_no_program),
        AT_SITE(test_it_ends_by_itself),
        AT_SITE(test_output_is_watched_later),
        AT_SITE(test_short_response_in_one_round),
        AT_SITE(test_push_is_read_to_its_end),
        AT_SITE(test_fetch_is_terminated_at_once),
        AT_SITE(test_push_is_hung_up_on),
        AT_SITE(test_push_that_goes_on),
        AT_SITE(test_gate_that_ends),
        AT_SITE(test_others_get_their_time),
        AT_SITE(test_leftovers),
        AT_SITE(test_kill),
        AT_SITE(test_abandon),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
