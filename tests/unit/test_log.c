/* SPDX-License-Identifier: Apache-2.0 */

/* The form of log records, as a reader gets them through a pipe: fields and their escapes, levels, the journal. */

#include "unit_log.h"

#include <sys/stat.h>

static const struct {
    const char *name;
    struct log_field field;
    const char *text; /* the field in the record */
    const char *json;
} field_cases[] = {
    {"number", {.name = "n", .number = 42}, " n=42", ",\"n\":42"},
    {"zero", {.name = "n"}, " n=0", ",\"n\":0"},
    {"largest number", {.name = "n", .number = UINT64_MAX}, " n=18446744073709551615", ",\"n\":18446744073709551615"},
    {"word", {"f", BYTES("a/b.git?c"), 0}, " f=a/b.git?c", ",\"f\":\"a/b.git?c\""},
    {"number in text", {"f", BYTES("42"), 7}, " f=42", ",\"f\":\"42\""},
    {"left out", {NULL, BYTES("x"), 7}, "", ""},
    {"empty", {"f", BYTES(""), 7}, " f=\"\"", ",\"f\":\"\""},
    {"space", {"f", BYTES("a b"), 0}, " f=\"a b\"", ",\"f\":\"a b\""},
    {"equals sign", {"f", BYTES("a=b"), 0}, " f=\"a=b\"", ",\"f\":\"a=b\""},
    {"quote", {"f", BYTES("a\"b"), 0}, " f=\"a\\\"b\"", ",\"f\":\"a\\\"b\""},
    {"backslash", {"f", BYTES("a\\b"), 0}, " f=\"a\\\\b\"", ",\"f\":\"a\\\\b\""},
    {"backslash at the end", {"f", BYTES("a\\"), 0}, " f=\"a\\\\\"", ",\"f\":\"a\\\\\""},
    {"newline", {"f", BYTES("a\nb"), 0}, " f=\"a\\x0ab\"", ",\"f\":\"a\\u000ab\""},
    {"a forged record",
     {"f", BYTES("a\r\n{\"level\":\"error\"}"), 0},
     " f=\"a\\x0d\\x0a{\\\"level\\\":\\\"error\\\"}\"",
     ",\"f\":\"a\\u000d\\u000a{\\\"level\\\":\\\"error\\\"}\""},
    {"tab", {"f", BYTES("\t"), 0}, " f=\"\\x09\"", ",\"f\":\"\\u0009\""},
    {"NUL", {"f", BYTES("a\0b"), 0}, " f=\"a\\x00b\"", ",\"f\":\"a\\u0000b\""},
    {"colour", {"f", BYTES("\x1b[31mred"), 0}, " f=\"\\x1b[31mred\"", ",\"f\":\"\\u001b[31mred\""},
    {"delete", {"f", BYTES("\x7f"), 0}, " f=\"\\x7f\"", ",\"f\":\"\\u007f\""},
    {"bytes over 127",
     {"f", BYTES("\x80\xc3\xa4\xff"), 0},
     " f=\"\\x80\\xc3\\xa4\\xff\"",
     ",\"f\":\"\\u0080\\u00c3\\u00a4\\u00ff\""},
    {"percent sign", {"f", BYTES("%s%n"), 0}, " f=%s%n", ",\"f\":\"%s%n\""},
};

static void test_fields(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(field_cases); i++) {
        const char *name = field_cases[i].name;
        struct log_field field = field_cases[i].field;
        char *copy = field.text.data ? unit_copy(field.text.data, field.text.size) : NULL;
        const char *out;
        char expected[256];

        field.text.data = copy;
        log_init(&capture.log, capture.fds[1], LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
        log_record(&capture.log, LOG_LEVEL_INFO, "request", LOG_FIELDS(log_number("a", 1), field, log_number("z", 26)));
        out = capture_read();
        expect_true(name, is_time(out));
        (void)snprintf(expected, sizeof(expected), " info request a=1%s z=26\n", field_cases[i].text);
        expect_span(name, span_of(out + TIME_SIZE), span_of(expected));

        log_init(&capture.log, capture.fds[1], LOG_LEVEL_INFO, LOG_FORMAT_JSON);
        log_record(&capture.log, LOG_LEVEL_INFO, "request", LOG_FIELDS(log_number("a", 1), field, log_number("z", 26)));
        out = capture_read();
        expect_true(name, is_json_record(out));
        expect_true(name, strncmp(out, "{\"time\":\"", 9) == 0 && is_time(out + 9));
        (void)snprintf(expected, sizeof(expected),
                       "\",\"level\":\"info\",\"message\":\"request\",\"a\":1%s,\"z\":26}\n", field_cases[i].json);
        expect_span(name, span_of(out + 9 + TIME_SIZE), span_of(expected));
        free(copy);
    }
}

/* Each level against each threshold. */
static void test_levels(void **state) {
    static const char *const names[] = {"error", "warning", "notice", "info", "debug"};

    (void)state;
    assert_int_equal(ARRAY_SIZE(names), LOG_LEVEL_COUNT);
    for (int threshold = 0; threshold < LOG_LEVEL_COUNT; threshold++) {
        for (int level = 0; level < LOG_LEVEL_COUNT; level++) {
            char expected[64] = "";
            const char *out;

            log_init(&capture.log, capture.fds[1], (enum log_level)threshold, LOG_FORMAT_TEXT);
            assert_int_equal(log_wants(&capture.log, (enum log_level)level), level <= threshold);
            log_message(&capture.log, (enum log_level)level, "hello there");
            out = capture_read();
            if (level <= threshold) {
                expect_true(names[level], is_time(out));
                (void)snprintf(expected, sizeof(expected), " %s hello there\n", names[level]);
                out += TIME_SIZE;
            }
            expect_span(names[level], span_of(out), span_of(expected));
            assert_int_equal(capture.log.dropped, 0);
        }
    }
    log_init(&capture.log, -1, LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
    assert_false(log_wants(&capture.log, LOG_LEVEL_ERROR));
    log_message(&capture.log, LOG_LEVEL_ERROR, "to nowhere");
    assert_string_equal(capture_read(), "");
}

/* systemd identifies its journal's descriptor by device and inode. */
static void test_journal(void **state) {
    struct stat status;
    char stream[64];

    (void)state;
    assert_int_equal(fstat(capture.fds[1], &status), 0);
    (void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
    log_init(&capture.log, capture.fds[1], LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
    assert_true(capture.log.journal);
    log_record(&capture.log, LOG_LEVEL_WARNING, "refused", LOG_FIELDS(log_number("status", 403)));
    assert_string_equal(capture_read(), "<4>refused status=403\n");
    log_message(&capture.log, LOG_LEVEL_DEBUG, "detail");
    assert_string_equal(capture_read(), "<7>detail\n");
    stream[strlen(stream) - 1] ^= 1;
    assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
    log_init(&capture.log, capture.fds[1], LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
    assert_false(capture.log.journal);
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
    log_init(&capture.log, capture.fds[1], LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
    assert_false(capture.log.journal);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CAPTURING(test_fields),
        CAPTURING(test_levels),
        CAPTURING(test_journal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
