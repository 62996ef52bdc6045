/* SPDX-License-Identifier: Apache-2.0 */

/* The gate's own replies, byte for byte. Each is written whole or not at all. */

#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "http/reply.h"

enum {
    NOW = 784111777, /* the example of RFC 9110, 5.6.7 */
};

#define NOW_TEXT "Sun, 06 Nov 1994 08:49:37 GMT"
#define DATE "Date: " NOW_TEXT "\r\n"
#define WORD(word) "Gate-Reason: " word "\r\n"
#define TEXT "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n"

static const struct {
    const char *name;
    struct reply reply;
    const char *expected;
} reply_cases[] = {
    {"plain",
     {.code = REASON_NOT_FOUND, .sentence = "not here", .date = NOW_TEXT},
     "HTTP/1.1 404 Not Found\r\n" DATE WORD("not-found") TEXT "Content-Length: 9\r\n\r\nnot here\n"},
    {"closing",
     {.code = REASON_BAD_REQUEST, .sentence = "no HTTP", .close = true, .date = NOW_TEXT},
     "HTTP/1.1 400 Bad Request\r\n" DATE "Connection: close\r\n" WORD("bad-request") TEXT
     "Content-Length: 50\r\n\r\nno HTTP; use a git client, which does not do that\n"},
    {"with advice of its own",
     {.code = REASON_BAD_REQUEST, .sentence = "no HTTP; mend it", .date = NOW_TEXT},
     "HTTP/1.1 400 Bad Request\r\n" DATE WORD("bad-request") TEXT "Content-Length: 17\r\n\r\nno HTTP; mend it\n"},
    {"challenge",
     {.code = REASON_NO_CREDENTIALS, .sentence = "a token", .date = NOW_TEXT},
     "HTTP/1.1 401 Unauthorized\r\n" DATE WORD(
         "no-credentials") "WWW-Authenticate: Basic realm=\"git-gate\", charset=\"UTF-8\"\r\n" TEXT
                           "Content-Length: 8\r\n\r\na token\n"},
    {"wrong method",
     {.code = REASON_WRONG_METHOD, .sentence = "use GET", .allow = "GET", .date = NOW_TEXT},
     "HTTP/1.1 405 Method Not Allowed\r\n" DATE WORD("wrong-method") "Allow: GET\r\n" TEXT
                                                                     "Content-Length: 8\r\n\r\nuse GET\n"},
    {"no room",
     {.code = REASON_BUSY, .sentence = "wait", .close = true, .date = NOW_TEXT},
     "HTTP/1.1 503 Service Unavailable\r\n" DATE
     "Connection: close\r\n" WORD("busy") "Retry-After: 5\r\n" TEXT "Content-Length: 5\r\n\r\nwait\n"},
    {"to HEAD",
     {.code = REASON_WRONG_METHOD, .sentence = "use POST", .allow = "POST", .omit_body = true, .date = NOW_TEXT},
     "HTTP/1.1 405 Method Not Allowed\r\n" DATE WORD("wrong-method") "Allow: POST\r\n" TEXT
                                                                     "Content-Length: 9\r\n\r\n"},
    {"to git-lfs",
     {.code = REASON_NO_LFS, .sentence = "no objects; look elsewhere", .date = NOW_TEXT},
     "HTTP/1.1 404 Not Found\r\n" DATE WORD("no-lfs") "Content-Type: application/vnd.git-lfs+json\r\n"
                                                      "Cache-Control: no-store\r\nContent-Length: "
                                                      "41\r\n\r\n{\"message\":\"no objects; look elsewhere\"}\n"},
    {"to git-lfs, of HEAD",
     {.code = REASON_NO_LFS, .sentence = "x", .omit_body = true, .date = NOW_TEXT},
     "HTTP/1.1 404 Not Found\r\n" DATE WORD("no-lfs") "Content-Type: application/vnd.git-lfs+json\r\n"
                                                      "Cache-Control: no-store\r\nContent-Length: 16\r\n\r\n"},
    {"the epoch",
     {.code = REASON_GATE_FAILED, .sentence = "x", .date = "Thu, 01 Jan 1970 00:00:00 GMT"},
     "HTTP/1.1 500 Internal Server Error\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n" WORD("gate-failed") TEXT
     "Content-Length: 2\r\n\r\nx\n"},
};

static void test_replies(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(reply_cases); i++) {
        const char *expected = reply_cases[i].expected;
        struct buffer buffer;

        buffer_init(&buffer, REPLY_MAX_BYTES);
        expect_int(reply_cases[i].name, reply_append(&buffer, &reply_cases[i].reply), 0);
        expect_span(reply_cases[i].name, buffer_content(&buffer), span_of(expected));
        buffer_deinit(&buffer);
    }
}

