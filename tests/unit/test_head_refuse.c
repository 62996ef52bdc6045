/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Each forbidden byte in each place means a 400, however the bytes are cut. All other faults of a head are files in
 * tests/data/http/refuse.
 */

#include "unit.h"

#include <stdio.h>

#define H "Host: h\r\n"

static void check_refused(const char *name, struct span bytes) {
    struct feeder whole;
    struct feeder cut;
    int r = HEAD_E_MORE;

    feeder_init(&whole);
    expect_int(name, feeder_feed(&whole, bytes, bytes.size), HEAD_E_REFUSED);
    expect_int(name, whole.head.status, 400);
    expect_true(name, whole.head.reason && *whole.head.reason);
    feeder_deinit(&whole);

    feeder_init(&cut);
    for (size_t size = 0; r == HEAD_E_MORE && size <= bytes.size; size++) {
        r = feeder_feed(&cut, bytes, size);
    }
    expect_int(name, r, HEAD_E_REFUSED);
    expect_int(name, cut.head.status, 400);
    feeder_deinit(&cut);

    for (size_t at = 0; at < bytes.size; at++) {
        feeder_init(&cut);
        r = feeder_feed(&cut, bytes, at);
        if (r == HEAD_E_MORE) {
            r = feeder_feed(&cut, bytes, bytes.size);
        }
        expect_int(name, r, HEAD_E_REFUSED);
        expect_int(name, cut.head.status, 400);
        expect_true(name, cut.head.reason && *cut.head.reason);
        feeder_deinit(&cut);
    }
}

static bool is_control(unsigned byte) {
    return byte < ' ' || byte == 0x7f;
}

static bool is_no_value_byte(unsigned byte) {
    return is_control(byte) && byte != '\t';
}

static bool is_no_target_byte(unsigned byte) {
    return is_control(byte) || byte > 0x7f;
}

static bool is_no_name_byte(unsigned byte) {
    return is_control(byte) || byte > 0x7f || strchr(" \"(),/;<=>?@[\\]{}", (int)byte);
}

/* Each forbidden byte is tried in place of the "*". */
static void test_single_bytes(void **state) {
    static const struct {
        const char *name;
        const char *pattern;
        bool (*refuses)(unsigned byte);
    } cases[] = {
        {"path", "GET /a*b HTTP/1.1\r\n" H "\r\n", is_no_target_byte},
        {"first byte of the target", "GET * HTTP/1.1\r\n" H "\r\n", is_no_target_byte},
        {"query", "GET /a?b*c HTTP/1.1\r\n" H "\r\n", is_no_target_byte},
        {"fragment", "GET /a?b#c*d HTTP/1.1\r\n" H "\r\n", is_no_target_byte},
        {"authority", "GET http://a*b/ HTTP/1.1\r\n" H "\r\n", is_no_target_byte},
        {"name", "GET / HTTP/1.1\r\n" H "A*b: c\r\n\r\n", is_no_name_byte},
        {"first byte of a name", "GET / HTTP/1.1\r\n" H "*a: c\r\n\r\n", is_no_name_byte},
        {"name of Host", "GET / HTTP/1.1\r\n" H "Host*: c\r\n\r\n", is_no_name_byte},
        {"value", "GET / HTTP/1.1\r\n" H "A: b*c\r\n\r\n", is_no_value_byte},
        {"first byte of a value", "GET / HTTP/1.1\r\n" H "A: *c\r\n\r\n", is_no_value_byte},
        {"Authorization", "GET / HTTP/1.1\r\n" H "Authorization: a*b\r\n\r\n", is_no_value_byte},
        {"Connection", "GET / HTTP/1.1\r\n" H "Connection: close*\r\n\r\n", is_no_value_byte},
        {"Upgrade", "GET / HTTP/1.1\r\n" H "Upgrade: a*b\r\n\r\n", is_no_value_byte},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t size = strlen(cases[i].pattern);

        for (unsigned byte = 0; byte < 256; byte++) {
            char *bytes = unit_copy(cases[i].pattern, size);
            char name[64];

            (void)snprintf(name, sizeof(name), "byte %02x in: %s", byte, cases[i].name);
            *(char *)memchr(bytes, '*', size) = (char)byte;
            if (cases[i].refuses(byte)) {
                check_refused(name, (struct span){bytes, size});
            }
            free(bytes);
        }
    }
}

