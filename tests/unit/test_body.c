/* SPDX-License-Identifier: Apache-2.0 */

/* Bodies by length and by chunks, through buffers of several sizes and cut anywhere. Also the chunks of responses. */

#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "base/buffer.h"
#include "http/body.h"

#define NEXT "POST /2 HTTP/1.1\r\nHost: h\r\n\r\n"
#define TEN_ZEROS "0000000000"
#define HUNDRED_ZEROS                                                                                                  \
    TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS
#define CHUNK_12 "c\r\nhello, world\r\n"

static const char chunked_head[] = "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

enum {
    DECODED_ROOM = 4096,
    ALL_AT_ONCE = 4096,
};

struct body_case {
    const char *name;
    const char *head; /* chunked_head when NULL */
    struct span wire;
    struct span decoded;
    struct span rest; /* the end of the wire, which belongs to the next request */
};

static const struct body_case whole_cases[] = {
    {"counted", "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", BYTES("hello"), BYTES("hello"), BYTES("")},
    {"counted, the next request behind it", "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n",
     BYTES("hello" NEXT), BYTES("hello"), BYTES(NEXT)},
    {"counted, all kinds of bytes", "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n",
     BYTES("\0\r\n\r\n\xff\0"), BYTES("\0\r\n\r\n\xff"), BYTES("\0")},
    {"counted on 1.0", "POST /x HTTP/1.0\r\nContent-Length: 2\r\n\r\n", BYTES("hi"), BYTES("hi"), BYTES("")},
    {"counted, none", "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", BYTES(NEXT), BYTES(""), BYTES(NEXT)},
    {"no body", "POST /x HTTP/1.1\r\nHost: h\r\n\r\n", BYTES(NEXT), BYTES(""), BYTES(NEXT)},
    {"counted, none, nothing behind it", "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", BYTES(""),
     BYTES(""), BYTES("")},
    {"no body, nothing behind it", "POST /x HTTP/1.1\r\nHost: h\r\n\r\n", BYTES(""), BYTES(""), BYTES("")},
    {"counted, with an upgrade",
     "POST /x HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\n",
     BYTES("hello" NEXT), BYTES("hello"), BYTES(NEXT)},
    {"chunked, with an upgrade",
     "POST /x HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n",
     BYTES("5\r\nhello\r\n0\r\n\r\n" NEXT), BYTES("hello"), BYTES(NEXT)},
    {"coding in another case", "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: CHUNKED\r\n\r\n",
     BYTES("5\r\nhello\r\n0\r\n\r\n"), BYTES("hello"), BYTES("")},
    {"one chunk", NULL, BYTES("5\r\nhello\r\n0\r\n\r\n"), BYTES("hello"), BYTES("")},
    {"no chunk", NULL, BYTES("0\r\n\r\n"), BYTES(""), BYTES("")},
    {"no chunk, the next request behind it", NULL, BYTES("0\r\n\r\n" NEXT), BYTES(""), BYTES(NEXT)},
    {"two chunks", NULL, BYTES("5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n"), BYTES("hello, world"), BYTES("")},
    {"chunks, the next request behind them", NULL, BYTES("5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n" NEXT), BYTES("hello!"),
     BYTES(NEXT)},
    {"chunks of one byte", NULL, BYTES("1\r\na\r\n1\r\nb\r\n1\r\nc\r\n1\r\nd\r\n0\r\n\r\n"), BYTES("abcd"), BYTES("")},
    {"chunks that look like framing", NULL, BYTES("7\r\n0\r\n\r\n\r\n\r\n2\r\n\r\n\r\n0\r\n\r\n"),
     BYTES("0\r\n\r\n\r\n\r\n"), BYTES("")},
    {"lower case size", NULL, BYTES(CHUNK_12 "0\r\n\r\n"), BYTES("hello, world"), BYTES("")},
    {"upper case size", NULL, BYTES("C\r\nhello, world\r\n0\r\n\r\n"), BYTES("hello, world"), BYTES("")},
    {"size of two digits", NULL, BYTES("1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n"),
     BYTES("abcdefghijklmnopqrstuvwxyz"), BYTES("")},
    {"zeros before a size", NULL, BYTES("0000000000000005\r\nhello\r\n0\r\n\r\n"), BYTES("hello"), BYTES("")},
    {"several zeros end it", NULL, BYTES("5\r\nhello\r\n0000\r\n\r\n"), BYTES("hello"), BYTES("")},
    {"much framing, but a little body between", NULL,
     BYTES("0000000000000000001\r\na\r\n0000000000000000001\r\nb\r\n0000000000000000001\r\nc\r\n"
           "0000000000000000001\r\nd\r\n0\r\n\r\n"),
     BYTES("abcd"), BYTES("")},
    {"empty lines behind it", NULL, BYTES("1\r\na\r\n0\r\n\r\n\r\n"), BYTES("a"), BYTES("\r\n")},
};

