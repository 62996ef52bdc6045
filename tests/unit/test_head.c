/* SPDX-License-Identifier: Apache-2.0 */

/* Accepted request heads, cut anywhere, and the limits on their size. test_head_refuse.c has the other refusals. */

#include "unit.h"

#include <stdio.h>

#define H "Host: h\r\n"

/* An omitted member is expected to be absent, 0, false or GET. */
struct accept_case {
    const char *name;
    struct span bytes;
    size_t n_behind; /* of the bytes, those after the head */
    enum head_method method;
    const char *method_name;
    unsigned minor;
    const char *target;
    const char *field[HEAD_FIELD_COUNT];
    bool chunked;
    uint64_t content_length;
    bool keep_alive;
};

#define GET_11 .method = HEAD_METHOD_GET, .method_name = "GET", .minor = 1, .keep_alive = true
#define POST_11 .method = HEAD_METHOD_POST, .method_name = "POST", .minor = 1, .keep_alive = true, .target = "/x"
#define POST_LINE "POST /x HTTP/1.1\r\n" H
#define OTHER_11(name_) .method = HEAD_METHOD_OTHER, .method_name = name_, .minor = 1, .keep_alive = true
#define HOST_H .field[HEAD_FIELD_HOST] = "h"
#define HOST_IS(value) .field = {[HEAD_FIELD_HOST] = value}
#define CHUNKED(value) .chunked = true, .field = {[HEAD_FIELD_HOST] = "h", [HEAD_FIELD_TRANSFER_ENCODING] = value}
#define LENGTH(value, number)                                                                                          \
    .content_length = number, .field = {[HEAD_FIELD_HOST] = "h", [HEAD_FIELD_CONTENT_LENGTH] = value}

