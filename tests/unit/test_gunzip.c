/* SPDX-License-Identifier: Apache-2.0 */

/* Compressed bodies: whole, damaged, cut off and too long, through buffers of several sizes. */

#include "unit.h"

#include <stdio.h>

#include <zlib.h>

#include "base/buffer.h"
#include "http/gunzip.h"

enum {
    GZIP_FORMAT = 16 + MAX_WBITS, /* of deflateInit2() in zlib.h */
    ZLIB_FORMAT = MAX_WBITS,
    RAW_FORMAT = -MAX_WBITS,
    GZIP_HEADER_SIZE = 10,
    GZIP_TRAILER_SIZE = 8,
    ROOM = 8192,
};

static const char text[] =
    "0032want 0a53e9ddeaddad63ad106860237bbf53411d11a7\n0032want 441b40d833fdfa93eb2908e52742248faf0ee993"
    "\n0000";

/* Compresses @plain to @out. Return: the number of bytes there. */
static size_t compress_to(char *out, size_t room, const void *plain, size_t size, int format) {
    z_stream stream = {0};

    assert_int_equal(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, format, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (Bytef *)(uintptr_t)plain;
    stream.avail_in = (uInt)size;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&stream), Z_OK);
    return room - stream.avail_out;
}

/* A decoder with its buffer and its output. */
struct inflater {
    struct gunzip gunzip;
    struct buffer buffer;
    char out[ROOM];
    size_t n_out;
};

static void inflater_init(struct inflater *inflater, size_t capacity) {
    assert_int_equal(gunzip_init(&inflater->gunzip), 0);
    buffer_init(&inflater->buffer, capacity);
    inflater->n_out = 0;
}

static void inflater_deinit(struct inflater *inflater) {
    gunzip_deinit(&inflater->gunzip);
    gunzip_deinit(&inflater->gunzip); /* twice does no harm */
    buffer_deinit(&inflater->buffer);
}

/* Feeds a copy of @size bytes and takes all output. */
static int inflater_feed(struct inflater *inflater, const char *name, const char *data, size_t size) {
    char *copy = unit_copy(data, size);
    struct span rest = {copy, size};
    bool was_full = true;
    int r = 0;

    while (!r && (rest.size > 0 || was_full)) {
        size_t n_used;
        size_t n_new;

        r = gunzip_inflate(&inflater->gunzip, rest, &n_used, &inflater->buffer);
        n_new = buffer_size(&inflater->buffer);
        expect_true(name, n_used <= rest.size);
        expect_true(name, r || n_used > 0 || n_new > 0 || rest.size == 0);
        rest = (struct span){rest.data + n_used, rest.size - n_used};
        was_full = buffer_room(&inflater->buffer) == 0;
        expect_true(name, r || was_full || rest.size == 0);
        expect_true(name, inflater->n_out + n_new <= ROOM);
        memcpy(inflater->out + inflater->n_out, buffer_content(&inflater->buffer).data, n_new);
        inflater->n_out += n_new;
        buffer_consume(&inflater->buffer, n_new);
    }
    free(copy);
    return r;
}

static int inflater_run(struct inflater *inflater, const char *name, struct span bytes, size_t cut, size_t step) {
    int r = inflater_feed(inflater, name, bytes.data, cut);

    for (size_t at = cut; !r && at < bytes.size;) {
        size_t size = bytes.size - at < step ? bytes.size - at : step;

        r = inflater_feed(inflater, name, bytes.data + at, size);
        at += size;
    }
    return r;
}

static const struct {
    const char *name;
    size_t capacity;
    size_t step;
} ways[] = {
    {"rest at once", ROOM, ROOM},          {"rest byte by byte", ROOM, 1}, {"room for 1", 1, ROOM},
    {"room for 1 and byte by byte", 1, 1}, {"room for 13", 13, 7},
};

static void check_whole(const char *name, struct span bytes, struct span plain) {
    for (size_t way = 0; way < ARRAY_SIZE(ways); way++) {
        for (size_t cut = 0; cut <= bytes.size; cut++) {
            struct inflater inflater;
            size_t n_used;

            inflater_init(&inflater, ways[way].capacity);
            expect_int(name, inflater_run(&inflater, name, bytes, cut, ways[way].step), 0);
            expect_true(name, inflater.gunzip.complete);
            expect_span(name, ((struct span){inflater.out, inflater.n_out}), plain);
            expect_int(name, gunzip_inflate(&inflater.gunzip, SPAN(""), &n_used, &inflater.buffer), 0);
            expect_int(name, gunzip_inflate(&inflater.gunzip, SPAN("x"), &n_used, &inflater.buffer), GUNZIP_E_CORRUPT);
            expect_int(name, n_used, 0);
            inflater_deinit(&inflater);
        }
    }
}

