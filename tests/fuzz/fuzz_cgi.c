/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A backend's output: a CGI response head, and packets behind it. The verdict on the head is the same for every cut,
 * and further bytes do not change it. The fields to pass on are harmless. A second count of the packets is made here.
 */

#include "fuzz.h"

#include "backend/cgi.h"
#include "backend/packets.h"

enum {
    ALL_CUTS_MAX_BYTES = 48, /* of an input that is cut at each position; a longer one is cut at so many places */
};

static bool is_passed_on(struct span name) {
    static const char *const names[] = {"content-type", "expires", "pragma", "cache-control", "last-modified"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (span_equals_nocase(name, names[i])) {
            return true;
        }
    }
    return false;
}

static bool lies_within(struct span piece, struct span bytes) {
    return piece.data >= bytes.data && piece.data + piece.size <= bytes.data + bytes.size;
}

static void check_accepted(const struct cgi *cgi, struct span output) {
    const char *at = output.data;

    require(cgi->size >= 2 && cgi->size <= output.size && cgi->size <= CGI_HEAD_MAX_BYTES);
    require(output.data[cgi->size - 1] == '\n');
    require(cgi->status >= 200 && cgi->status <= 599 && cgi->n_fields <= CGI_MAX_FIELDS);
    for (size_t i = 0; i < cgi->n_fields; i++) {
        struct span name = cgi->field[i].name;
        struct span value = cgi->field[i].value;

        require(name.data >= at && lies_within(name, output) && lies_within(value, output));
        require(value.data > name.data + name.size && is_passed_on(name));
        for (size_t j = 0; j < value.size; j++) {
            require((value.data[j] >= ' ' && value.data[j] <= '~') || value.data[j] == '\t');
        }
        at = value.data + value.size;
    }
    require(at < output.data + cgi->size);
}

/* A part of the output gives MORE, or the result of the whole. */
static void check_cut(const struct cgi *whole, int whole_r, struct span output, size_t cut) {
    char *copy = fuzz_copy(fuzz_prefix(output, cut));
    struct cgi part;
    int r = cgi_parse(&part, (struct span){copy, cut});

    if (whole_r == 0) {
        require(r == (cut < whole->size ? CGI_E_MORE : 0));
    } else {
        require(r == whole_r || (r == CGI_E_MORE && whole_r == CGI_E_NONSENSE));
    }
    if (r == 0) {
        check_accepted(&part, (struct span){copy, cut});
        require(part.size == whole->size && part.status == whole->status && part.n_fields == whole->n_fields);
    }
    free(copy);
}

static size_t check_head(struct span output) {
    uint32_t state = fuzz_hash(output);
    struct cgi cgi;
    int r = cgi_parse(&cgi, output);

    require(r == 0 || r == CGI_E_MORE || r == CGI_E_NONSENSE);
    require(r != CGI_E_MORE || output.size < CGI_HEAD_MAX_BYTES);
    if (r == 0) {
        check_accepted(&cgi, output);
    }
    for (size_t i = 0; i <= output.size && i <= ALL_CUTS_MAX_BYTES; i++) {
        check_cut(&cgi, r, output, output.size <= ALL_CUTS_MAX_BYTES ? i : fuzz_pick(&state, output.size + 1));
    }
    return r == 0 ? cgi.size : 0;
}

static bool expect_whole(struct span bytes) {
    bool is_whole = false;

    while (bytes.size > 0) {
        char digits[5] = {0};
        size_t size;

        if (bytes.size < 4) {
            return false;
        }
        memcpy(digits, bytes.data, 4);
        if (strspn(digits, "0123456789abcdefABCDEF") != 4) {
            return false;
        }
        size = strtoul(digits, NULL, 16);
        is_whole = size == 0 || (size >= 8 && bytes.size >= 8 && memcmp(bytes.data + 4, "ERR ", 4) == 0);
        size = size < 4 ? 4 : size;
        if (size > bytes.size) {
            return false;
        }
        bytes = fuzz_behind(bytes, size);
    }
    return is_whole;
}

static void check_packets(struct span bytes) {
    bool is_whole = expect_whole(bytes);
    size_t cut = fuzz_hash(bytes) % (bytes.size + 1);
    struct packets whole = {0};
    struct packets in_two = {0};
    struct packets by_byte = {0};

    packets_feed(&whole, bytes);
    packets_feed(&in_two, fuzz_prefix(bytes, cut));
    require(in_two.is_whole == expect_whole(fuzz_prefix(bytes, cut)));
    packets_feed(&in_two, fuzz_behind(bytes, cut));
    for (size_t i = 0; i < bytes.size; i++) {
        packets_feed(&by_byte, (struct span){bytes.data + i, 1});
    }
    require(whole.is_whole == is_whole && in_two.is_whole == is_whole && by_byte.is_whole == is_whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *copy = fuzz_copy((struct span){(const char *)data, size});
    struct span output = {copy, size};
    size_t head_size = check_head(output);

    check_packets(output);
    check_packets(fuzz_behind(output, head_size));
    free(copy);
    return 0;
}
