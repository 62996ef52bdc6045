/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checks the form of tokens, decodes them from a request, compares them, and mints new ones. A comparison always takes
 * the same time: it does not end early at a wrong byte, or when one of several places has the token. A token must not
 * be written anywhere.
 */

#include "access/token.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/ascii.h"
#include "http/head_basics.h"

enum {
    BASE64_INVALID = 0xff,
    DECODED_MAX_BYTES = HEAD_MAX_BYTES / 4 * 3, /* no field value is longer than a head */
};

bool token_is_valid(struct span token) {
    if (token.size < 1 || token.size > TOKEN_MAX_BYTES) {
        return false;
    }
    for (size_t i = 0; i < token.size; i++) {
        if (!ascii_is_printable(token.data[i]) || token.data[i] == ' ' || token.data[i] == ':') {
            return false;
        }
    }
    return true;
}

static uint8_t base64_value(char digit) {
    if (digit >= 'A' && digit <= 'Z') {
        return (uint8_t)(digit - 'A');
    }
    if (digit >= 'a' && digit <= 'z') {
        return (uint8_t)(digit - 'a' + 26);
    }
    if (digit >= '0' && digit <= '9') {
        return (uint8_t)(digit - '0' + 52);
    }
    return digit == '+' ? 62 : digit == '/' ? 63 : BASE64_INVALID;
}

/*
 * Decodes one group of four digits into @out. Padding is allowed only when @last. The unused bits before padding must
 * be zero, so that a text has one encoding. Return: bytes decoded, 0 when malformed.
 */
static size_t base64_group(const char *digits, bool last, char *out) {
    size_t n_digits = 4;
    uint32_t bits = 0;

    while (last && n_digits > 2 && digits[n_digits - 1] == '=') {
        n_digits--;
    }
    for (size_t i = 0; i < 4; i++) {
        uint8_t value = i < n_digits ? base64_value(digits[i]) : 0;

        if (value == BASE64_INVALID) {
            return 0;
        }
        bits = bits << 6 | value;
    }
    if ((n_digits == 3 && (bits & 0xff)) || (n_digits == 2 && (bits & 0xffff))) {
        return 0;
    }
    for (size_t i = 0; i < n_digits - 1; i++) {
        out[i] = (char)(bits >> (16 - 8 * i) & 0xff);
    }
    return n_digits - 1;
}

static bool base64_decode(struct span encoded, char *decoded, size_t *sizep) {
    size_t size = 0;

    if (encoded.size == 0 || encoded.size % 4 != 0 || encoded.size / 4 * 3 > DECODED_MAX_BYTES) {
        return false;
    }
    for (size_t i = 0; i < encoded.size; i += 4) {
        size_t n = base64_group(encoded.data + i, i + 4 == encoded.size, decoded + size);

        if (n == 0) {
            return false;
        }
        size += n;
    }
    *sizep = size;
    return true;
}

/* The byte at @i of "user:password"; 0 after its end. */
static unsigned char pair_byte(struct span user, struct span password, size_t i) {
    if (i < user.size) {
        return (unsigned char)user.data[i];
    }
    if (i == user.size) {
        return ':';
    }
    i -= user.size + 1;
    return i < password.size ? (unsigned char)password.data[i] : 0;
}

void token_encode(char credentials[TOKEN_CREDENTIALS_MAX], const char *user, const char *password) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const struct span first = span_of(user);
    const struct span second = span_of(password);
    size_t size = first.size + 1 + second.size;
    char *out = credentials;

    assert(first.size <= TOKEN_MAX_BYTES && second.size <= TOKEN_MAX_BYTES);
    for (size_t i = 0; i < size; i += 3) {
        uint32_t bits = 0;

        for (size_t j = i; j < i + 3; j++) {
            bits = bits << 8 | pair_byte(first, second, j);
        }
        for (unsigned j = 0; j < 4; j++) {
            char digit = '=';

            if (i + j <= size) {
                digit = digits[bits >> (18 - 6 * j) & 63];
            }
            *out++ = digit;
        }
    }
    *out = '\0';
}

/* Removes @scheme and the spaces after it from the credentials (RFC 9110, 11.4). */
static bool take_scheme(struct span *restp, const char *scheme) {
    size_t size = strlen(scheme);

    if (!restp->data || restp->size <= size || !span_equals_nocase((struct span){restp->data, size}, scheme) ||
        restp->data[size] != ' ') {
        return false;
    }
    while (size < restp->size && restp->data[size] == ' ') {
        size++;
    }
    *restp = (struct span){restp->data + size, restp->size - size};
    return true;
}

