/* SPDX-License-Identifier: Apache-2.0 */

/* The limits on log records and values, and the fate of records that nobody reads. */

#include "unit_log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

/* A value up to the limit is shown whole. A longer one is cut at the limit and marked. */
static void test_long_values(void **state) {
    static const struct {
        const char *name;
        size_t size;
        const char *before; /* of the 512 bytes shown */
        const char *behind;
    } cases[] = {
        {"one byte less", 511, " f=", " z=1\n"},
        {"exactly", 512, " f=", " z=1\n"},
        {"one byte more", 513, " f=\"", "...\" z=1\n"},
        {"many more", 100000, " f=\"", "...\" z=1\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *value = malloc(cases[i].size);
        struct span span = {value, cases[i].size};
        char expected[1024];
        const char *out;

        assert_non_null(value);
        memset(value, 'v', cases[i].size);
        (void)snprintf(expected, sizeof(expected), " info x%s%.*s%s", cases[i].before,
                       (int)(cases[i].size < 512 ? cases[i].size : 512), value, cases[i].behind);
        log_init(&capture.log, capture.fds[1], LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
        log_record(&capture.log, LOG_LEVEL_INFO, "x", LOG_FIELDS(log_span("f", span), log_number("z", 1)));
        out = capture_read();
        expect_span(cases[i].name, span_of(out + TIME_SIZE), span_of(expected));
        memset(value, '\x1b', cases[i].size);
        log_init(&capture.log, capture.fds[1], LOG_LEVEL_INFO, LOG_FORMAT_JSON);
        log_record(&capture.log, LOG_LEVEL_INFO, "x", LOG_FIELDS(log_span("f", span), log_number("z", 1)));
        out = capture_read();
        expect_true(cases[i].name, is_json_record(out));
        expect_true(cases[i].name, strstr(out, "\",\"z\":1}\n"));
        expect_int(cases[i].name, strstr(out, "\\u001b...\"") != NULL, cases[i].size > 512);
        free(value);
    }
}

/* Records grow byte by byte past the limit. They have whole fields, one line, and no more than a pipe takes at once. */
static void test_long_records(void **state) {
    static const char filler[LOG_VALUE_MAX] = {0};
    bool was_cut[LOG_FORMAT_COUNT] = {false};

    (void)state;
    for (int format = 0; format < LOG_FORMAT_COUNT; format++) {
        size_t unit = format == LOG_FORMAT_JSON ? 6 : 4; /* bytes that an escaped NUL takes */

        for (size_t size = 0; size <= 4 * LOG_VALUE_MAX; size++) {
            struct log_field fields[6] = {{.name = NULL}};
            const char *out;
            bool cut;

            for (size_t i = 0; i < 4; i++) {
                size_t part = size < i * LOG_VALUE_MAX ? 0 : size - i * LOG_VALUE_MAX;

                fields[i] = log_span("f", ((struct span){filler, part < LOG_VALUE_MAX ? part : LOG_VALUE_MAX}));
            }
            fields[4] = log_number("z", size);
            log_init(&capture.log, capture.fds[1], LOG_LEVEL_INFO, (enum log_format)format);
            log_record(&capture.log, LOG_LEVEL_INFO, "x", fields, 6);
            out = capture_read();
            expect_true("record", strlen(out) >= 1 && strlen(out) <= LOG_RECORD_MAX);
            assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
            cut = strstr(out, format == LOG_FORMAT_JSON ? ",\"truncated\":1}\n" : " truncated=1\n") != NULL;
            if (format == LOG_FORMAT_JSON) {
                assert_true(is_json_record(out));
            }
            /* A record is cut only if necessary, give or take some bytes. */
            assert_true(cut || size * unit < LOG_RECORD_MAX);
            assert_true(!cut || size * unit > LOG_RECORD_MAX - 256);
            assert_true(cut || strstr(out, format == LOG_FORMAT_JSON ? ",\"z\":" : " z="));
            was_cut[format] = was_cut[format] || cut;
        }
        assert_true(was_cut[format]);
    }
}

/* Writes records until one is dropped, and three more. Return: the number of those that went through. */
static size_t fill_pipe(void) {
    size_t n_written = 0;

    while (capture.log.dropped == 0) {
        errno = EDOM;
        log_record(&capture.log, LOG_LEVEL_INFO, "fill", LOG_FIELDS(log_number("i", n_written)));
        assert_int_equal(errno, EDOM);
        n_written += capture.log.dropped == 0;
        assert_true(n_written < 100000);
    }
    for (size_t i = 0; i < 3; i++) {
        errno = EDOM;
        log_message(&capture.log, LOG_LEVEL_INFO, "fill");
        assert_int_equal(errno, EDOM);
    }
    assert_int_equal(capture.log.dropped, 4);
    return n_written;
}

static size_t count_lines(const char *out) {
    size_t n = 0;

    for (; *out; out++) {
        n += *out == '\n';
    }
    return n;
}

static void test_dropped(void **state) {
    static const char *const told[] = {" dropped_records=4\n", ",\"dropped_records\":4}\n"};
    static const char *const word[] = {" info after a=1", "\"after\",\"a\":1"};

    (void)state;
    (void)alarm(20); /* a record that waits for its reader would wait for ever */
    (void)fcntl(capture.fds[1], F_SETPIPE_SZ, 1 << 16);
    for (int format = 0; format < LOG_FORMAT_COUNT; format++) {
        size_t n_written;
        const char *out;

        log_init(&capture.log, capture.fds[1], LOG_LEVEL_INFO, (enum log_format)format);
        n_written = fill_pipe();
        out = capture_read();
        assert_int_equal(count_lines(out), n_written);
        assert_null(strstr(out, "dropped_records"));
        log_record(&capture.log, LOG_LEVEL_INFO, "after", LOG_FIELDS(log_number("a", 1)));
        out = capture_read();
        expect_true(out, strstr(out, word[format]) && strstr(out, told[format]));
        expect_true(out, format != LOG_FORMAT_JSON || is_json_record(out));
        assert_int_equal(capture.log.dropped, 0);
        log_message(&capture.log, LOG_LEVEL_INFO, "again");
        assert_null(strstr(capture_read(), "dropped_records"));
    }
}

/* The count must not get lost if the next record has no room for it. */
static void test_dropped_told_late(void **state) {
    static const char filler[LOG_VALUE_MAX] = {0};
    struct log_field field = log_span("f", ((struct span){filler, sizeof(filler)}));

    (void)state;
    (void)alarm(20);
    log_init(&capture.log, capture.fds[1], LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    (void)fill_pipe();
    (void)capture_read();
    log_record(&capture.log, LOG_LEVEL_INFO, "large", LOG_FIELDS(field, field, field));
    log_message(&capture.log, LOG_LEVEL_INFO, "small");
    assert_non_null(strstr(capture_read(), " dropped_records=4\n"));
}

static void test_reader_gone(void **state) {
    (void)state;
    assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    assert_int_equal(close(capture.fds[0]), 0);
    capture.fds[0] = -1;
    log_init(&capture.log, capture.fds[1], LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    errno = EDOM;
    log_message(&capture.log, LOG_LEVEL_INFO, "nobody");
    assert_int_equal(errno, EDOM);
    assert_int_equal(capture.log.dropped, 1);
}

/* Another program that shares the pipe, and fills all room at once. */
static void *take_room(void *argument) {
    static const char block[LOG_RECORD_MAX];
    int fd = *(int *)argument;

    while (write(fd, block, sizeof(block)) > 0 || errno == EAGAIN) {
    }
    return NULL;
}

static ssize_t take_away(int fd) {
    static char block[LOG_RECORD_MAX];

    return read(fd, block, sizeof(block));
}

/*
 * Another writer may come between the check for room and the write. The file description is shared and stays blocking.
 * Only this test reads, so a record that waits would wait for ever.
 */
static void check_shared(int reader, int writer, int other, bool reopens) {
    pthread_t thread;

    (void)alarm(30);
    assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    log_init(&capture.log, writer, LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    if (reopens) {
        log_reopen(&capture.log);
        assert_int_not_equal(capture.log.fd, writer);
    }
    assert_int_equal(pthread_create(&thread, NULL, take_room, &other), 0);
    for (size_t i = 0; i < 30000; i++) {
        assert_true(take_away(reader) > 0);
        log_message(&capture.log, LOG_LEVEL_INFO, "record");
    }
    assert_false(fcntl(writer, F_GETFL) & O_NONBLOCK);
    (void)close(reader); /* which ends the thread */
    assert_int_equal(pthread_join(thread, NULL), 0);
    if (reopens) {
        (void)close(capture.log.fd);
    }
    (void)alarm(0);
}

static int open_own(int fd) {
    char path[32];

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

static void test_shared_pipe(void **state) {
    (void)state;
    for (int reopens = 0; reopens <= 1; reopens++) {
        int fds[2];
        int other;

        assert_int_equal(pipe(fds), 0);
        other = open_own(fds[1]);
        assert_true(other >= 0);
        check_shared(fds[0], fds[1], other, reopens);
        (void)close(fds[1]);
        (void)close(other);
    }
}

static void test_full_socket(void **state) {
    int fds[2];

    (void)state;
    (void)alarm(20);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    log_init(&capture.log, fds[1], LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_reopen(&capture.log);
    assert_int_equal(capture.log.fd, fds[1]);
    (void)fill_pipe();
    assert_false(fcntl(fds[1], F_GETFL) & O_NONBLOCK);
    (void)close(fds[0]);
    (void)close(fds[1]);
    (void)alarm(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CAPTURING(test_long_values),       CAPTURING(test_long_records), CAPTURING(test_dropped),
        CAPTURING(test_dropped_told_late), CAPTURING(test_reader_gone),  CAPTURING(test_shared_pipe),
        CAPTURING(test_full_socket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
