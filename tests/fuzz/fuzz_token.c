/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The value of an Authorization field. A lenient decoder reads it here, and encoding the result again tells whether it
 * was well-formed, as strict base64 has one spelling. The input also serves as credentials to encode, as a bearer, as a
 * token, and as the prefix of a new one.
 */

#include "fuzz.h"

#include <errno.h>

#include "access/token.h"

static const char fixed_token[] = "gate-0123456789abcdef0123456789abcdef";
static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static size_t encode(char *out, struct span plain) {
    size_t size = 0;

    for (size_t i = 0; i < plain.size; i += 3) {
        size_t n = plain.size - i < 3 ? plain.size - i : 3;
        uint32_t bits = 0;

        for (size_t j = 0; j < 3; j++) {
            bits = bits << 8 | (j < n ? (unsigned char)plain.data[i + j] : 0);
        }
        for (size_t j = 0; j < 4; j++) {
            out[size++] = j <= n ? digits[bits >> (18 - 6 * j) & 63] : '=';
        }
    }
    return size;
}

/* Takes all digits, whatever is between them. */
static size_t decode(char *out, struct span encoded) {
    size_t n_bits = 0;
    size_t size = 0;
    uint32_t bits = 0;

    for (size_t i = 0; i < encoded.size; i++) {
        const char *digit = encoded.data[i] ? strchr(digits, encoded.data[i]) : NULL;

        if (digit) {
            bits = (bits << 6 | (uint32_t)(digit - digits)) & 0xffff;
            n_bits += 6;
        }
        if (n_bits >= 8) {
            n_bits -= 8;
            out[size++] = (char)(bits >> n_bits & 0xff);
        }
    }
    return size;
}

static bool has_control_byte(struct span text) {
    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

static int expect_credentials(struct span plain, const char *token) {
    const char *colon = plain.size > 0 ? memchr(plain.data, ':', plain.size) : NULL;

    if (!colon || has_control_byte(plain)) {
        return TOKEN_E_MALFORMED;
    }
    if (fuzz_same(fuzz_prefix(plain, (size_t)(colon - plain.data)), span_of(token))) {
        return 0;
    }
    return fuzz_same(fuzz_behind(plain, (size_t)(colon - plain.data) + 1), span_of(token)) ? 0 : TOKEN_E_MISMATCH;
}

static int expect_bearer(struct span bearer, const char *token) {
    for (size_t i = 0; i < bearer.size; i++) {
        if (bearer.data[i] <= ' ' || bearer.data[i] > '~') {
            return TOKEN_E_MALFORMED;
        }
    }
    return bearer.size == 0 ? TOKEN_E_MALFORMED : fuzz_same(bearer, span_of(token)) ? 0 : TOKEN_E_MISMATCH;
}

static struct span behind_spaces(struct span text) {
    while (text.size > 0 && text.data[0] == ' ') {
        text = fuzz_behind(text, 1);
    }
    return text;
}

static int expect_value(struct span value, const char *token) {
    char *plain = fuzz_allocate(value.size);
    char *again = fuzz_allocate(value.size + 4);
    int r = TOKEN_E_MALFORMED;

    if (value.size > 7 && strncasecmp(value.data, "bearer ", 7) == 0) {
        r = expect_bearer(behind_spaces(fuzz_behind(value, 7)), token);
    } else if (value.size > 6 && strncasecmp(value.data, "basic ", 6) == 0) {
        struct span encoded = behind_spaces(fuzz_behind(value, 6));
        size_t size = decode(plain, encoded);

        if (fuzz_same(encoded, (struct span){again, encode(again, (struct span){plain, size})})) {
            r = expect_credentials((struct span){plain, size}, token);
        }
    }
    free(plain);
    free(again);
    return r;
}

/* Checks the token alone, and beside one that no client can have. All results agree. */
static int check_alone(struct span value, const char *token) {
    static const char other[] = "\x01"; /* credentials with control bytes are malformed */
    int r = token_check(value, (const char *const[TOKEN_COUNT_MAX]){token});

    require(token_check(value, (const char *const[TOKEN_COUNT_MAX]){token, other}) == r);
    require(token_check(value, (const char *const[TOKEN_COUNT_MAX]){other, token}) == r);
    return r;
}

/* The input is "user:password". Makes the header that a client would send. */
static void check_encoded(struct span plain, const char *token) {
    static const char scheme[] = {'B', 'a', 's', 'i', 'c', ' '};
    char *text = fuzz_allocate(sizeof(scheme) + (plain.size + 2) / 3 * 4);
    struct span value = {text, sizeof(scheme) + encode(text + sizeof(scheme), plain)};

    memcpy(text, scheme, sizeof(scheme));
    require(check_alone(value, token) == expect_credentials(plain, token));
    free(text);
}

static void check_as_bearer(struct span bearer, const char *token) {
    static const char scheme[] = {'B', 'e', 'a', 'r', 'e', 'r', ' '};
    char *text = fuzz_allocate(sizeof(scheme) + bearer.size);

    memcpy(text, scheme, sizeof(scheme));
    if (bearer.size > 0) {
        memcpy(text + sizeof(scheme), bearer.data, bearer.size);
    }
    require(check_alone((struct span){text, sizeof(scheme) + bearer.size}, token) ==
            expect_bearer(behind_spaces(bearer), token));
    free(text);
}

static void check_as_token(const char *text, struct span bytes) {
    bool is_valid = bytes.size >= 1 && bytes.size <= TOKEN_MAX_BYTES;
    char minted[TOKEN_MAX_BYTES + 1];
    size_t room = fuzz_hash(bytes) % (sizeof(minted) + 1);
    int r = token_mint(minted, room, text);

    for (size_t i = 0; i < bytes.size; i++) {
        is_valid = is_valid && bytes.data[i] > ' ' && bytes.data[i] < 0x7f && bytes.data[i] != ':';
    }
    require(token_is_valid(bytes) == is_valid);
    if (is_valid) {
        struct span plain = {NULL, bytes.size + 2};
        char *credentials = fuzz_allocate(plain.size + 1);

        plain.data = credentials;
        (void)snprintf(credentials, plain.size + 1, "%s:p", text);
        require(expect_credentials(plain, text) == 0);
        check_encoded(plain, text);
        (void)snprintf(credentials, plain.size + 1, "%sx:", text); /* one byte too many, at the end */
        check_encoded(plain, text);
        (void)snprintf(credentials, plain.size + 1, "p:%s", text);
        require(expect_credentials(plain, text) == 0);
        check_encoded(plain, text);
        check_as_bearer(bytes, text);
        free(credentials);
    }
    if (r == 0) {
        require(token_is_valid(span_of(minted)) && strncmp(minted, text, strlen(text)) == 0);
        require(strlen(minted) == strlen(text) + TOKEN_MINT_HEX_DIGITS && strlen(minted) < room);
    } else {
        require(r == -EINVAL || (r == -ENOBUFS && room <= strlen(text) + TOKEN_MINT_HEX_DIGITS));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span bytes = {(const char *)data, size};
    char *copy = fuzz_copy(bytes);
    char *text = fuzz_allocate(size + 1);

    memcpy(text, copy, size);
    text[size] = '\0';
    require(check_alone((struct span){copy, size}, fixed_token) == expect_value(bytes, fixed_token));
    require(check_alone((struct span){NULL, 0}, fixed_token) == TOKEN_E_MALFORMED);
    check_encoded(bytes, fixed_token);
    check_as_bearer(bytes, fixed_token);
    check_as_token(text, (struct span){copy, size});
    free(copy);
    free(text);
    return 0;
}