static const struct accept_case accept_cases[] = {
    {"smallest 1.1", BYTES("GET / HTTP/1.1\r\n" H "\r\n"), GET_11, .target = "/", HOST_H},
    {"smallest 1.0", BYTES("GET / HTTP/1.0\r\n\r\n"), .method_name = "GET", .target = "/"},
    {"1.0 with Host", BYTES("GET / HTTP/1.0\r\n" H "\r\n"), .method_name = "GET", .target = "/", HOST_H},
    {"1.0 cannot be kept alive", BYTES("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), .method_name = "GET",
     .target = "/"},
    {"1.0 with a length", BYTES("POST /x HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc"), 3, .method = HEAD_METHOD_POST,
     .method_name = "POST", .target = "/x", .content_length = 3, .field[HEAD_FIELD_CONTENT_LENGTH] = "3"},
    {"closed on demand", BYTES("GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n"), .method_name = "GET", .minor = 1,
     .target = "/", HOST_H},
    {"what git sends to fetch",
     BYTES("POST /r.git/git-upload-pack HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAuthorization: Basic dG9rZW46\r\n"
           "User-Agent: git/2.39.5\r\nAccept-Encoding: deflate, gzip\r\nContent-Encoding: gzip\r\n"
           "Content-Type: application/x-git-upload-pack-request\r\nAccept: application/x-git-upload-pack-result\r\n"
           "Git-Protocol: version=2\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n0000"),
     4, .method = HEAD_METHOD_POST, .method_name = "POST", .minor = 1, .target = "/r.git/git-upload-pack",
     .keep_alive = true, .content_length = 4,
     .field = {[HEAD_FIELD_HOST] = "127.0.0.1:8080",
               [HEAD_FIELD_AUTHORIZATION] = "Basic dG9rZW46",
               [HEAD_FIELD_CONTENT_LENGTH] = "4",
               [HEAD_FIELD_CONTENT_TYPE] = "application/x-git-upload-pack-request",
               [HEAD_FIELD_CONTENT_ENCODING] = "gzip",
               [HEAD_FIELD_EXPECT] = "100-continue",
               [HEAD_FIELD_GIT_PROTOCOL] = "version=2"}},
    {"a second request behind it", BYTES("GET /1 HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\r\n" H "\r\n"), 28, GET_11,
     .target = "/1", HOST_H},
    {"empty lines behind it", BYTES("GET / HTTP/1.1\r\n" H "\r\n\r\n\r\n"), 4, GET_11, .target = "/", HOST_H},
    {"nonsense behind it", BYTES("GET / HTTP/1.1\r\n" H "\r\n\0\1\2\xff"), 4, GET_11, .target = "/", HOST_H},
    {"field names in any case", BYTES("GET / HTTP/1.1\r\nhOsT: h\r\nEXPECT: e\r\n\r\n"), GET_11, .target = "/",
     .field = {[HEAD_FIELD_HOST] = "h", [HEAD_FIELD_EXPECT] = "e"}},
    {"space and tab around values",
     BYTES("GET / HTTP/1.1\r\nHost: \t h\r\nExpect:e \t \r\nGit-Protocol:\tg g\t\r\n\r\n"), GET_11, .target = "/",
     .field = {[HEAD_FIELD_HOST] = "h", [HEAD_FIELD_EXPECT] = "e", [HEAD_FIELD_GIT_PROTOCOL] = "g g"}},
    {"an empty value is present", BYTES("GET / HTTP/1.1\r\n" H "Expect:\r\nAuthorization: \t\r\n\r\n"), GET_11,
     .target = "/", .field = {[HEAD_FIELD_HOST] = "h", [HEAD_FIELD_EXPECT] = "", [HEAD_FIELD_AUTHORIZATION] = ""}},
    {"a value with bytes over 127", BYTES("GET / HTTP/1.1\r\n" H "Expect: \x80\xff\r\n\r\n"), GET_11, .target = "/",
     .field = {[HEAD_FIELD_HOST] = "h", [HEAD_FIELD_EXPECT] = "\x80\xff"}},
    {"unknown fields may repeat", BYTES("GET / HTTP/1.1\r\n" H "Accept: a\r\nAccept: b\r\nX: 1\r\nX: 2\r\n\r\n"),
     GET_11, .target = "/", HOST_H},
    {"names that only begin like known ones",
     BYTES("GET / HTTP/1.1\r\n" H "Hosts: 1\r\nHos: 2\r\nExpect-CT: 3\r\nExpec: 4\r\n\r\n"), GET_11, .target = "/",
     HOST_H},
    {"all bytes of a token in a name", BYTES("GET / HTTP/1.1\r\n" H "!#$%&'*+-.^_`|~09AZaz: v\r\n\r\n"), GET_11,
     .target = "/", HOST_H},
    {"Host with a port", BYTES("GET / HTTP/1.1\r\nHost: a-b.example:80\r\n\r\n"), GET_11, .target = "/",
     HOST_IS("a-b.example:80")},
    {"Host of IPv6", BYTES("GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"), GET_11, .target = "/", HOST_IS("[::1]:8080")},
    {"a target is not decoded", BYTES("GET /%2e/../a//b?c=%00&d?e#f HTTP/1.1\r\n" H "\r\n"), GET_11,
     .target = "/%2e/../a//b?c=%00&d?e#f", HOST_H},
    {"absolute-form", BYTES("GET http://h/r.git/HEAD HTTP/1.1\r\n" H "\r\n"), GET_11, .target = "http://h/r.git/HEAD",
     HOST_H},
    {"asterisk-form", BYTES("OPTIONS * HTTP/1.1\r\n" H "\r\n"), OTHER_11("OPTIONS"), .target = "*", HOST_H},
    {"authority-form", BYTES("CONNECT h:1 HTTP/1.1\r\n" H "\r\n"), OTHER_11("CONNECT"), .target = "h:1", HOST_H},
    {"HEAD is another method", BYTES("HEAD / HTTP/1.1\r\n" H "\r\n"), OTHER_11("HEAD"), .target = "/", HOST_H},
    {"PUT is another method", BYTES("PUT / HTTP/1.1\r\n" H "\r\n"), OTHER_11("PUT"), .target = "/", HOST_H},
    {"an upgrade is not taken up", BYTES("POST /x HTTP/1.1\r\n" H "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"),
     POST_11, HOST_H},
    {"POST without a body", BYTES(POST_LINE "\r\n"), POST_11, HOST_H},
    {"GET with length 0", BYTES("GET /x HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"), GET_11, .target = "/x",
     LENGTH("0", 0)},
    {"length 0", BYTES(POST_LINE "Content-Length: 0\r\n\r\n"), POST_11, LENGTH("0", 0)},
    {"length with zeros before it", BYTES(POST_LINE "Content-Length: 0005\r\n\r\n"), POST_11, LENGTH("0005", 5)},
    {"length with space around it", BYTES(POST_LINE "Content-Length: \t5 \r\n\r\n"), POST_11, LENGTH("5", 5)},
    {"length over 32 bits", BYTES(POST_LINE "Content-Length: 4294967297\r\n\r\n"), POST_11,
     LENGTH("4294967297", 4294967297)},
    {"length of 64 bits", BYTES(POST_LINE "Content-Length: 18446744073709551615\r\n\r\n"), POST_11,
     LENGTH("18446744073709551615", UINT64_MAX)},
    {"chunked", BYTES(POST_LINE "Transfer-Encoding: chunked\r\n\r\n5\r\n"), 3, POST_11, CHUNKED("chunked")},
    {"chunked in another case", BYTES(POST_LINE "TRANSFER-ENCODING: ChunkeD\r\n\r\n"), POST_11, CHUNKED("ChunkeD")},
    {"chunked with space around it", BYTES(POST_LINE "Transfer-Encoding:\tchunked  \r\n\r\n"), POST_11,
     CHUNKED("chunked")},
};

static void check_accepted(const struct accept_case *c, const char *how, const struct feeder *feeder, size_t n_fed) {
    const struct head *head = &feeder->head;
    char name[200];

    (void)snprintf(name, sizeof(name), "%s, %s", c->name, how);
    expect_int(name, head->size, c->bytes.size - c->n_behind);
    expect_int(name, head->method, c->method);
    expect_span(name, span_of(head->method_name), span_of(c->method_name));
    expect_int(name, head->minor, c->minor);
    expect_span(name, head->target, span_of(c->target));
    for (size_t i = 0; i < HEAD_FIELD_COUNT; i++) {
        struct span absent = {NULL, 0};

        expect_span(name, head->field[i], c->field[i] ? span_of(c->field[i]) : absent);
    }
    expect_int(name, head->chunked, c->chunked);
    expect_true(name, head->content_length == c->content_length);
    expect_int(name, head_has_body(head), c->chunked || c->content_length > 0);
    expect_int(name, head->keep_alive, c->keep_alive);
    expect_int(name, head->status, 0);
    expect_true(name, head->target.data >= feeder->memory && head->target.data < feeder->memory + n_fed);
}

/* Feeds up to each of @cuts in turn. All but the last lie before the head's end. */
static void check_cut(const struct accept_case *c, const char *how, const size_t *cuts, size_t n_cuts) {
    struct feeder feeder;

    feeder_init(&feeder);
    for (size_t i = 0; i + 1 < n_cuts; i++) {
        expect_int(c->name, feeder_feed(&feeder, c->bytes, cuts[i]), HEAD_E_MORE);
    }
    expect_int(c->name, feeder_feed(&feeder, c->bytes, cuts[n_cuts - 1]), 0);
    check_accepted(c, how, &feeder, cuts[n_cuts - 1]);
    feeder_deinit(&feeder);
}

static void test_accepted(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(accept_cases); i++) {
        const struct accept_case *c = &accept_cases[i];
        size_t head_size = c->bytes.size - c->n_behind;
        size_t *every = calloc(head_size + 1, sizeof(*every));

        assert_non_null(every);
        check_cut(c, "whole", &c->bytes.size, 1);
        for (size_t at = 0; at <= head_size; at++) {
            every[at] = at;
        }
        check_cut(c, "byte by byte", every, head_size + 1);
        for (size_t at = 0; at < head_size; at++) {
            char how[32];

            (void)snprintf(how, sizeof(how), "cut at %zu", at);
            check_cut(c, how, (size_t[]){at, c->bytes.size}, 2);
            check_cut(c, how, (size_t[]){at, head_size}, 2);
        }
        free(every);
    }
}