/* Each has chunked framing, and is malformed at its last byte at the latest. */
static const struct {
    const char *name;
    struct span wire;
} malformed_cases[] = {
    {"extension", BYTES("5;a=b\r\nhello\r\n0\r\n\r\n")},
    {"extension without a value", BYTES("5;a\r\nhello\r\n0\r\n\r\n")},
    {"empty extension", BYTES("5;\r\nhello\r\n0\r\n\r\n")},
    {"extension without a name", BYTES("5;=b\r\nhello\r\n0\r\n\r\n")},
    {"extension behind a space", BYTES("5 ;a\r\nhello\r\n0\r\n\r\n")},
    {"extension on the last chunk", BYTES("5\r\nhello\r\n0;a\r\n\r\n")},
    {"quoted extension", BYTES("5;a=\"b\"\r\nhello\r\n0\r\n\r\n")},
    {"trailer", BYTES("5\r\nhello\r\n0\r\nA: b\r\n\r\n")},
    {"trailer of a known name", BYTES("0\r\nContent-Length: 5\r\n\r\n")},
    {"trailer without a name", BYTES("0\r\n: b\r\n\r\n")},
    {"trailer that begins with a space", BYTES("0\r\n A: b\r\n\r\n")},
    {"line feed alone behind a size", BYTES("5\nhello\r\n0\r\n\r\n")},
    {"carriage return alone behind a size", BYTES("5\rhello\r\n0\r\n\r\n")},
    {"two carriage returns behind a size", BYTES("5\r\r\nhello\r\n0\r\n\r\n")},
    {"line feed alone behind a chunk", BYTES("5\r\nhello\n0\r\n\r\n")},
    {"carriage return alone behind a chunk", BYTES("5\r\nhello\r0\r\n\r\n")},
    {"nothing behind a chunk", BYTES("5\r\nhello0\r\n\r\n")},
    {"a chunk that is longer than it says", BYTES("4\r\nhello\r\n0\r\n\r\n")},
    {"an empty line behind a chunk", BYTES("5\r\nhello\r\n\r\n0\r\n\r\n")},
    {"line feed alone behind the last size", BYTES("5\r\nhello\r\n0\n\r\n")},
    {"line feed alone ends it", BYTES("5\r\nhello\r\n0\r\n\n")},
    {"line feeds alone end it", BYTES("5\r\nhello\r\n0\n\n")},
    {"carriage return and a letter end it", BYTES("5\r\nhello\r\n0\r\n\rX")},
    {"no size", BYTES("\r\nhello\r\n0\r\n\r\n")},
    {"no size behind a chunk", BYTES("5\r\nhello\r\n\r\n\r\n")},
    {"space before a size", BYTES(" 5\r\nhello\r\n0\r\n\r\n")},
    {"space behind a size", BYTES("5 \r\nhello\r\n0\r\n\r\n")},
    {"tab before a size", BYTES("\t5\r\nhello\r\n0\r\n\r\n")},
    {"tab behind a size", BYTES("5\t\r\nhello\r\n0\r\n\r\n")},
    {"plus sign", BYTES("+5\r\nhello\r\n0\r\n\r\n")},
    {"minus sign", BYTES("-5\r\nhello\r\n0\r\n\r\n")},
    {"0x", BYTES("0x5\r\nhello\r\n0\r\n\r\n")},
    {"no hexadecimal digit", BYTES("g\r\nhello\r\n0\r\n\r\n")},
    {"letter behind a size", BYTES("5h\r\nhello\r\n0\r\n\r\n")},
    {"comma", BYTES("5,5\r\nhello\r\n0\r\n\r\n")},
    {"NUL before a size", BYTES("\0005\r\nhello\r\n0\r\n\r\n")},
    {"NUL behind a size", BYTES("5\0\r\nhello\r\n0\r\n\r\n")},
    {"size over 64 bits", BYTES("10000000000000000\r\n")},
    {"size far over 64 bits", BYTES("fffffffffffffffffffff\r\n")},
    {"size over 64 bits, small in 64 bits", BYTES("10000000000000005\r\nhello\r\n0\r\n\r\n")},
    {"many zeros", BYTES(HUNDRED_ZEROS)},
    {"many zeros before a size", BYTES(HUNDRED_ZEROS "5\r\nhello\r\n0\r\n\r\n")},
    {"many zeros end it", BYTES("5\r\nhello\r\n" HUNDRED_ZEROS "\r\n\r\n")},
    {"many zeros before a size, behind a chunk", BYTES(CHUNK_12 HUNDRED_ZEROS "1\r\n!\r\n0\r\n\r\n")},
};