static void check_corrupt(const char *name, struct span bytes) {
    for (size_t way = 0; way < ARRAY_SIZE(ways); way++) {
        for (size_t cut = 0; cut <= bytes.size; cut++) {
            struct inflater inflater;
            char full_name[128];

            (void)snprintf(full_name, sizeof(full_name), "%s, cut at %zu, %s", name, cut, ways[way].name);
            inflater_init(&inflater, ways[way].capacity);
            expect_int(full_name, inflater_run(&inflater, full_name, bytes, cut, ways[way].step), GUNZIP_E_CORRUPT);
            inflater_deinit(&inflater);
        }
    }
}

static void test_whole(void **state) {
    static char pattern[5000];
    const struct {
        const char *name;
        struct span plain;
    } cases[] = {
        {"empty", BYTES("")},
        {"one byte", BYTES("x")},
        {"text", {text, sizeof(text) - 1}},
        {"much of the same", {pattern, sizeof(pattern)}},
    };
    static const char fixed[] = "\x1f\x8b\x08\x1f\0\0\0\0\0\x03" /* a header with each optional part */
                                "\x02\0\x61\x62"                 /* extra field */
                                "name\0comment\0";

    (void)state;
    memset(pattern, 'a', sizeof(pattern));
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char bytes[ROOM];
        size_t size = compress_to(bytes, sizeof(bytes), cases[i].plain.data, cases[i].plain.size, GZIP_FORMAT);

        check_whole(cases[i].name, (struct span){bytes, size}, cases[i].plain);
    }
    {
        char bytes[ROOM];
        char plain_gzip[ROOM];
        size_t size = compress_to(plain_gzip, sizeof(plain_gzip), text, sizeof(text) - 1, GZIP_FORMAT);
        uLong sum = crc32(0, (const Bytef *)fixed, sizeof(fixed) - 1);

        memcpy(bytes, fixed, sizeof(fixed) - 1);
        bytes[sizeof(fixed) - 1] = (char)(sum & 0xff);
        bytes[sizeof(fixed)] = (char)(sum >> 8 & 0xff);
        memcpy(bytes + sizeof(fixed) + 1, plain_gzip + GZIP_HEADER_SIZE, size - GZIP_HEADER_SIZE);
        size += sizeof(fixed) + 1 - GZIP_HEADER_SIZE;
        check_whole("a header with all parts", (struct span){bytes, size}, (struct span){text, sizeof(text) - 1});
        bytes[sizeof(fixed)] ^= 1;
        check_corrupt("a header with a wrong checksum", (struct span){bytes, size});
    }
}

static void test_truncated(void **state) {
    char bytes[ROOM];
    size_t size = compress_to(bytes, sizeof(bytes), text, sizeof(text) - 1, GZIP_FORMAT);

    (void)state;
    for (size_t cut = 0; cut < size; cut++) {
        for (size_t way = 0; way < ARRAY_SIZE(ways); way++) {
            struct inflater inflater;

            inflater_init(&inflater, ways[way].capacity);
            expect_int(ways[way].name,
                       inflater_run(&inflater, ways[way].name, (struct span){bytes, cut}, 0, ways[way].step), 0);
            expect_true(ways[way].name, !inflater.gunzip.complete);
            inflater_deinit(&inflater);
        }
    }
}

static void test_corrupt(void **state) {
    char bytes[ROOM];
    size_t size = compress_to(bytes, sizeof(bytes), text, sizeof(text) - 1, GZIP_FORMAT);
    const struct {
        const char *name;
        size_t at;
        char flip;
    } cases[] = {
        {"first byte of the mark", 0, 1},
        {"second byte of the mark", 1, 1},
        {"method", 2, 1},
        {"reserved flag", 3, 0x20},
        {"another reserved flag", 3, (char)0x80},
        {"block of an unknown kind", GZIP_HEADER_SIZE, (char)(~bytes[GZIP_HEADER_SIZE] & 0x06)},
        {"first byte of the checksum", size - GZIP_TRAILER_SIZE, 1},
        {"last byte of the checksum", size - 5, 1},
        {"first byte of the length", size - 4, 1},
        {"last byte of the length", size - 1, (char)0x80},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char damaged[ROOM];

        memcpy(damaged, bytes, size);
        damaged[cases[i].at] ^= cases[i].flip;
        check_corrupt(cases[i].name, (struct span){damaged, size});
    }
    check_corrupt("no gzip", SPAN("0032want 0a53e9ddeaddad63ad106860237bbf53411d11a7\n"));
    size = compress_to(bytes, sizeof(bytes), text, sizeof(text) - 1, ZLIB_FORMAT);
    check_corrupt("zlib format", (struct span){bytes, size});
    size = compress_to(bytes, sizeof(bytes), text, sizeof(text) - 1, RAW_FORMAT);
    check_corrupt("raw format", (struct span){bytes, size});
}

