/* SPDX-License-Identifier: Apache-2.0 */

/* answer: recognises a response and keeps a part of its bytes, wherever it is cut. */

#include "cli/answer.h"

#include "unit.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define BODY "000eversion 2\n0000"

static const struct {
    const char *name;
    const char *bytes;
    int r;
    bool is_whole; /* once the connection has ended */
    int status;
    const char *content_type;
    const char *retry_after;
    const char *text;
} cases[] = {
    {"by length", OK "Content-Type: a/b\r\nContent-Length: 18\r\n\r\n" BODY, 0, true, 200, "a/b", "", ""},
    {"in chunks", OK "Transfer-Encoding: chunked\r\nContent-Type:\ta/b \r\n\r\n12\r\n" BODY "\r\n0\r\n\r\n", 0, true,
     200, "a/b ", "", ""},
    {"to the end", "HTTP/1.0 200 OK\r\n\r\n" BODY, 0, true, 200, "", "", ""},
    {"an error", "HTTP/1.1 503 Busy\r\nRETRY-AFTER: 5\r\nContent-Length: 5\r\n\r\nbusy\n", 0, true, 503, "", "5",
     "busy\n"},
    {"more behind it", "HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nnomore", 0, true, 404, "", "", "no"},
    {"a field twice", "HTTP/1.1 404 No\r\nContent-Type: first\r\nContent-Type: b\r\nContent-Length: 0\r\n\r\n", 0, true,
     404, "b", "", ""},
    {"an empty value before another field",
     "HTTP/1.1 404 No\r\nX:\r\nContent-Type: a\r\nRetry-After:\r\nContent-Length: 0\r\n\r\n", 0, true, 404, "a", "",
     ""},
    {"names that begin alike", "HTTP/1.1 404 No\r\nContent-Types: a\r\nContent-Typ: b\r\nContent-Length: 0\r\n\r\n", 0,
     true, 404, "", "", ""},
    {"a body cut short", OK "Content-Length: 19\r\n\r\n" BODY, 0, false, 200, "", "", ""},
    {"no last chunk", OK "Transfer-Encoding: chunked\r\n\r\n12\r\n" BODY "\r\n", 0, false, 200, "", "", ""},
    {"half a head", OK "Content-Length: 18\r\n", 0, false, 0, "", "", ""},
    {"nothing", "", 0, false, 0, "", "", ""},
    {"an interim response", "HTTP/1.1 100 Continue\r\n\r\n", ANSWER_E_NONSENSE},
    {"a status that there is not", "HTTP/1.1 600 Hm\r\n\r\n", ANSWER_E_NONSENSE},
    {"another version", "HTTP/2.0 200 OK\r\n\r\n", ANSWER_E_NONSENSE},
    {"of RTSP", "RTSP/1.0 200 OK\r\n\r\n", ANSWER_E_NONSENSE},
    {"of a radio station", "ICE/1.0 200 OK\r\n\r\n", ANSWER_E_NONSENSE},
    {"an empty line before it", "\r\n" OK "Content-Length: 0\r\n\r\n", ANSWER_E_NONSENSE},
    {"another protocol", "SSH-2.0-OpenSSH_9.2\r\n", ANSWER_E_NONSENSE},
    {"a request", "GET / HTTP/1.1\r\n\r\n", ANSWER_E_NONSENSE},
    {"length and chunks", OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", ANSWER_E_NONSENSE},
    {"a broken chunk", OK "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", ANSWER_E_NONSENSE},
    {"a bare line feed", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", ANSWER_E_NONSENSE},
};

static int feed(struct answer *answer, const char *bytes, size_t size) {
    char *copy = unit_copy(bytes, size);
    int r = answer_feed(answer, (struct span){copy, size});

    free(copy);
    return r;
}

static void check(size_t i, struct answer *answer, int r) {
    const char *name = cases[i].name;

    expect_int(name, r, cases[i].r);
    if (r) {
        expect_true(name, !answer->is_whole);
        return;
    }
    answer_finish(answer);
    expect_int(name, answer->is_whole, cases[i].is_whole);
    expect_int(name, answer->status, cases[i].status);
    expect_text(name, answer->field[ANSWER_FIELD_CONTENT_TYPE], cases[i].content_type);
    expect_text(name, answer->field[ANSWER_FIELD_RETRY_AFTER], cases[i].retry_after);
    if (answer->is_whole) {
        expect_span(name, ((struct span){answer->text, answer->text_size}), span_of(cases[i].text));
        expect_int(name, answer->advertisement.state,
                   answer->status == 200 ? ADVERTISEMENT_WHOLE : ADVERTISEMENT_FIRST);
    }
}

static void test_whole_and_in_two(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t size = strlen(cases[i].bytes);

        for (size_t cut = 0; cut <= size; cut++) {
            struct answer answer;
            int r;

            answer_init(&answer);
            r = feed(&answer, cases[i].bytes, cut);
            r = r ? r : feed(&answer, cases[i].bytes + cut, size - cut);
            check(i, &answer, r);
        }
    }
}

static void test_byte_by_byte(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct answer answer;
        int r = 0;

        answer_init(&answer);
        for (const char *at = cases[i].bytes; *at && !r; at++) {
            r = feed(&answer, at, 1);
        }
        check(i, &answer, r);
    }
}

/* The number of bytes taken and kept has a bound, however the response arrives. */
static void test_too_large(void **state) {
    static const char *const beginnings[] = {
        "HTTP/1.1 404 No\r\nContent-Type: ", "HTTP/1.1 404 No\r\n", "HTTP/1.1 404 No\r\n\r\n", "HTTP/1.1 ", OK "\r\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++) {
        struct answer answer;
        size_t size = strlen(beginnings[i]);
        int r;

        answer_init(&answer);
        r = feed(&answer, beginnings[i], size);
        for (; !r && size <= 2 * ANSWER_MAX_BYTES; size++) {
            r = feed(&answer, i == 3 ? "4" : "x", 1);
        }
        expect_int(beginnings[i], r, i == 3 ? ANSWER_E_NONSENSE : ANSWER_E_TOO_LARGE);
        expect_true(beginnings[i], size <= ANSWER_MAX_BYTES + 1);
        expect_true(beginnings[i], strlen(answer.field[ANSWER_FIELD_CONTENT_TYPE]) == (i == 0 ? ANSWER_VALUE_MAX : 0));
        expect_true(beginnings[i], answer.text_size == (i == 2 ? ANSWER_TEXT_MAX : 0));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_and_in_two),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
