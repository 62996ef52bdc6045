/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The grammar alone, without llhttp: where it stops and why, however the bytes are cut. It covers bytes that an older
 * or newer llhttp lets through, whatever this build's llhttp does.
 */

#include "expect.h"

#include <stdio.h>

#include "base/span.h"
#include "http/syntax.h"

#define BYTES(literal)                                                                                                 \
    { (literal), sizeof(literal) - 1 }
#define LINE "GET / HTTP/1.1\r\n"
#define CHUNK "5\r\nabcde\r\n"

enum what {
    HEAD,
    CHUNKS,
    LENGTH_OF_5,
};

/* @n_good bytes pass. A fault follows, or the end if @status is 0. */
struct syntax_case {
    const char *name;
    enum what what;
    struct span bytes;
    size_t n_good;
    int status;
};

#define GOOD(literal) BYTES(literal), sizeof(literal) - 1, 0
#define GOOD_BUT(good, behind) BYTES(good behind), sizeof(good) - 1, 0
#define BAD(good, rest) BYTES(good rest), sizeof(good) - 1, 400

static const struct syntax_case cases[] = {
    {"a head", HEAD, GOOD(LINE "Host: h\r\nA:\r\n\r\n")},
    {"bytes behind a head", HEAD, GOOD_BUT(LINE "\r\n", "\r\n\0 POST")},
    {"tabs in values", HEAD, GOOD(LINE "A:\t \tb\tc\t \r\n\r\n")},
    {"bytes over 127 in a value", HEAD, GOOD(LINE "A: \x80\xff\r\n\r\n")},
    {"HTTP/1.0", HEAD, GOOD("POST /a?b#c HTTP/1.0\r\n\r\n")},
    {"an empty line first", HEAD, BAD("", "\r\n" LINE)},
    {"a space first", HEAD, BAD("", " " LINE)},
    {"two spaces before the target", HEAD, BAD("GET ", " / HTTP/1.1\r\n")},
    {"two spaces before the version", HEAD, BAD("GET / ", " HTTP/1.1\r\n")},
    {"a tab before the target", HEAD, BAD("GET", "\t/ HTTP/1.1\r\n")},
    {"a tab in the target", HEAD, BAD("GET /", "\t HTTP/1.1\r\n")},
    {"no version", HEAD, BAD("GET /", "\r\nHost: h\r\n\r\n")},
    {"a byte over 127 in the target", HEAD, BAD("GET /", "\x80 HTTP/1.1\r\n")},
    {"a NUL byte in the version", HEAD, BAD("GET / HTTP/1.", "\0\r\n")},
    {"another version", HEAD, BYTES("GET / HTTP/1.2\r\n\r\n"), 13, 505},
    {"a version of one number", HEAD, BYTES("GET / HTTP/2\r\n\r\n"), 11, 505},
    {"a space in the version", HEAD, BYTES("GET / HTTP/ 1.1\r\n\r\n"), 11, 505},
    {"another protocol", HEAD, BAD("GET / ", "RTSP/1.0\r\n\r\n")},
    {"a protocol in lower case", HEAD, BAD("GET / ", "http/1.1\r\n\r\n")},
    {"a protocol alone", HEAD, BAD("GET / HTTP", "\r\n\r\n")},
    {"a byte over 127 in the version", HEAD, BAD("GET / HTTP/", "\x80\r\n\r\n")},
    {"a line feed in the version", HEAD, BAD("GET / HTTP/1", "\n\r\n")},
    {"a version too long", HEAD, BAD("GET / HTTP/1.1", "0\r\n\r\n")},
    {"a space behind the version", HEAD, BAD("GET / HTTP/1.1", " \r\n\r\n")},
    {"a version cut short", HEAD, BYTES("GET / HTTP/1\r\n\r\n"), 12, 505},
    {"a bare line feed behind the version", HEAD, BAD("GET / HTTP/1.1", "\n\n")},
    {"a bare carriage return behind the version", HEAD, BAD("GET / HTTP/1.1\r", "A: b\r\n\r\n")},
    {"a line folded with a space", HEAD, BAD(LINE "A: b\r\n", " c\r\n\r\n")},
    {"a line folded with a tab", HEAD, BAD(LINE "A: b\r\n", "\tc\r\n\r\n")},
    {"a space before the first field", HEAD, BAD(LINE, " A: b\r\n\r\n")},
    {"a space before the colon", HEAD, BAD(LINE "A", " : b\r\n\r\n")},
    {"a tab before the colon", HEAD, BAD(LINE "A", "\t: b\r\n\r\n")},
    {"an empty name", HEAD, BAD(LINE, ": b\r\n\r\n")},
    {"no colon", HEAD, BAD(LINE "A", "\r\n\r\n")},
    {"a bare line feed behind a value", HEAD, BAD(LINE "A: b", "\nB: c\r\n\r\n")},
    {"a bare carriage return in a value", HEAD, BAD(LINE "A: b\r", "c\r\n\r\n")},
    {"two carriage returns", HEAD, BAD(LINE "A: b\r", "\r\n\r\n")},
    {"a NUL byte in a value", HEAD, BAD(LINE "A: b", "\0\r\n\r\n")},
    {"a vertical tab in a value", HEAD, BAD(LINE "A: b", "\v\r\n\r\n")},
    {"DEL in a value", HEAD, BAD(LINE "A: b", "\x7f\r\n\r\n")},
    {"a bare line feed for the empty line", HEAD, BAD(LINE "A: b\r\n", "\n")},
    {"a bare carriage return for the empty line", HEAD, BAD(LINE "A: b\r\n\r", "X")},
    {"chunks", CHUNKS, GOOD(CHUNK "0a\r\n0123456789\r\n0\r\n\r\n")},
    {"no chunk", CHUNKS, GOOD_BUT("0\r\n\r\n", "\r\n")},
    {"many zeros", CHUNKS, GOOD("000000000000000000001\r\n\r\r\n000\r\n\r\n")},
    {"an extension", CHUNKS, BAD("5", ";a=b\r\nabcde\r\n")},
    {"an extension of the last chunk", CHUNKS, BAD(CHUNK "0", ";a\r\n\r\n")},
    {"a space behind a size", CHUNKS, BAD("5", " \r\nabcde\r\n")},
    {"a tab behind a size", CHUNKS, BAD("5", "\t\r\nabcde\r\n")},
    {"a space before a size", CHUNKS, BAD("", " 5\r\nabcde\r\n")},
    {"no size", CHUNKS, BAD("", "\r\nabcde\r\n")},
    {"a sign", CHUNKS, BAD("", "+5\r\nabcde\r\n")},
    {"0x", CHUNKS, BAD("0", "x5\r\nabcde\r\n")},
    {"a letter over f", CHUNKS, BAD("", "g\r\n")},
    {"a byte that is a digit in its lower bits", CHUNKS, BAD("", "\x15\r\n")},
    {"a size of 64 bits and more", CHUNKS, BAD("ffffffffffffffff", "0\r\n")},
    {"a bare line feed behind a size", CHUNKS, BAD("5", "\nabcde\r\n")},
    {"a bare carriage return behind a size", CHUNKS, BAD("5\r", "abcde\r\n")},
    {"a bare line feed behind a chunk", CHUNKS, BAD("5\r\nabcde", "\n0\r\n\r\n")},
    {"a bare carriage return behind a chunk", CHUNKS, BAD("5\r\nabcde\r", "0\r\n\r\n")},
    {"nothing behind a chunk", CHUNKS, BAD("5\r\nabcde", "0\r\n\r\n")},
    {"a trailer", CHUNKS, BAD(CHUNK "0\r\n", "A: b\r\n\r\n")},
    {"a bare line feed at the end", CHUNKS, BAD(CHUNK "0\r\n", "\n")},
    {"a bare carriage return at the end", CHUNKS, BAD(CHUNK "0\r\n\r", "X")},
    {"any bytes", LENGTH_OF_5, GOOD_BUT("\r\n\0\xff;", "GET")},
};

