/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The preview of a body, and its decoding afterwards. They agree however the bytes are cut. The preview does not change
 * the body or its parser. Neither does more at a time than it promises.
 */

#include "unit.h"

#include <stdio.h>

#include <zlib.h>

#include "base/buffer.h"
#include "http/content.h"
#include "http/preview.h"

#define CHUNKED "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
#define LENGTH(n) "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: " n "\r\n\r\n"
#define NEXT "POST /2 HTTP/1.1\r\nHost: h\r\n\r\n"

enum {
    ROOM = 4096,
    GZIP_FORMAT = 16 + MAX_WBITS, /* of deflateInit2() in zlib.h */
    BOMB_BYTES = 1 << 20,
};

static const struct {
    const char *name;
    const char *head;
    struct span wire;
    struct span decoded; /* as far as it goes */
    int r;
    uint64_t max_bytes;
} cases[] = {
    {"by length", LENGTH("5"), BYTES("hello"), BYTES("hello"), 0, 0},
    {"by length, cut", LENGTH("6"), BYTES("hello"), BYTES("hello"), PREVIEW_E_MORE, 0},
    {"by length, nothing there", LENGTH("6"), BYTES(""), BYTES(""), PREVIEW_E_MORE, 0},
    {"by length, the next request behind it", LENGTH("5"), BYTES("hello" NEXT), BYTES("hello"), 0, 0},
    {"by length, at the bound", LENGTH("5"), BYTES("hello"), BYTES("hello"), 0, 5},
    {"by length, over the bound", LENGTH("5"), BYTES("hello"), BYTES(""), CONTENT_E_TOO_LARGE, 4},
    {"chunked", CHUNKED, BYTES("5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"), BYTES("hello!"), 0, 0},
    {"chunked, cut", CHUNKED, BYTES("5\r\nhello\r\n1\r\n!\r\n0\r\n\r"), BYTES("hello!"), PREVIEW_E_MORE, 0},
    {"chunked, the next request behind it", CHUNKED, BYTES("1\r\na\r\n0\r\n\r\n" NEXT), BYTES("a"), 0, 0},
    {"chunked, broken at once", CHUNKED, BYTES("x\r\n"), BYTES(""), CONTENT_E_MALFORMED, 0},
    {"chunked, broken later", CHUNKED, BYTES("1\r\na\r\n1;b\r\n"), BYTES("a"), CONTENT_E_MALFORMED, 0},
    {"chunked, at the bound", CHUNKED, BYTES("2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"), BYTES("abc"), 0, 3},
    {"chunked, over the bound", CHUNKED, BYTES("2\r\nab\r\n1\r\nc\r\n"), BYTES("ab"), CONTENT_E_TOO_LARGE, 2},
};

static void parse_head(struct head *head, const char *text) {
    head_init(head);
    assert_int_equal(head_feed(head, text, strlen(text)), 0);
}

/* Feeds the whole buffer, as far as it can be handled. */
static int preview_all(struct preview *preview, const struct buffer *input) {
    int r;

    do {
        r = preview_feed(preview, buffer_content(input));
    } while (r == PREVIEW_E_BUSY);
    return r;
}

/* Decodes as the exchange does, @step bytes at a time. Return: as content_decode(), but 0 also if bytes are missing */
static int decode_all(struct content *content, struct buffer *input, size_t step, struct buffer *out) {
    for (size_t n_idle = 0; n_idle < 2; n_idle++) {
        int r = content_decode(content, input);
        struct span ready = content_ready(content, input);

        if (r) {
            return r;
        }
        ready.size = ready.size < step ? ready.size : step;
        if (ready.size > 0) {
            n_idle = 0;
            assert_int_equal(buffer_append(out, ready.data, ready.size), 0);
            content_consume(content, input, ready.size);
        }
    }
    return 0;
}

static void append(struct buffer *input, struct span bytes, size_t from, size_t to) {
    assert_int_equal(buffer_append(input, bytes.data + from, to - from), 0);
}

static void check_case(size_t i, size_t cut) {
    struct preview *preview = NULL;
    struct content content;
    struct head head;
    struct buffer input;
    struct buffer out;
    int expected = cases[i].r == PREVIEW_E_MORE ? 0 : cases[i].r;
    int r;

    parse_head(&head, cases[i].head);
    buffer_init(&input, ROOM);
    buffer_init(&out, ROOM);
    assert_int_equal(preview_new(&preview, &head, false, cases[i].max_bytes), 0);
    append(&input, cases[i].wire, 0, cut);
    r = preview_all(preview, &input);
    if (r == PREVIEW_E_MORE) {
        append(&input, cases[i].wire, cut, cases[i].wire.size);
        r = preview_all(preview, &input);
    } else if (r == 0) {
        append(&input, cases[i].wire, cut, cases[i].wire.size);
    }
    expect_int(cases[i].name, r, cases[i].r);
    expect_true(cases[i].name, r != CONTENT_E_MALFORMED || preview->content.reason);
    preview_free(preview);

    /* The previewed bytes are still there, for a parser that has seen none of them. */
    buffer_release(&input);
    append(&input, cases[i].wire, 0, cases[i].wire.size);
    assert_int_equal(content_init(&content, &head, false, cases[i].max_bytes), 0);
    expect_int(cases[i].name, decode_all(&content, &input, 1 + cut, &out), expected);
    expect_span(cases[i].name, buffer_content(&out), cases[i].decoded);
    expect_int(cases[i].name, content_is_consumed(&content), cases[i].r == 0);
    if (r == 0 && cases[i].wire.size > strlen(NEXT) && strstr(cases[i].wire.data, NEXT)) {
        expect_span(cases[i].name, buffer_content(&input), SPAN(NEXT));
    }
    content_deinit(&content);
    buffer_deinit(&input);
    buffer_deinit(&out);
}

