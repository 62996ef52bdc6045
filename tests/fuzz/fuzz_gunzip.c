/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A compressed body, through buffers of several sizes and with several cuts, compared with zlib called once on the
 * whole. A checksum is hard to guess, so the input is also compressed here, and then cut short, damaged and lengthened.
 */

#include "fuzz.h"

#define ZLIB_CONST
#include <zlib.h>

#include "base/buffer.h"
#include "http/gunzip.h"

enum {
    GZIP_FORMAT = 16, /* to be added to the window's bits: inflateInit2 in zlib.h */
    SMALL_WINDOW = 9, /* bits, so that making a stream costs little */
    PLAIN_MAX_BYTES = 16 * 1024,
    LARGE_BUFFER = 32 * 1024,
};

/* zlib's result for a whole body: the first bytes, and whether it is one member with nothing behind it. */
struct expected {
    char plain[PLAIN_MAX_BYTES];
    size_t n_plain;
    bool overflows;
    bool complete;
    bool corrupt;
};

static void expect(struct expected *expected, struct span compressed) {
    z_stream stream = {.next_in = (const Bytef *)compressed.data, .avail_in = (uInt)compressed.size};
    int r;

    require(inflateInit2(&stream, GZIP_FORMAT + MAX_WBITS) == Z_OK);
    stream.next_out = (Bytef *)expected->plain;
    stream.avail_out = PLAIN_MAX_BYTES;
    r = inflate(&stream, Z_SYNC_FLUSH);
    expected->n_plain = PLAIN_MAX_BYTES - stream.avail_out;
    expected->overflows = stream.avail_out == 0;
    expected->complete = r == Z_STREAM_END && stream.avail_in == 0;
    expected->corrupt =
        (r == Z_STREAM_END && stream.avail_in > 0) || (r != Z_STREAM_END && r != Z_OK && r != Z_BUF_ERROR);
    require(inflateEnd(&stream) == Z_OK);
}

/* Feeds the body in parts of @step through a buffer of @capacity, which is emptied each time. */
static void check(struct span compressed, const struct expected *expected, size_t capacity, size_t step) {
    struct gunzip gunzip;
    struct buffer buffer;
    bool was_full = false;
    size_t n_plain = 0;
    size_t n_fed = 0;
    int r = 0;

    require(gunzip_init(&gunzip) == 0);
    buffer_init(&buffer, capacity);
    while (!r && n_plain < PLAIN_MAX_BYTES && (was_full || n_fed < compressed.size)) {
        struct span part = fuzz_prefix(fuzz_behind(compressed, n_fed), step);
        char *copy = fuzz_copy(part);
        struct span out;
        size_t n_used;

        r = gunzip_inflate(&gunzip, (struct span){copy, part.size}, &n_used, &buffer);
        free(copy);
        out = buffer_content(&buffer);
        was_full = buffer_room(&buffer) == 0;
        require(n_used <= part.size && out.size <= capacity && (r || was_full || n_used == part.size));
        require(r == 0 || r == GUNZIP_E_CORRUPT);
        out = fuzz_prefix(out, PLAIN_MAX_BYTES - n_plain);
        require(fuzz_same(
            out, fuzz_prefix(fuzz_behind((struct span){expected->plain, expected->n_plain}, n_plain), out.size)));
        n_fed += n_used;
        n_plain += out.size;
        buffer_consume(&buffer, buffer_size(&buffer));
    }
    if (!expected->overflows) {
        require((r == GUNZIP_E_CORRUPT) == expected->corrupt);
        require(expected->corrupt || gunzip.complete == expected->complete);
        require(expected->corrupt || (n_plain == expected->n_plain && n_fed == compressed.size));
    }
    gunzip_deinit(&gunzip);
    buffer_deinit(&buffer);
}

static void check_all_ways(struct span compressed, struct expected *expected) {
    uint32_t state = fuzz_hash(compressed);

    expect(expected, compressed);
    check(compressed, expected, LARGE_BUFFER, SIZE_MAX);
    check(compressed, expected, 1 + fuzz_pick(&state, 64), 1 + fuzz_pick(&state, 64));
    check(compressed, expected, 1 + fuzz_pick(&state, 4096), 1);
}

/* Return: bytes at @out, which has room for a byte more. */
static size_t compress_to(char *out, size_t room, struct span plain, int level) {
    z_stream stream = {.next_in = (const Bytef *)plain.data, .avail_in = (uInt)plain.size};

    require(deflateInit2(&stream, level, Z_DEFLATED, GZIP_FORMAT + SMALL_WINDOW, 1, Z_DEFAULT_STRATEGY) == Z_OK);
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)room - 1;
    require(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    require(deflateEnd(&stream) == Z_OK);
    return room - 1 - stream.avail_out;
}

static void check_compressed(struct span plain, struct expected *expected) {
    uint32_t state = fuzz_hash(plain);
    size_t room = plain.size * 2 + 256;
    char *out = fuzz_allocate(room);
    size_t size = compress_to(out, room, plain, (int)fuzz_pick(&state, 10));
    size_t at;

    check_all_ways((struct span){out, size}, expected);
    require(expected->complete && fuzz_same((struct span){expected->plain, expected->n_plain}, plain));
    check_all_ways((struct span){out, fuzz_pick(&state, size)}, expected);
    require(!expected->complete && !expected->corrupt);
    out[size] = (char)fuzz_pick(&state, 256);
    check_all_ways((struct span){out, size + 1}, expected);
    require(expected->corrupt);
    at = fuzz_pick(&state, size);
    out[at] = (char)(out[at] ^ 1 << fuzz_pick(&state, 8));
    check_all_ways((struct span){out, size}, expected);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span bytes = {(const char *)data, size};
    struct expected *expected = fuzz_allocate(sizeof(*expected));

    check_all_ways(bytes, expected);
    check_compressed(fuzz_prefix(bytes, PLAIN_MAX_BYTES - 1), expected);
    free(expected);
    return 0;
}