static void begin(struct syntax *syntax, enum what what) {
    if (what == HEAD) {
        syntax_init_head(syntax);
    } else {
        syntax_init_body(syntax, what == CHUNKS, what == CHUNKS ? 0 : 5);
    }
}

/* Passes up to byte @end, and says where it stopped. */
static size_t pass_up_to(struct syntax *syntax, struct span bytes, size_t start, size_t end) {
    while (start < end) {
        size_t n = syntax_pass(syntax, bytes.data + start, end - start);

        if (n == 0) {
            break;
        }
        start += n;
    }
    return start;
}

static void check_end(const struct syntax_case *c, const char *how, const struct syntax *syntax, size_t at) {
    char name[200];

    (void)snprintf(name, sizeof(name), "%s, %s", c->name, how);
    expect_int(name, at, c->n_good);
    expect_int(name, syntax->state == SYNTAX_COMPLETE, c->status == 0);
    expect_int(name, syntax->fault != NULL, c->status != 0);
    expect_int(name, c->status ? syntax->status : 0, c->status);
}

static void test_cuts(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct syntax_case *c = &cases[i];
        struct syntax syntax;
        size_t at = 0;

        for (size_t cut = 0; cut <= c->bytes.size; cut++) {
            char how[32];
            char name[200];

            (void)snprintf(how, sizeof(how), "cut at %zu", cut);
            (void)snprintf(name, sizeof(name), "%s, %s", c->name, how);
            begin(&syntax, c->what);
            at = pass_up_to(&syntax, c->bytes, 0, cut);
            expect_int(name, at, cut < c->n_good ? cut : c->n_good);
            at = pass_up_to(&syntax, c->bytes, at, c->bytes.size);
            check_end(c, how, &syntax, at);
        }
        begin(&syntax, c->what);
        at = 0;
        for (size_t end = 1; end <= c->bytes.size; end++) {
            at = pass_up_to(&syntax, c->bytes, at, end);
        }
        check_end(c, "byte by byte", &syntax, at);
    }
}