/* Makes a request with a target, a value or a number of fields of the given size. */
struct limit_case {
    const char *name;
    size_t target_size;
    size_t n_fields; /* Host included */
    size_t head_size;
    const char *behind;
    int status; /* 0 when it is accepted */
};

static const struct limit_case limit_cases[] = {
    {"target of 4096 bytes", 4096, 1, 0, "", 0},
    {"target of 4097 bytes", 4097, 1, 0, "", 414},
    {"target of 15000 bytes", 15000, 1, 0, "", 414},
    {"target larger than a head may be", 20000, 1, 0, "", 414},
    {"64 fields", 10, 64, 0, "", 0},
    {"65 fields", 10, 65, 0, "", 431},
    {"200 fields", 10, 200, 0, "", 431},
    {"head of 16383 bytes", 10, 2, 16383, "", 0},
    {"head of 16384 bytes", 10, 2, 16384, "", 0},
    {"head of 16384 bytes, more behind it", 10, 2, 16384, "GET / HTTP/1.1\r\n", 0},
    {"head of 16385 bytes", 10, 2, 16385, "", 431},
    {"head of 17000 bytes", 10, 2, 17000, "GET / HTTP/1.1\r\n", 431},
    {"target, fields and head as large as they may be", 4096, 64, 16384, "", 0},
};

