/* SPDX-License-Identifier: Apache-2.0 */

/* Request heads that are refused: the status, which must not depend on how the bytes were cut. */

#include "unit.h"

#include <stdio.h>

#define H "Host: h\r\n"
#define LINE(line) BYTES(line "\r\n" H "\r\n")
#define FIELD(field) BYTES("POST /x HTTP/1.1\r\n" H field "\r\n\r\n")
#define HOST(host) BYTES("GET / HTTP/1.1\r\nHost:" host "\r\n\r\n")

struct refuse_case {
    const char *name;
    int status;
    struct span bytes;
};

static const struct refuse_case request_lines[] = {
    {"two spaces before the target", 400, LINE("GET  / HTTP/1.1")},
    {"two spaces before the version", 400, LINE("GET /  HTTP/1.1")},
    {"a space before the method", 400, LINE(" GET / HTTP/1.1")},
    {"a tab before the method", 400, LINE("\tGET / HTTP/1.1")},
    {"a space behind the version", 400, LINE("GET / HTTP/1.1 ")},
    {"a tab behind the version", 400, LINE("GET / HTTP/1.1\t")},
    {"a tab before the target", 400, LINE("GET\t/ HTTP/1.1")},
    {"a tab before the version", 400, LINE("GET /\tHTTP/1.1")},
    {"a space and a tab before the target", 400, LINE("GET \t/ HTTP/1.1")},
    {"a space and a tab before the version", 400, LINE("GET / \tHTTP/1.1")},
    {"an empty line before it", 400, LINE("\r\nGET / HTTP/1.1")},
    {"a line feed before it", 400, LINE("\nGET / HTTP/1.1")},
    {"a carriage return before it", 400, LINE("\rGET / HTTP/1.1")},
    {"a space in the target", 400, LINE("GET /a b HTTP/1.1")},
    {"no target", 400, LINE("GET HTTP/1.1")},
    {"an empty target", 400, LINE("GET  HTTP/1.1")},
    {"a method alone", 400, LINE("GET")},
    {"a method and a space", 400, LINE("GET ")},
    {"a relative target", 400, LINE("GET r.git/HEAD HTTP/1.1")},
    {"line feed alone ends it", 400, BYTES("GET / HTTP/1.1\n" H "\r\n")},
    {"carriage return alone ends it", 400, BYTES("GET / HTTP/1.1\r" H "\r\n")},
    {"two carriage returns end it", 400, BYTES("GET / HTTP/1.1\r\r\n" H "\r\n")},
    {"1.0, line feeds alone", 400, BYTES("GET / HTTP/1.0\n\n")},
    {"no version, no fields", 400, BYTES("GET /\r\n\r\n")},
    {"no version", 400, LINE("GET /")},
    {"no version, a space", 400, LINE("GET / ")},
    {"no version, line feeds alone", 400, BYTES("GET /\n\n")},
    {"POST without a version", 400, LINE("POST /r.git/git-upload-pack")},
    {"a TLS ClientHello", 400, BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")},
    {"an SSLv2 ClientHello", 400, BYTES("\x80\x2e\x01\x03\x01")},
    {"a NUL byte", 400, BYTES("\0GET / HTTP/1.1\r\n" H "\r\n")},
    {"a NUL byte in the method", 400, LINE("GE\0T / HTTP/1.1")},
    {"a NUL byte behind the method", 400, LINE("GET\0/ HTTP/1.1")},
    {"a bracket in the method", 400, LINE("GE(T / HTTP/1.1")},
};

static const struct refuse_case versions[] = {
    {"0.9", 505, LINE("GET / HTTP/0.9")},
    {"1.2", 505, LINE("GET / HTTP/1.2")},
    {"1.9", 505, LINE("GET / HTTP/1.9")},
    {"2.0", 505, LINE("GET / HTTP/2.0")},
    {"2", 505, LINE("GET / HTTP/2")},
    {"2.1", 505, LINE("GET / HTTP/2.1")},
    {"3.0", 505, LINE("GET / HTTP/3.0")},
    {"0.0", 505, LINE("GET / HTTP/0.0")},
    {"0.1", 505, LINE("GET / HTTP/0.1")},
    {"one digit too much", 400, LINE("GET / HTTP/1.10")},
    {"11.1", 505, LINE("GET / HTTP/11.1")},
    {"01.1", 505, LINE("GET / HTTP/01.1")},
    {"another protocol", 505, LINE("GET / RTSP/1.0")},
    {"HTTP/2 preface", 505, BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
    {"lower case", 400, LINE("GET / http/1.1")},
    {"mixed case", 400, LINE("GET / Http/1.1")},
    {"the name alone", 400, LINE("GET / HTTP")},
    {"another name", 400, LINE("GET / HTTPS/1.1")},
    {"a space before the slash", 400, LINE("GET / HTTP /1.1")},
};

static const struct refuse_case methods[] = {
    {"unknown", 501, LINE("BREW / HTTP/1.1")},
    {"lower case", 501, LINE("get / HTTP/1.1")},
    {"lower case of a known one", 501, LINE("post / HTTP/1.1")},
    {"mixed case", 501, LINE("Get / HTTP/1.1")},
    {"a known one with more behind it", 501, LINE("GETS / HTTP/1.1")},
    {"the beginning of a known one", 501, LINE("GE / HTTP/1.1")},
    {"the beginning of another one", 501, LINE("POS / HTTP/1.1")},
    {"one letter", 501, LINE("G / HTTP/1.1")},
    {"all bytes of a token", 501, LINE("!#$%&'*+-.^_`|~09AZaz / HTTP/1.1")},
    {"one of RTSP", 501, LINE("DESCRIBE / HTTP/1.1")},
    {"another one of RTSP", 501, LINE("PLAY / HTTP/1.1")},
    {"a git:// request", 501, BYTES("0032git-upload-pack /r.git\0host=h\0")},
    {"a response", 501, BYTES("HTTP/1.1 200 OK\r\n\r\n")},
};

static const struct refuse_case lengths[] = {
    {"plus sign", 400, FIELD("Content-Length: +5")},
    {"minus sign", 400, FIELD("Content-Length: -1")},
    {"minus zero", 400, FIELD("Content-Length: -0")},
    {"two numbers with a space", 400, FIELD("Content-Length: 5 5")},
    {"two numbers with a comma", 400, FIELD("Content-Length: 5,5")},
    {"two numbers with a comma and a space", 400, FIELD("Content-Length: 5, 5")},
    {"hexadecimal", 400, FIELD("Content-Length: 0x5")},
    {"hexadecimal digit", 400, FIELD("Content-Length: a")},
    {"fraction", 400, FIELD("Content-Length: 5.0")},
    {"underscore", 400, FIELD("Content-Length: 1_0")},
    {"one over 64 bits", 400, FIELD("Content-Length: 18446744073709551616")},
    {"far over 64 bits", 400, FIELD("Content-Length: 99999999999999999999999999")},
    {"over 64 bits, small in 64 bits", 400, FIELD("Content-Length: 18446744073709551621")},
    {"empty", 400, FIELD("Content-Length:")},
    {"blank", 400, FIELD("Content-Length: \t ")},
    {"quoted", 400, FIELD("Content-Length: \"5\"")},
    {"with a parameter", 400, FIELD("Content-Length: 5;a")},
    {"a control byte behind it", 400, FIELD("Content-Length: 5\x0b")},
    {"NUL behind it", 400, FIELD("Content-Length: 5\0")},
    {"not empty on GET", 400, BYTES("GET / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello")},
    {"empty on GET", 400, BYTES("GET / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n")},
    {"not empty on GET of 1.0", 400, BYTES("GET / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx")},
    {"twice the same", 400, FIELD("Content-Length: 5\r\nContent-Length: 5")},
    {"twice, different", 400, FIELD("Content-Length: 5\r\nContent-Length: 6")},
    {"twice zero", 400, FIELD("Content-Length: 0\r\ncontent-length: 0")},
};

static const struct refuse_case codings[] = {
    {"behind a length", 400, FIELD("Content-Length: 5\r\nTransfer-Encoding: chunked")},
    {"before a length", 400, FIELD("Transfer-Encoding: chunked\r\nContent-Length: 5")},
    {"behind a length of 0", 400, FIELD("Content-Length: 0\r\nTransfer-Encoding: chunked")},
    {"before a length of 0", 400, FIELD("Transfer-Encoding: chunked\r\nContent-Length: 0")},
    {"beside a length, with fields between", 400, FIELD("Content-Length: 5\r\nA: b\r\nTransfer-Encoding: chunked")},
    {"twice", 400, FIELD("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")},
    {"twice, in another case", 400, FIELD("Transfer-Encoding: chunked\r\nA: b\r\nTRANSFER-ENCODING: chunked")},
    {"chunked twice in one", 400, FIELD("Transfer-Encoding: chunked, chunked")},
    {"chunked is not the last", 400, FIELD("Transfer-Encoding: chunked, gzip")},
    {"gzip", 501, FIELD("Transfer-Encoding: gzip")},
    {"gzip before chunked", 501, FIELD("Transfer-Encoding: gzip, chunked")},
    {"identity", 501, FIELD("Transfer-Encoding: identity")},
    {"quoted", 501, FIELD("Transfer-Encoding: 'chunked'")},
    {"quoted otherwise", 501, FIELD("Transfer-Encoding: \"chunked\"")},
    {"with a parameter", 501, FIELD("Transfer-Encoding: chunked;a=b")},
    {"more before it", 501, FIELD("Transfer-Encoding: xchunked")},
    {"more behind it", 501, FIELD("Transfer-Encoding: chunkedx")},
    {"an empty list element before it", 501, FIELD("Transfer-Encoding: ,chunked")},
    {"a part of it", 501, FIELD("Transfer-Encoding: chunke")},
    {"empty", 501, FIELD("Transfer-Encoding:")},
    {"a vertical tab before it", 400,
     FIELD("Transfer-Encoding: \x0b"
           "chunked")},
    {"a control byte behind it", 400, FIELD("Transfer-Encoding: chunked\x01")},
    {"on 1.0", 400, BYTES("POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n")},
    {"on 1.0 with Host", 400, BYTES("POST /x HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n")},
    {"on GET", 400, BYTES("GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
};

static const struct refuse_case hosts[] = {
    {"none on 1.1", 400, BYTES("GET / HTTP/1.1\r\n\r\n")},
    {"none among other fields", 400, BYTES("GET / HTTP/1.1\r\nHosts: h\r\nHos: h\r\n\r\n")},
    {"empty", 400, HOST("")},
    {"blank", 400, HOST(" \t ")},
    {"empty on 1.0", 400, BYTES("GET / HTTP/1.0\r\nHost:\r\n\r\n")},
    {"space", 400, HOST(" a b")},
    {"tab", 400, HOST(" a\tb")},
    {"slash", 400, HOST(" a/b")},
    {"backslash", 400, HOST(" a\\b")},
    {"user", 400, HOST(" u@h")},
    {"query", 400, HOST(" a?b")},
    {"fragment", 400, HOST(" a#b")},
    {"a whole address", 400, HOST(" http://h")},
    {"two with a comma", 400, HOST(" a, b")},
    {"quote", 400, HOST(" a\"b")},
    {"a byte over 127", 400, HOST(" a\x80")},
    {"slash on 1.0", 400, BYTES("GET / HTTP/1.0\r\nHost: a/b\r\n\r\n")},
    {"twice", 400, FIELD("Host: h")},
    {"twice, different", 400, FIELD("HOST: i")},
};

static const struct refuse_case fields[] = {
    {"Authorization twice", 400, FIELD("Authorization: Basic YTo=\r\nAuthorization: Basic YTo=")},
    {"Authorization twice, in another case", 400, FIELD("AUTHORIZATION: a\r\nA: b\r\nauthorization: b")},
    {"Authorization twice, both empty", 400, FIELD("Authorization:\r\nAuthorization:")},
    {"Content-Type twice", 400, FIELD("Content-Type: a\r\nContent-Type: a")},
    {"Content-Encoding twice", 400, FIELD("Content-Encoding: gzip\r\nContent-Encoding: gzip")},
    {"Expect twice", 400, FIELD("Expect: 100-continue\r\nExpect: 100-continue")},
    {"Git-Protocol twice", 400, FIELD("Git-Protocol: version=2\r\nGit-Protocol: version=2")},
    {"folded with a space", 400, FIELD("A: b\r\n c")},
    {"folded with a tab", 400, FIELD("A: b\r\n\tc")},
    {"folded and blank", 400, FIELD("A: b\r\n ")},
    {"folded behind an empty value", 400, FIELD("A:\r\n b")},
    {"folded length", 400, FIELD("Content-Length:\r\n 5")},
    {"folded length goes on", 400, FIELD("Content-Length: 5\r\n 5")},
    {"folded coding", 400, FIELD("Transfer-Encoding:\r\n chunked")},
    {"folded coding goes on", 400, FIELD("Transfer-Encoding: chunked\r\n ,gzip")},
    {"the first line folded with a space", 400, BYTES("GET / HTTP/1.1\r\n " H "\r\n")},
    {"the first line folded with a tab", 400, BYTES("GET / HTTP/1.1\r\n\t" H "\r\n")},
    {"space before the colon", 400, FIELD("A : b")},
    {"tab before the colon", 400, FIELD("A\t: b")},
    {"space before the colon of a length", 400, FIELD("Content-Length : 5")},
    {"space before the colon of a coding", 400, FIELD("Transfer-Encoding : chunked")},
    {"empty name", 400, FIELD(": b")},
    {"no colon", 400, FIELD("A")},
    {"no colon, two words", 400, FIELD("A b")},
    {"line feed alone ends a value", 400, FIELD("A: b\nC: d")},
    {"line feed alone ends an empty value", 400, FIELD("A:\nC: d")},
    {"line feed alone ends a length", 400, FIELD("Content-Length: 5\nA: b")},
    {"line feed alone ends a coding", 400, FIELD("Transfer-Encoding: chunked\nA: b")},
    {"line feed alone ends Connection", 400, FIELD("Connection: close\nA: b")},
    {"line feed alone ends the fields", 400, BYTES("GET / HTTP/1.1\r\nHost: h\n\r\n")},
    {"line feed alone ends the head", 400, BYTES("GET / HTTP/1.1\r\n" H "\n")},
    {"line feeds alone end the head", 400, BYTES("GET / HTTP/1.1\r\nHost: h\n\n")},
    {"line feed alone ends a head without fields", 400, BYTES("GET / HTTP/1.0\r\n\n")},
    {"carriage return in a value", 400, FIELD("A: b\rc")},
    {"carriage return before a value", 400, FIELD("A:\rb")},
    {"two carriage returns behind a value", 400, FIELD("A: b\r")},
    {"carriage return behind a length", 400, FIELD("Content-Length: 5\rA: b")},
    {"carriage return behind a coding", 400, FIELD("Transfer-Encoding: chunked\rA: b")},
    {"carriage return behind Connection", 400, FIELD("Connection: close\rA: b")},
    {"carriage return at the end, then a letter", 400, BYTES("GET / HTTP/1.1\r\n" H "\rx")},
};

static void check_refused(const char *name, int status, struct span bytes) {
    struct feeder whole;
    struct feeder cut;
    int r = HEAD_E_MORE;

    feeder_init(&whole);
    expect_int(name, feeder_feed(&whole, bytes, bytes.size), HEAD_E_REFUSED);
    expect_int(name, whole.head.status, status);
    expect_true(name, whole.head.reason && *whole.head.reason);
    feeder_deinit(&whole);

    feeder_init(&cut);
    for (size_t size = 0; r == HEAD_E_MORE && size <= bytes.size; size++) {
        r = feeder_feed(&cut, bytes, size);
    }
    expect_int(name, r, HEAD_E_REFUSED);
    expect_int(name, cut.head.status, status);
    feeder_deinit(&cut);

    for (size_t at = 0; at < bytes.size; at++) {
        feeder_init(&cut);
        r = feeder_feed(&cut, bytes, at);
        if (r == HEAD_E_MORE) {
            r = feeder_feed(&cut, bytes, bytes.size);
        }
        expect_int(name, r, HEAD_E_REFUSED);
        expect_int(name, cut.head.status, status);
        expect_true(name, cut.head.reason && *cut.head.reason);
        feeder_deinit(&cut);
    }
}

#define REFUSAL_TEST(table)                                                                                            \
    static void test_##table(void **state) {                                                                           \
        (void)state;                                                                                                   \
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {                                                               \
            check_refused((table)[i].name, (table)[i].status, (table)[i].bytes);                                       \
        }                                                                                                              \
    }

REFUSAL_TEST(request_lines)
REFUSAL_TEST(versions)
REFUSAL_TEST(methods)
REFUSAL_TEST(lengths)
REFUSAL_TEST(codings)
REFUSAL_TEST(hosts)
REFUSAL_TEST(fields)

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

/* Each byte that must not be there, in place of the "*" of each of these. */
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
                check_refused(name, 400, (struct span){bytes, size});
            }
            free(bytes);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_lines), cmocka_unit_test(test_versions),     cmocka_unit_test(test_methods),
        cmocka_unit_test(test_lengths),       cmocka_unit_test(test_codings),      cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_fields),        cmocka_unit_test(test_single_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