/* With a wrong bit after the header, the output must not pass for complete. The bits that fill up the data's last byte
 * mean nothing: there the output is right all the same. */
static void test_flipped_bits(void **state) {
    char bytes[ROOM];
    size_t size = compress_to(bytes, sizeof(bytes), text, sizeof(text) - 1, GZIP_FORMAT);

    (void)state;
    for (size_t bit = 8 * GZIP_HEADER_SIZE; bit < 8 * size; bit++) {
        struct inflater inflater;
        char name[64];
        int r;

        (void)snprintf(name, sizeof(name), "bit %zu flipped", bit);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        inflater_init(&inflater, ROOM);
        r = inflater_feed(&inflater, name, bytes, size);
        expect_true(name, r == 0 || r == GUNZIP_E_CORRUPT);
        if (r == 0 && inflater.gunzip.complete) {
            expect_true(name, bit / 8 == size - GZIP_TRAILER_SIZE - 1);
            expect_span(name, ((struct span){inflater.out, inflater.n_out}), SPAN(text));
        }
        inflater_deinit(&inflater);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
}

static void test_bytes_behind(void **state) {
    char bytes[ROOM];
    size_t size = compress_to(bytes, sizeof(bytes), text, sizeof(text) - 1, GZIP_FORMAT);
    size_t both = size + compress_to(bytes + size, sizeof(bytes) - size, text, sizeof(text) - 1, GZIP_FORMAT);

    (void)state;
    check_corrupt("two members", (struct span){bytes, both});
    check_corrupt("a second member that has only begun", (struct span){bytes, size + 1});
    bytes[size] = '\0';
    check_corrupt("a NUL byte behind it", (struct span){bytes, size + 1});
    bytes[size] = '\n';
    check_corrupt("a newline behind it", (struct span){bytes, size + 1});
}

/* A small input with a large output fills the buffer, and no more, each time it is emptied. */
static void test_bomb(void **state) {
    enum {
        PLAIN_SIZE = 1 << 20,
        CAPACITY = 100,
    };
    char *plain = calloc(1, PLAIN_SIZE);
    char bytes[ROOM];
    size_t size;
    size_t n_used;
    size_t n_out = 0;
    struct gunzip gunzip;
    struct buffer buffer;
    struct span rest;

    (void)state;
    assert_non_null(plain);
    size = compress_to(bytes, sizeof(bytes), plain, PLAIN_SIZE, GZIP_FORMAT);
    free(plain);
    assert_int_equal(gunzip_init(&gunzip), 0);
    buffer_init(&buffer, CAPACITY);
    rest = (struct span){bytes, size};
    while (!gunzip.complete) {
        assert_int_equal(gunzip_inflate(&gunzip, rest, &n_used, &buffer), 0);
        assert_true(buffer_size(&buffer) > 0 || gunzip.complete);
        rest = (struct span){rest.data + n_used, rest.size - n_used};
        if (buffer_room(&buffer) == 0) { /* a full one stays as it is */
            assert_int_equal(gunzip_inflate(&gunzip, rest, &n_used, &buffer), 0);
            assert_int_equal(buffer_size(&buffer), CAPACITY);
            rest = (struct span){rest.data + n_used, rest.size - n_used};
        }
        n_out += buffer_size(&buffer);
        buffer_consume(&buffer, buffer_size(&buffer));
    }
    assert_int_equal(n_out, PLAIN_SIZE);
    assert_int_equal(rest.size, 0);
    gunzip_deinit(&gunzip);
    buffer_deinit(&buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),        cmocka_unit_test(test_truncated),    cmocka_unit_test(test_corrupt),
        cmocka_unit_test(test_flipped_bits), cmocka_unit_test(test_bytes_behind), cmocka_unit_test(test_bomb),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
