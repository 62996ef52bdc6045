/* SPDX-License-Identifier: Apache-2.0 */

/* move_stream: tells a program of pushes, and counts the moves that it could not tell. */

#include "serve/move_stream.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "serve/push_log.h"
#include "unit.h"

#define ZEROS "0000000000000000000000000000000000000000"
#define ONES "1111111111111111111111111111111111111111"

static struct {
    struct loop loop;
    struct log log;
    struct move_stream stream;
    struct push_log *push;
    int reader;
    int writer;
    char text[1024 * 1024];
} site;

static int begin(void **state) {
    static const char request[] = "0062" ZEROS " " ONES " refs/heads/a0000";
    static const char *const secrets[] = {"0123456789abcdef"};
    int ends[2];

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    site.reader = ends[0];
    site.writer = ends[1];
    assert_int_equal(loop_init(&site.loop), 0);
    log_init(&site.log, -1, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    site.log.secrets = secrets;
    site.log.n_secrets = 1;
    site.push = push_log_new("proj", 7);
    assert_non_null(site.push);
    assert_int_equal(pushed_feed_request(&site.push->pushed, span_of(request)), 0);
    assert_int_equal(site.push->pushed.n_moves, 1);
    move_stream_init(&site.stream, site.writer, &site.log, &site.loop);
    return 0;
}

static int end(void **state) {
    (void)state;
    move_stream_deinit(&site.stream);
    loop_deinit(&site.loop);
    assert_null(push_log_free(site.push));
    (void)close(site.writer);
    return site.reader >= 0 ? close(site.reader) : 0;
}

/* Everything that the reader gets now. */
static const char *take(void) {
    size_t size = 0;
    ssize_t n;

    while ((n = read(site.reader, site.text + size, sizeof(site.text) - 1 - size)) > 0) {
        size += (size_t)n;
    }
    site.text[size] = '\0';
    return site.text;
}

static unsigned long count(const char *text, const char *part) {
    unsigned long n = 0;

    for (; (text = strstr(text, part)); text += strlen(part)) {
        n++;
    }
    return n;
}

/* The sum of all counts of lost records. */
static unsigned long lost(const char *text) {
    unsigned long n = 0;

    for (const char *at = text; (at = strstr(at, "\"dropped_records\":")); at++) {
        n += strtoul(at + strlen("\"dropped_records\":"), NULL, 10);
    }
    return n;
}

static void write_times(unsigned long n) {
    for (unsigned long i = 0; i < n; i++) {
        move_stream_write(&site.stream, site.push);
    }
}

static void test_record(void **state) {
    (void)state;
    write_times(1);
    (void)take();
    assert_non_null(strstr(site.text,
                           "\"message\":\"push\",\"id\":7,\"repository\":\"proj\",\"ref\":\"refs/heads/a\",\"old\":"
                           "\"" ZEROS "\",\"new\":\"" ONES "\",\"move\":\"create\",\"result\":\"unknown\"}\n"));
    assert_int_equal(count(site.text, "\n"), 1);
}

static void test_no_stream(void **state) {
    struct move_stream stream;

    (void)state;
    move_stream_init(&stream, -1, &site.log, &site.loop);
    move_stream_write(&stream, site.push);
    assert_false(loop_is_watched(&stream.room_io));
    move_stream_deinit(&stream);
}

static void test_secret(void **state) {
    (void)state;
    free(site.push->repository);
    site.push->repository = strdup("x0123456789abcdefx");
    write_times(1);
    assert_non_null(strstr(take(), "\"repository\":\"(the token)\""));
}

/* The count comes as soon as there is room, without another push. */
static void test_lost(void **state) {
    const unsigned long n = 1000;
    unsigned long n_taken;

    (void)state;
    write_times(n);
    assert_int_equal(loop_round(&site.loop, 0), 0); /* and does not make the loop turn before */
    n_taken = count(take(), "\"message\":\"push\"");
    assert_true(n_taken > 0 && n_taken < n);
    assert_int_equal(lost(site.text), 0);
    assert_int_equal(loop_round(&site.loop, 0), 1);
    assert_int_equal(count(take(), "\"message\":\"moves were lost\""), 1);
    assert_int_equal(lost(site.text), n - n_taken);
    assert_int_equal(loop_round(&site.loop, 0), 0);
    write_times(1);
    assert_int_equal(lost(take()), 0);
    assert_int_equal(count(site.text, "\n"), 1);
}

static void test_lost_at_the_end(void **state) {
    unsigned long n_taken;

    (void)state;
    write_times(1000);
    n_taken = count(take(), "\"message\":\"push\"");
    move_stream_deinit(&site.stream);
    assert_int_equal(lost(take()), 1000 - n_taken);
    assert_int_equal(count(site.text, "\n"), 1);
}

/* Without a reader the gate goes on, and its loop comes to rest. */
static void test_gone_reader(void **state) {
    (void)state;
    assert_int_equal(close(site.reader), 0);
    site.reader = -1;
    for (int i = 0; i < 3; i++) {
        write_times(1);
        (void)loop_round(&site.loop, 0);
        assert_int_equal(loop_round(&site.loop, 0), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_record, begin, end),
        cmocka_unit_test_setup_teardown(test_no_stream, begin, end),
        cmocka_unit_test_setup_teardown(test_secret, begin, end),
        cmocka_unit_test_setup_teardown(test_lost, begin, end),
        cmocka_unit_test_setup_teardown(test_lost_at_the_end, begin, end),
        cmocka_unit_test_setup_teardown(test_gone_reader, begin, end),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as on a gate's thread */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