/* A decoder with its buffer and its output. */
struct decoder {
    struct head head;
    struct body body;
    struct buffer buffer;
    char decoded[DECODED_ROOM];
    size_t n_decoded;
    size_t n_fed;
};

static void decoder_init(struct decoder *decoder, const char *name, const char *head, size_t capacity) {
    size_t size = strlen(head);
    char *copy = unit_copy(head, size);

    head_init(&decoder->head);
    expect_int(name, head_feed(&decoder->head, copy, size), 0);
    free(copy); /* the head's bytes have left the buffer before the body is read */
    body_init(&decoder->body, &decoder->head);
    buffer_init(&decoder->buffer, capacity);
    decoder->n_decoded = decoder->n_fed = 0;
}

static bool decoder_is_done(const struct decoder *decoder) {
    return decoder->body.complete && decoder->body.ready == 0;
}

/* Feeds up to byte @end of @wire, and takes the output in pieces of @take. */
static int decoder_feed(struct decoder *decoder, const char *name, struct span wire, size_t end, size_t take) {
    struct body *body = &decoder->body;

    while (!decoder_is_done(decoder) && (decoder->n_fed < end || body->ready > 0)) {
        size_t size = end - decoder->n_fed;
        int r;

        size = size < buffer_room(&decoder->buffer) ? size : buffer_room(&decoder->buffer);
        expect_int(name, buffer_append(&decoder->buffer, wire.data + decoder->n_fed, size), 0);
        decoder->n_fed += size;
        do {
            r = body_decode(body, &decoder->buffer);
            if (r) {
                expect_true(name, body->reason && *body->reason);
                return r;
            }
            expect_true(name, body->ready > 0 || body->complete || buffer_size(&decoder->buffer) == 0);
            expect_true(name, body->ready <= buffer_size(&decoder->buffer));
            for (size_t size_taken; body->ready > 0; body_consume(body, &decoder->buffer, size_taken)) {
                size_taken = body->ready < take ? body->ready : take;
                expect_true(name, decoder->n_decoded + size_taken <= DECODED_ROOM);
                memcpy(decoder->decoded + decoder->n_decoded, buffer_content(&decoder->buffer).data, size_taken);
                decoder->n_decoded += size_taken;
            }
        } while (!body->complete && buffer_size(&decoder->buffer) > 0);
    }
    expect_int(name, body->n_decoded, decoder->n_decoded);
    return 0;
}

/* Feeds the whole wire in two parts, each in steps. */
static int decoder_run(struct decoder *decoder, const char *name, struct span wire, size_t cut, size_t step,
                       size_t take) {
    int r = decoder_feed(decoder, name, wire, cut, take);

    while (!r && !decoder_is_done(decoder) && decoder->n_fed < wire.size) {
        size_t left = wire.size - decoder->n_fed;

        r = decoder_feed(decoder, name, wire, decoder->n_fed + (left < step ? left : step), take);
    }
    return r;
}

/* Ways to cut a wire: first up to a position, then in steps of @step, through a buffer of @capacity. */
static const struct {
    const char *name;
    size_t capacity;
    size_t step;
    size_t take;
} ways[] = {
    {"rest at once", 4096, ALL_AT_ONCE, ALL_AT_ONCE},
    {"rest byte by byte", 4096, 1, ALL_AT_ONCE},
    {"taken by one", 4096, ALL_AT_ONCE, 1},
    {"room for 1", 1, ALL_AT_ONCE, 1},
    {"room for 2", 2, ALL_AT_ONCE, 2},
    {"room for 3", 3, ALL_AT_ONCE, 1},
    {"room for 7", 7, ALL_AT_ONCE, ALL_AT_ONCE},
    {"room for 64", 64, 5, 3},
};

static void check_whole(const struct body_case *c, size_t way, size_t cut) {
    struct decoder decoder;
    struct span behind;
    char name[128];

    (void)snprintf(name, sizeof(name), "%s, cut at %zu, %s", c->name, cut, ways[way].name);
    decoder_init(&decoder, name, c->head ? c->head : chunked_head, ways[way].capacity);
    expect_int(name, decoder_run(&decoder, name, c->wire, cut, ways[way].step, ways[way].take), 0);
    expect_true(name, decoder.body.complete);
    expect_span(name, ((struct span){decoder.decoded, decoder.n_decoded}), c->decoded);
    /* Bytes that had come already are still in the buffer, untouched. */
    behind = buffer_content(&decoder.buffer);
    expect_int(name, behind.size + c->wire.size - decoder.n_fed, c->rest.size);
    expect_span(name, behind, ((struct span){c->rest.data, behind.size}));
    buffer_deinit(&decoder.buffer);
}