static void test_cut_anywhere(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (size_t cut = 0; cut <= cases[i].wire.size; cut++) {
            check_case(i, cut);
        }
    }
}

/* Compresses @size zeros to @out. Return: the number of bytes there */
static size_t compress_zeros(char *out, size_t room, size_t size) {
    z_stream stream = {0};
    char *zeros = calloc(1, size);

    assert_non_null(zeros);
    assert_int_equal(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_FORMAT, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (Bytef *)zeros;
    stream.avail_in = (uInt)size;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&stream), Z_OK);
    free(zeros);
    return room - stream.avail_out;
}

/* Repeats the call until it is done. Return: its last answer; *n_callsp: the number of calls before that */
static int preview_zeros(size_t size, size_t n_cut, uint64_t max_bytes, unsigned *n_callsp) {
    struct preview *preview = NULL;
    struct head head;
    char head_text[128];
    char bytes[ROOM];
    size_t n_bytes = compress_zeros(bytes, sizeof(bytes), size);
    int r;

    (void)snprintf(head_text, sizeof(head_text), LENGTH("%zu"), n_bytes - n_cut);
    parse_head(&head, head_text);
    assert_int_equal(preview_new(&preview, &head, true, max_bytes), 0);
    *n_callsp = 0;
    while ((r = preview_feed(preview, (struct span){bytes, n_bytes - n_cut})) == PREVIEW_E_BUSY) {
        ++*n_callsp;
    }
    preview_free(preview);
    return r;
}

/* A body that inflates to much is previewed in steps, so that nobody else has to wait for it. */
static void test_gzip(void **state) {
    unsigned n_calls;

    (void)state;
    expect_int("small", preview_zeros(100, 0, 100, &n_calls), 0);
    expect_int("small: calls", n_calls, 0);
    expect_int("over the bound", preview_zeros(101, 0, 100, &n_calls), CONTENT_E_TOO_LARGE);
    expect_int("cut short", preview_zeros(100, 1, 0, &n_calls), CONTENT_E_MALFORMED);
    expect_int("large", preview_zeros(BOMB_BYTES, 0, BOMB_BYTES, &n_calls), 0);
    expect_true("large: calls", n_calls >= BOMB_BYTES / (PREVIEW_STEP_BYTES + CONTENT_INFLATED_BYTES));
    expect_int("large, over the bound", preview_zeros(BOMB_BYTES, 0, BOMB_BYTES - 1, &n_calls), CONTENT_E_TOO_LARGE);
}

/* However it is cut, a compressed body's last byte is used only if the body has ended and is right. */
static void test_last_byte(void **state) {
    static const struct {
        const char *name;
        size_t n_cut;
        bool is_damaged;
        int r;
        size_t n_used;
    } rows[] = {
        {"right", 0, false, 0, 100},
        {"cut short", 1, false, CONTENT_E_MALFORMED, 99},
        {"the size is wrong", 0, true, CONTENT_E_MALFORMED, 99},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char head_text[128];
        char bytes[ROOM];
        size_t n_bytes = compress_zeros(bytes, sizeof(bytes), 100) - rows[i].n_cut;
        struct content content;
        struct head head;
        struct buffer input;
        struct buffer out;
        int r = 0;

        bytes[n_bytes - 1] = (char)(bytes[n_bytes - 1] ^ (rows[i].is_damaged ? 1 : 0));
        (void)snprintf(head_text, sizeof(head_text), LENGTH("%zu"), n_bytes);
        parse_head(&head, head_text);
        buffer_init(&input, ROOM);
        buffer_init(&out, ROOM);
        assert_int_equal(content_init(&content, &head, true, 0), 0);
        for (size_t at = 0; at < n_bytes && r == 0; at++) {
            expect_true(rows[i].name, buffer_size(&out) < 100);
            append(&input, (struct span){bytes, n_bytes}, at, at + 1);
            r = decode_all(&content, &input, ROOM, &out);
        }
        expect_int(rows[i].name, r, rows[i].r);
        expect_int(rows[i].name, buffer_size(&out), rows[i].n_used);
        expect_int(rows[i].name, content_is_consumed(&content), rows[i].r == 0);
        content_deinit(&content);
        buffer_deinit(&input);
        buffer_deinit(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_last_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
