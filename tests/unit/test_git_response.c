/* SPDX-License-Identifier: Apache-2.0 */

/* Composes a response from git's output, with framing and connection, or nothing if it does not fit. */

#include "unit.h"

#include <errno.h>

#include "serve/git_response.h"

#define GIT_HEAD "Expires: Fri, 01 Jan 1980 00:00:00 GMT\r\nContent-Type: text/plain\r\n\r\n"
#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define HTTP_HEAD "HTTP/1.1 200 OK\r\nDate: " DATE "\r\n"
#define FIELDS "Expires: Fri, 01 Jan 1980 00:00:00 GMT\r\nContent-Type: text/plain\r\n"

static const struct {
    const char *name;
    bool is_chunked;
    bool closes;
    const char *output;
    int r;
    const char *wire;
} cases[] = {
    {"chunked", true, false, GIT_HEAD "hello", 0,
     HTTP_HEAD FIELDS "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
    {"chunked, without a body", true, false, GIT_HEAD, 0,
     HTTP_HEAD FIELDS "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"chunked, and the last one", true, true, GIT_HEAD "x", 0,
     HTTP_HEAD "Connection: close\r\n" FIELDS "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"},
    {"to HTTP/1.0", false, true, GIT_HEAD "hello", 0, HTTP_HEAD "Connection: close\r\n" FIELDS "\r\nhello"},
    {"to HTTP/1.0, without a body", false, true, GIT_HEAD, 0, HTTP_HEAD "Connection: close\r\n" FIELDS "\r\n"},
    {"a status of git's", true, false, "Status: 404 Not Found\r\n\r\n", 0,
     "HTTP/1.1 404 Not Found\r\nDate: " DATE "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"git cannot ask for a connection of its own", true, false, "Connection: close\r\nContent-Length: 7\r\n\r\n", 0,
     HTTP_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"no head of git's", true, false, "hello\r\n\r\n", CGI_E_NONSENSE, ""},
    {"half a head of git's", true, false, "Content-Type: te", CGI_E_MORE, ""},
};

static void test_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct git_response_form form = {cases[i].is_chunked, cases[i].closes, DATE};
        struct buffer wire;

        buffer_init(&wire, 1024);
        expect_int(cases[i].name,
                   git_response_append(&wire, &form, (struct span){cases[i].output, strlen(cases[i].output)}),
                   cases[i].r);
        expect_span(cases[i].name, buffer_content(&wire), (struct span){cases[i].wire, strlen(cases[i].wire)});
        buffer_deinit(&wire);
    }
}

/* A response is written whole or not at all, and earlier bytes on the wire stay. */
static void test_no_room(void **state) {
    const struct git_response_form form = {.is_chunked = true, .date = DATE};
    const struct span output = SPAN(GIT_HEAD "hello");
    struct buffer wire;
    size_t whole;

    (void)state;
    buffer_init(&wire, 1024);
    assert_int_equal(git_response_append(&wire, &form, output), 0);
    whole = buffer_size(&wire);
    buffer_deinit(&wire);
    for (size_t room = 1; room <= whole; room++) {
        buffer_init(&wire, room + 3);
        assert_int_equal(buffer_append(&wire, "abc", 3), 0);
        expect_int("room", git_response_append(&wire, &form, output), room < whole ? -ENOBUFS : 0);
        expect_int("size", buffer_size(&wire), room < whole ? 3 : whole + 3);
        expect_true("before", memcmp(buffer_content(&wire).data, "abc", 3) == 0);
        buffer_deinit(&wire);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