/* If the room is too small, the buffer's content stays, and nothing is added. */
static void test_small_rooms(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(reply_cases); i++) {
        size_t size = strlen(reply_cases[i].expected);

        for (size_t room = 0; room <= size + 1; room++) {
            struct buffer buffer;
            int r;

            buffer_init(&buffer, 6 + room);
            expect_int(reply_cases[i].name, buffer_append(&buffer, "..before", 6 + (room > 1 ? 2 : 0)), 0);
            buffer_consume(&buffer, room > 1 ? 2 : 0);
            r = reply_append(&buffer, &reply_cases[i].reply);
            if (r == 0) {
                expect_true(reply_cases[i].name, room >= size);
                expect_int(reply_cases[i].name, buffer_size(&buffer), 6 + size);
            } else {
                expect_int(reply_cases[i].name, r, -ENOBUFS);
                expect_true(reply_cases[i].name, room <= size);
                expect_span(reply_cases[i].name, buffer_content(&buffer), span_of(room > 1 ? "before" : "..befo"));
            }
            buffer_deinit(&buffer);
        }
    }
}

static void test_longest(void **state) {
    char sentence[401];
    struct reply reply = {.sentence = sentence, .allow = "POST", .close = true, .date = NOW_TEXT};

    (void)state;
    memset(sentence, 'x', sizeof(sentence) - 1);
    sentence[sizeof(sentence) - 1] = '\0';
    for (reply.code = REASON_NONE + 1; reply.code < REASON_COUNT; reply.code++) {
        struct buffer buffer;

        buffer_init(&buffer, REPLY_MAX_BYTES);
        expect_int(reason_word(reply.code), reply_append(&buffer, &reply), 0);
        buffer_deinit(&buffer);
    }
}

static void test_reason_phrases(void **state) {
    static const struct {
        int status;
        const char *phrase;
    } cases[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {299, "Status"},
        {0, "Status"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_string_equal(reply_reason_phrase(cases[i].status), cases[i].phrase);
    }
}

static void test_parts(void **state) {
    struct buffer buffer;

    (void)state;
    buffer_init(&buffer, REPLY_MAX_BYTES);
    assert_int_equal(reply_append_status(&buffer, 200, false, NOW_TEXT), 0);
    assert_int_equal(reply_append_field(&buffer, span_of("X"), ((struct span){"valued", 5})), 0);
    assert_int_equal(reply_append_field(&buffer, span_of("Empty"), SPAN("")), 0);
    expect_span("status and fields", buffer_content(&buffer),
                SPAN("HTTP/1.1 200 OK\r\n" DATE "X: value\r\nEmpty: \r\n"));
    buffer_consume(&buffer, buffer_size(&buffer));
    assert_int_equal(reply_append_status(&buffer, 299, true, NOW_TEXT), 0);
    expect_span("an unknown status", buffer_content(&buffer),
                SPAN("HTTP/1.1 299 Status\r\n" DATE "Connection: close\r\n"));
    buffer_consume(&buffer, buffer_size(&buffer));
    assert_int_equal(reply_append_continue(&buffer), 0);
    expect_span("interim response", buffer_content(&buffer), SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
    buffer_deinit(&buffer);
    buffer_init(&buffer, 10);
    assert_int_equal(reply_append_continue(&buffer), -ENOBUFS);
    assert_int_equal(reply_append_status(&buffer, 200, false, NOW_TEXT), -ENOBUFS);
    assert_int_equal(reply_append_field(&buffer, span_of("X"), SPAN("too much")), -ENOBUFS);
    assert_int_equal(buffer_size(&buffer), 0);
    buffer_deinit(&buffer);
}

static void test_date(void **state) {
    struct reply_date date = {0};

    (void)state;
    expect_text("a second", reply_date(&date, NOW), NOW_TEXT);
    expect_text("the same", reply_date(&date, NOW), NOW_TEXT);
    expect_text("the next", reply_date(&date, NOW + 1), "Sun, 06 Nov 1994 08:49:38 GMT");
    expect_text("one before", reply_date(&date, NOW - 38), "Sun, 06 Nov 1994 08:48:59 GMT");
    expect_text("the first", reply_date(&date, 0), "Thu, 01 Jan 1970 00:00:00 GMT");
    date = (struct reply_date){0};
    expect_text("the first, at first", reply_date(&date, 0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replies),        cmocka_unit_test(test_small_rooms), cmocka_unit_test(test_longest),
        cmocka_unit_test(test_reason_phrases), cmocka_unit_test(test_parts),       cmocka_unit_test(test_date),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