/* Nothing follows the line's end, and the bytes before the line are valid. */
static void test_at_the_end_of_the_line(void **state) {
    static const struct {
        int status;
        const char *before;
        const char *line;
    } cases[] = {
        {400, "", "GET /x\r\n"},
        {400, "", "GET\r\n"},
        {400, "", "GET x HTTP/1.1\r\n"},
        {501, "", "FETCH / HTTP/1.1\r\n"},
        {501, "", "SOURCE / HTTP/1.1\r\n"},
        {505, "", "GET / HTTP/1.2\r\n"},
        {505, "", "GET / HTTP/2\r\n"},
        {400, "GET / HTTP/1.1\r\n", "Host:\r\n"},
        {400, "GET / HTTP/1.1\r\n", "Host: a/b\r\n"},
        {400, "GET / HTTP/1.1\r\n", "Host : a\r\n"},
        {400, "GET / HTTP/1.1\r\n", "no colon\r\n"},
        {400, "GET / HTTP/1.1\r\n", ": no name\r\n"},
        {400, "GET / HTTP/1.1\r\n" H, "Host: h\r\n"},
        {400, "GET / HTTP/1.1\r\n" H, " folded\r\n"},
        {400, "GET / HTTP/1.1\r\nAuthorization: a\r\n" H, "Authorization: a\r\n"},
        {400, "GET / HTTP/1.1\r\nAuthorization:\r\n", "Authorization: \r\n"},
        {400, "GET / HTTP/1.1\r\nExpect:\r\nHost: h\r\n", "Expect:\r\n"},
        {400, "GET / HTTP/1.1\r\n" H, "Content-Length: 1\r\n"},
        {400, "GET / HTTP/1.1\r\n" H, "Transfer-Encoding: chunked\r\n"},
        {400, "POST / HTTP/1.1\r\n" H, "Content-Length:\r\n"},
        {400, "POST / HTTP/1.1\r\n" H, "Content-Length: x\r\n"},
        {400, "POST / HTTP/1.1\r\n" H, "Content-Length: 1, 1\r\n"},
        {400, "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\n", "Content-Length: 1\r\n"},
        {400, "POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n"},
        {400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n", "Content-Length: 0\r\n"},
        {400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\n"},
        {400, "POST / HTTP/1.1\r\n" H, "Transfer-Encoding:\r\n"},
        {501, "POST / HTTP/1.1\r\n" H, "Transfer-Encoding: gzip, chunked\r\n"},
        {400, "POST / HTTP/1.0\r\n", "Transfer-Encoding: chunked\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t n_before = strlen(cases[i].before);
        char text[256];
        int size = snprintf(text, sizeof(text), "%s%s", cases[i].before, cases[i].line);
        struct feeder feeder;

        feeder_init(&feeder);
        if (n_before > 0) {
            expect_int(cases[i].before, feeder_feed(&feeder, (struct span){text, n_before}, n_before), HEAD_E_MORE);
        }
        expect_int(text, feeder_feed(&feeder, (struct span){text, (size_t)size}, (size_t)size), HEAD_E_REFUSED);
        expect_int(text, feeder.head.status, cases[i].status);
        feeder_deinit(&feeder);
    }
}

/* As many lines as are allowed, and one more. */
static void test_lines_too_many(void **state) {
    char text[1024] = "GET / HTTP/1.1\r\n";
    struct feeder feeder;

    (void)state;
    feeder_init(&feeder);
    for (size_t n = 1; n <= HEAD_MAX_FIELDS + 1; n++) {
        size_t size = strlen(text);

        size += (size_t)snprintf(text + size, sizeof(text) - size, "A%s\r\n", n % 2 ? ": b" : ":");
        expect_int(text, feeder_feed(&feeder, (struct span){text, size}, size),
                   n <= HEAD_MAX_FIELDS ? HEAD_E_MORE : HEAD_E_REFUSED);
    }
    expect_int("status", feeder.head.status, 431);
    feeder_deinit(&feeder);
}

/* The message about a field that git may have sent names the setting that it comes from. */
static void test_twice(void **state) {
    static const struct {
        const char *fields;
        const char *words;
        bool may_be_git;
    } cases[] = {
        {"Authorization: a\r\nAuthorization: b\r\n", "Authorization comes twice", true},
        {"authorization: a\r\nX: y\r\nAUTHORIZATION: a\r\n", "Authorization comes twice", true},
        {"Content-Type: a\r\nContent-type: b\r\n", "Content-Type comes twice", true},
        {"Host: h\r\n", "is there twice", false},
        {"Expect: a\r\nExpect: a\r\n", "is there twice", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct feeder feeder;
        char bytes[256];

        (void)snprintf(bytes, sizeof(bytes), "GET / HTTP/1.1\r\n" H "%s\r\n", cases[i].fields);
        feeder_init(&feeder);
        expect_int(cases[i].fields, feeder_feed(&feeder, span_of(bytes), strlen(bytes)), HEAD_E_REFUSED);
        expect_int(cases[i].fields, feeder.head.status, 400);
        expect_true(cases[i].fields, strstr(feeder.head.reason, cases[i].words));
        expect_int(cases[i].fields, strstr(feeder.head.reason, "http.extraHeader") != NULL, cases[i].may_be_git);
        feeder_deinit(&feeder);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_bytes),
        cmocka_unit_test(test_at_the_end_of_the_line),
        cmocka_unit_test(test_lines_too_many),
        cmocka_unit_test(test_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