/* Return: the bytes, to be freed by the caller; the head is the part before @c->behind. */
static struct span limit_bytes(const struct limit_case *c) {
    size_t room = 40000;
    char *data = malloc(room);
    int size;

    assert_non_null(data);
    size = snprintf(data, room, "GET /%0*d HTTP/1.1\r\n" H, (int)c->target_size - 1, 0);
    for (size_t i = 1; i < c->n_fields; i++) {
        bool last = i + 1 == c->n_fields;
        size_t wanted = (size_t)size + strlen("X: \r\n\r\n");
        size_t value_size = last && c->head_size > wanted ? c->head_size - wanted : 1;

        size += snprintf(data + size, room - (size_t)size, "X: %0*d\r\n", (int)value_size, 0);
    }
    size += snprintf(data + size, room - (size_t)size, "\r\n");
    if (c->head_size > 0) {
        expect_int(c->name, size, c->head_size);
    }
    size += snprintf(data + size, room - (size_t)size, "%s", c->behind);
    return (struct span){data, (size_t)size};
}

static void check_limit(const struct limit_case *c, const char *how, struct span bytes, size_t first, size_t step) {
    size_t head_size = bytes.size - strlen(c->behind);
    struct feeder feeder;
    char name[100];
    int r = HEAD_E_MORE;

    (void)snprintf(name, sizeof(name), "%s, %s %zu", c->name, how, first);
    feeder_init(&feeder);
    for (size_t size = first; r == HEAD_E_MORE && size < bytes.size; size += step) {
        r = feeder_feed(&feeder, bytes, size);
        expect_true(name, r != 0 || (c->status == 0 && size >= head_size));
    }
    if (r == HEAD_E_MORE) {
        r = feeder_feed(&feeder, bytes, bytes.size);
    }
    expect_int(name, r, c->status ? HEAD_E_REFUSED : 0);
    expect_int(name, feeder.head.status, c->status);
    if (c->status == 0) {
        expect_int(name, feeder.head.size, head_size);
        expect_int(name, feeder.head.target.size, c->target_size);
    } else {
        expect_true(name, feeder.head.reason);
    }
    feeder_deinit(&feeder);
}

static void test_limits(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(limit_cases); i++) {
        const struct limit_case *c = &limit_cases[i];
        struct span bytes = limit_bytes(c);

        check_limit(c, "whole", bytes, bytes.size, 1);
        check_limit(c, "byte by byte from", bytes, 1, 1);
        for (size_t at = 1; at < bytes.size; at += 251) {
            check_limit(c, "cut at", bytes, at, bytes.size);
        }
        for (size_t at = bytes.size - 30; at < bytes.size; at++) {
            check_limit(c, "cut at", bytes, at, bytes.size);
        }
        free((char *)bytes.data);
    }
}

/* The limits end the head of a client that never comes to its end. */
static void test_endless(void **state) {
    static const struct {
        const char *name;
        const char *begin;
        int status;
        size_t max_fed;
    } cases[] = {
        {"endless target", "GET /", 414, sizeof("GET ") - 1 + HEAD_MAX_TARGET_BYTES + 1},
        {"endless field name", "GET / HTTP/1.1\r\n", 431, HEAD_MAX_BYTES},
        {"endless field value", "GET / HTTP/1.1\r\nX: ", 431, HEAD_MAX_BYTES},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *data = malloc(HEAD_MAX_BYTES);
        struct feeder feeder;
        size_t size = 0;
        int r = HEAD_E_MORE;

        assert_non_null(data);
        memset(data, 'a', HEAD_MAX_BYTES);
        memcpy(data, cases[i].begin, strlen(cases[i].begin));
        feeder_init(&feeder);
        while (r == HEAD_E_MORE && size < HEAD_MAX_BYTES) {
            r = feeder_feed(&feeder, (struct span){data, HEAD_MAX_BYTES}, ++size);
        }
        expect_int(cases[i].name, r, HEAD_E_REFUSED);
        expect_int(cases[i].name, feeder.head.status, cases[i].status);
        expect_int(cases[i].name, size, cases[i].max_fed);
        feeder_deinit(&feeder);
        free(data);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_endless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