static void test_whole(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(whole_cases); i++) {
        for (size_t way = 0; way < ARRAY_SIZE(ways); way++) {
            for (size_t cut = 0; cut <= whole_cases[i].wire.size; cut++) {
                check_whole(&whole_cases[i], way, cut);
            }
        }
    }
}

static void test_truncated(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(whole_cases); i++) {
        const struct body_case *c = &whole_cases[i];

        for (size_t size = 0; size < c->wire.size - c->rest.size; size++) {
            struct span wire = {c->wire.data, size};

            for (size_t step = 1; step <= ALL_AT_ONCE; step *= ALL_AT_ONCE) {
                struct decoder decoder;

                decoder_init(&decoder, c->name, c->head ? c->head : chunked_head, 4096);
                expect_int(c->name, decoder_run(&decoder, c->name, wire, 0, step, ALL_AT_ONCE), 0);
                expect_true(c->name, !decoder.body.complete);
                expect_true(c->name, decoder.n_decoded <= c->decoded.size);
                expect_int(c->name, buffer_size(&decoder.buffer), 0);
                buffer_deinit(&decoder.buffer);
            }
        }
    }
}

static void test_malformed(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(malformed_cases); i++) {
        for (size_t way = 0; way < ARRAY_SIZE(ways); way++) {
            for (size_t cut = 0; cut <= malformed_cases[i].wire.size; cut++) {
                struct decoder decoder;
                char name[128];

                (void)snprintf(name, sizeof(name), "%s, cut at %zu, %s", malformed_cases[i].name, cut, ways[way].name);
                decoder_init(&decoder, name, chunked_head, ways[way].capacity);
                expect_int(name,
                           decoder_run(&decoder, name, malformed_cases[i].wire, cut, ways[way].step, ways[way].take),
                           BODY_E_MALFORMED);
                buffer_deinit(&decoder.buffer);
            }
        }
    }
}

/* A size that fits into 64 bits is no fault; the caller limits how much of it may come. */
static void test_huge_chunk(void **state) {
    static const char *const wires[] = {"ffffffffffffffff\r\nhello", "7FFFFFFFFFFFFFFF\r\nhello"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wires); i++) {
        struct decoder decoder;

        decoder_init(&decoder, wires[i], chunked_head, 7);
        expect_int(wires[i], decoder_run(&decoder, wires[i], span_of(wires[i]), 0, 3, 2), 0);
        expect_true(wires[i], !decoder.body.complete);
        expect_span(wires[i], ((struct span){decoder.decoded, decoder.n_decoded}), SPAN("hello"));
        buffer_deinit(&decoder.buffer);
    }
}

#if SIZE_MAX > UINT32_MAX
#define SIZE_MAX_DIGITS "ffffffffffffffff"
#else
#define SIZE_MAX_DIGITS "ffffffff"
#endif

static void test_encoder(void **state) {
    static const struct {
        const char *name;
        bool first;
        bool end;
        size_t size;
        const char *expected;
    } cases[] = {
        {"first chunk", true, false, 5, "5\r\n"},
        {"further chunk", false, false, 26, "\r\n1a\r\n"},
        {"largest chunk", false, false, SIZE_MAX, "\r\n" SIZE_MAX_DIGITS "\r\n"},
        {"end of an empty body", true, true, 0, "0\r\n\r\n"},
        {"end", false, true, 0, "\r\n0\r\n\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buffer wire;

        for (size_t capacity = 0; capacity <= BODY_PREFIX_MAX_BYTES; capacity++) {
            size_t behind = cases[i].end ? 0 : 1; /* formatting also writes a terminator */
            bool fits = capacity >= strlen(cases[i].expected) + behind;
            int r;

            buffer_init(&wire, capacity);
            r = cases[i].end ? body_encode_end(&wire, cases[i].first)
                             : body_encode_chunk(&wire, cases[i].first, cases[i].size);
            expect_int(cases[i].name, r, fits ? 0 : -ENOBUFS);
            expect_span(cases[i].name, buffer_content(&wire), span_of(fits ? cases[i].expected : ""));
            buffer_deinit(&wire);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),      cmocka_unit_test(test_truncated), cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_huge_chunk), cmocka_unit_test(test_encoder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