/* Always compares the same number of bytes. */
static bool equals_in_constant_time(struct span given, const char *token) {
    char given_padded[TOKEN_MAX_BYTES] = {0};
    char token_padded[TOKEN_MAX_BYTES] = {0};
    size_t token_size = strlen(token);
    volatile unsigned char difference = 0;

    assert(token_size <= TOKEN_MAX_BYTES);
    memcpy(token_padded, token, token_size); /* NOLINT(bugprone-not-null-terminated-result): padded, no string */
    memcpy(given_padded, given.data, given.size < TOKEN_MAX_BYTES ? given.size : TOKEN_MAX_BYTES);
    difference = given.size != token_size;
    for (size_t i = 0; i < TOKEN_MAX_BYTES; i++) {
        difference = (unsigned char)(difference | (unsigned char)(given_padded[i] ^ token_padded[i]));
    }
    explicit_bzero(token_padded, sizeof(token_padded));
    explicit_bzero(given_padded, sizeof(given_padded));
    return difference == 0;
}

/* Compares with each token. A missing one is replaced by the first, so that the time does not tell their number. */
static bool is_any(struct span given, const char *const tokens[TOKEN_COUNT_MAX]) {
    unsigned n_equal = equals_in_constant_time(given, tokens[0]);

    for (size_t i = 1; i < TOKEN_COUNT_MAX; i++) {
        n_equal += equals_in_constant_time(given, tokens[i] ? tokens[i] : tokens[0]);
    }
    return n_equal > 0;
}

/* A token may be the user or the password. Both are always compared. */
static int check_basic(struct span encoded, const char *const tokens[TOKEN_COUNT_MAX]) {
    char decoded[DECODED_MAX_BYTES];
    struct span pair = {decoded, 0};
    struct span user;
    struct span password;
    const char *colon;
    bool is_user;
    bool is_password;

    if (!base64_decode(encoded, decoded, &pair.size) || ascii_has_control_byte(pair)) {
        return TOKEN_E_MALFORMED;
    }
    colon = memchr(pair.data, ':', pair.size);
    if (!colon) {
        return TOKEN_E_MALFORMED;
    }
    user = (struct span){pair.data, (size_t)(colon - pair.data)};
    password = (struct span){colon + 1, pair.size - user.size - 1};
    is_user = is_any(user, tokens);
    is_password = is_any(password, tokens);
    explicit_bzero(decoded, pair.size);
    return is_user || is_password ? 0 : TOKEN_E_MISMATCH;
}

/* Takes any visible bytes, since a token may have bytes that RFC 6750, 2.1, does not list. */
static int check_bearer(struct span given, const char *const tokens[TOKEN_COUNT_MAX]) {
    for (size_t i = 0; i < given.size; i++) {
        if (!ascii_is_printable(given.data[i]) || given.data[i] == ' ') {
            return TOKEN_E_MALFORMED;
        }
    }
    if (given.size == 0) {
        return TOKEN_E_MALFORMED;
    }
    return is_any(given, tokens) ? 0 : TOKEN_E_MISMATCH;
}

int token_check(struct span authorization, const char *const tokens[TOKEN_COUNT_MAX]) {
    if (take_scheme(&authorization, "Basic")) {
        return check_basic(authorization, tokens);
    }
    return take_scheme(&authorization, "Bearer") ? check_bearer(authorization, tokens) : TOKEN_E_MALFORMED;
}

int token_mint(char *token, size_t size, const char *prefix) {
    uint8_t random[TOKEN_MINT_HEX_DIGITS / 2];
    size_t prefix_size = strlen(prefix);
    ssize_t n_random;

    if (prefix_size + TOKEN_MINT_HEX_DIGITS > TOKEN_MAX_BYTES ||
        (prefix_size > 0 && !token_is_valid(span_of(prefix)))) {
        return -EINVAL;
    }
    if (size <= prefix_size + TOKEN_MINT_HEX_DIGITS) {
        return -ENOBUFS;
    }
    n_random = getrandom(random, sizeof(random), 0); /* up to 256 bytes come whole: getrandom(2) */
    if (n_random != (ssize_t)sizeof(random)) {
        return n_random < 0 ? -errno : -EIO;
    }
    memcpy(token, prefix, prefix_size); /* NOLINT(bugprone-not-null-terminated-result): the digits follow */
    for (size_t i = 0; i < sizeof(random); i++) {
        (void)snprintf(token + prefix_size + 2 * i, 3, "%02x", random[i]);
    }
    explicit_bzero(random, sizeof(random));
    return 0;
}