/* Tries each byte in places where only a few are allowed. These texts list them, independent of the tables. */
static void test_each_byte(void **state) {
    static const char token[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char head[] = LINE "A?: b\r\n\r\n";
        char size[] = "?\r\n";
        char name[32];
        struct syntax syntax;

        (void)snprintf(name, sizeof(name), "byte %02x", (unsigned)byte);
        *strchr(head, '?') = *strchr(size, '?') = (char)byte;
        syntax_init_head(&syntax);
        (void)syntax_pass(&syntax, head, sizeof(head) - 1);
        /* The first colon ends the name, and the second one belongs to the value. */
        expect_int(name, syntax.state == SYNTAX_COMPLETE, byte == ':' || (byte && strchr(token, byte)));
        syntax_init_body(&syntax, true, 0);
        expect_int(name, syntax_pass(&syntax, size, 1) == 1, byte && strchr("0123456789abcdefABCDEF", byte));
    }
}

/* A target may have 4096 bytes. A longer one gets a status of its own. */
static void test_target_limit(void **state) {
    static char head[6000];
    struct syntax syntax;

    (void)state;
    (void)snprintf(head, sizeof(head), "GET /%04095d HTTP/1.1\r\n\r\n", 0);
    syntax_init_head(&syntax);
    (void)syntax_pass(&syntax, head, strlen(head));
    assert_int_equal(syntax.state, SYNTAX_COMPLETE);
    (void)snprintf(head, sizeof(head), "GET /%04096d HTTP/1.1\r\n\r\n", 0);
    syntax_init_head(&syntax);
    assert_int_equal(syntax_pass(&syntax, head, strlen(head)), strlen("GET ") + 4096);
    assert_int_equal(syntax.status, 414);
}

/* The grammar stops after each chunk, as llhttp does. */
static void test_stops(void **state) {
    static const char wire[] = CHUNK CHUNK "0\r\n\r\n";
    struct syntax syntax;

    (void)state;
    syntax_init_body(&syntax, true, 0);
    assert_int_equal(syntax_pass(&syntax, wire, sizeof(wire) - 1), strlen(CHUNK));
    assert_int_equal(syntax_pass(&syntax, wire + strlen(CHUNK), sizeof(wire) - 1 - strlen(CHUNK)), strlen(CHUNK));
    syntax_init_body(&syntax, false, 0);
    assert_int_equal(syntax.state, SYNTAX_COMPLETE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_each_byte),
        cmocka_unit_test(test_target_limit),
        cmocka_unit_test(test_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
