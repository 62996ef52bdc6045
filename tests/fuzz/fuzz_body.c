/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A request body. Its first byte tells the framing: by chunks if it is even, otherwise by a length. The decoder's
 * result must be that of a few plain lines here, for several cuts and buffer sizes. The encoder's output is decoded
 * again.
 */

#include "fuzz.h"

#include "base/buffer.h"
#include "http/body.h"
#include "http/head.h"

enum {
    ENCODED_MAX_BYTES = 64 * 1024,
};

/* The expected result of a wire. @n_used includes the framing. */
struct expected {
    bool malformed;
    bool complete;
    char *decoded;
    size_t n_decoded;
    size_t n_used;
};

struct way {
    size_t capacity;
    size_t step;
    size_t take;
};

static int hex_value(char digit) {
    const char *digits = "0123456789abcdef";
    const char *at = digit ? strchr(digits, digit >= 'A' && digit <= 'F' ? digit | 0x20 : digit) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* Takes "\r\n". The wire may end before or within it. Return: whether to go on */
static bool expect_line_end(struct expected *expected, struct span wire) {
    for (size_t i = 0; i < 2; i++) {
        if (expected->n_used == wire.size) {
            return false;
        }
        if (wire.data[expected->n_used] != "\r\n"[i]) {
            expected->malformed = true;
            return false;
        }
        expected->n_used++;
    }
    return true;
}

/* Takes a chunk's size. Return: whether to go on. */
static bool expect_size(struct expected *expected, struct span wire, uint64_t *sizep) {
    size_t start = expected->n_used;

    *sizep = 0;
    while (expected->n_used < wire.size && hex_value(wire.data[expected->n_used]) >= 0) {
        if (*sizep >> 60) {
            expected->malformed = true;
            return false;
        }
        *sizep = *sizep << 4 | (uint64_t)hex_value(wire.data[expected->n_used++]);
    }
    if (expected->n_used == start && expected->n_used < wire.size) {
        expected->malformed = true;
    }
    return !expected->malformed && expected->n_used < wire.size && expect_line_end(expected, wire);
}

static void expect_data(struct expected *expected, struct span wire, uint64_t size) {
    size_t n = wire.size - expected->n_used < size ? wire.size - expected->n_used : (size_t)size;

    memcpy(expected->decoded + expected->n_decoded, wire.data + expected->n_used, n);
    expected->n_decoded += n;
    expected->n_used += n;
}

static void expect_chunks(struct expected *expected, struct span wire) {
    size_t framing_start = 0;
    uint64_t size = 1;

    while (size > 0 && expect_size(expected, wire, &size)) {
        if (size > 0) {
            if (expected->n_used - framing_start > BODY_FRAMING_MAX_BYTES) {
                break;
            }
            expect_data(expected, wire, size);
            framing_start = expected->n_used;
        }
        if (!expect_line_end(expected, wire)) {
            break;
        }
        expected->complete = size == 0;
    }
    if (expected->n_used - framing_start > BODY_FRAMING_MAX_BYTES) {
        expected->malformed = true;
    }
}

/* Takes all ready bytes, and compares them with the expected ones. */
static size_t take_ready(struct body *body, struct buffer *buffer, const struct expected *expected, size_t n_taken,
                         size_t take) {
    require(body->ready <= buffer_size(buffer) && body->n_decoded == n_taken + body->ready);
    require(body->n_decoded <= expected->n_decoded);
    while (body->ready > 0) {
        size_t size = body->ready < take ? body->ready : take;

        require(memcmp(buffer_content(buffer).data, expected->decoded + n_taken, size) == 0);
        body_consume(body, buffer, size);
        n_taken += size;
    }
    return n_taken;
}

static void check_decoder(struct head head, struct span wire, const struct expected *expected, struct way way) {
    struct buffer buffer;
    struct body body;
    size_t n_taken = 0;
    size_t n_fed = 0;
    int r = 0;

    buffer_init(&buffer, way.capacity);
    head.parser.data = &head;
    body_init(&body, &head);
    while (!r && !body.complete && n_fed < wire.size) {
        struct span part = fuzz_prefix(fuzz_behind(wire, n_fed), way.step);

        part = fuzz_prefix(part, buffer_room(&buffer));
        require(buffer_append(&buffer, part.data, part.size) == 0);
        n_fed += part.size;
        do {
            r = body_decode(&body, &buffer);
            require(r || body.ready > 0 || body.complete || buffer_size(&buffer) == 0);
            n_taken = r ? n_taken : take_ready(&body, &buffer, expected, n_taken, way.take);
        } while (!r && !body.complete && buffer_size(&buffer) > 0);
    }
    require((r == BODY_E_MALFORMED) == expected->malformed && (r == 0) == !expected->malformed);
    if (r) {
        require(body.reason && *body.reason);
    } else {
        require(body.complete == expected->complete && n_taken == expected->n_decoded);
        require(n_fed - buffer_size(&buffer) == expected->n_used);
        require(
            fuzz_same(buffer_content(&buffer), fuzz_prefix(fuzz_behind(wire, expected->n_used), buffer_size(&buffer))));
    }
    buffer_deinit(&buffer);
}

static void make_head(struct head *head, bool chunked, unsigned length) {
    char text[256];
    int size = chunked
                   ? snprintf(text, sizeof(text), "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
                   : snprintf(text, sizeof(text), "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %u\r\n\r\n", length);

    head_init(head);
    require(head_feed(head, text, (size_t)size) == 0);
}

static void check_all_ways(const struct head *head, struct span wire, const struct expected *expected) {
    uint32_t state = fuzz_hash(wire);

    check_decoder(*head, wire, expected, (struct way){4096, SIZE_MAX, SIZE_MAX});
    check_decoder(*head, wire, expected, (struct way){4096, 1, SIZE_MAX});
    check_decoder(*head, wire, expected, (struct way){1, 1, 1});
    for (int i = 0; i < 3; i++) {
        struct way way = {.capacity = 1 + fuzz_pick(&state, 100)};

        way.step = 1 + fuzz_pick(&state, 100);
        way.take = 1 + fuzz_pick(&state, 30);
        check_decoder(*head, wire, expected, way);
    }
}

/* Chunks of any sizes decode to the same bytes. */
static void check_encoder(const struct head *head, struct span plain) {
    struct expected expected = {.complete = true, .decoded = fuzz_copy(plain), .n_decoded = plain.size};
    uint32_t state = fuzz_hash(plain);
    struct buffer wire;
    bool first = true;

    buffer_init(&wire, ENCODED_MAX_BYTES);
    while (plain.size > 0) {
        struct span chunk = fuzz_prefix(plain, 1 + fuzz_pick(&state, plain.size));
        size_t before = buffer_size(&wire);

        require(body_encode_chunk(&wire, first, chunk.size) == 0);
        require(buffer_size(&wire) - before <= BODY_PREFIX_MAX_BYTES);
        require(buffer_append(&wire, chunk.data, chunk.size) == 0);
        plain = fuzz_behind(plain, chunk.size);
        first = false;
    }
    require(body_encode_end(&wire, first) == 0);
    expected.n_used = buffer_size(&wire);
    check_all_ways(head, buffer_content(&wire), &expected);
    free(expected.decoded);
    buffer_deinit(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span wire = {(const char *)data + 1, size - 1};
    struct expected expected = {0};
    struct head head;

    if (size == 0) {
        return 0;
    }
    expected.decoded = fuzz_allocate(size);
    if (data[0] % 2 == 0) {
        make_head(&head, true, 0);
        expect_chunks(&expected, wire);
        check_encoder(&head, wire);
    } else {
        make_head(&head, false, data[0]);
        expect_data(&expected, wire, data[0]);
        expected.complete = expected.n_decoded == data[0];
    }
    check_all_ways(&head, wire, &expected);
    free(expected.decoded);
    return 0;
}
