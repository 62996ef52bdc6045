/* SPDX-License-Identifier: Apache-2.0 */

/* The token: its form, the strictness of Basic and Bearer credentials, the comparison, and fresh tokens. */

#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "access/token.h"

/* The token is "token". "dG9rZW46" is "token:" in base64. */
static const struct {
    const char *name;
    int result;
    struct span authorization;
} check_cases[] = {
    {"right", 0, BYTES("Basic dG9rZW46")},
    {"scheme in lower case", 0, BYTES("basic dG9rZW46")},
    {"scheme in upper case", 0, BYTES("BASIC dG9rZW46")},
    {"scheme in mixed case", 0, BYTES("bAsIc dG9rZW46")},
    {"two spaces", 0, BYTES("Basic  dG9rZW46")},
    {"many spaces", 0, BYTES("Basic          dG9rZW46")},
    {"password of one byte", 0, BYTES("Basic dG9rZW46eA==")},
    {"password of two bytes", 0, BYTES("Basic dG9rZW46eHk=")},
    {"password with a colon", 0, BYTES("Basic dG9rZW46cGFzczp3b3Jk")},
    {"password of a space", 0, BYTES("Basic dG9rZW46IA==")},
    {"password of UTF-8", 0, BYTES("Basic dG9rZW46w6k=")},
    {"password with all digits of base64", 0, BYTES("Basic dG9rZW46Pz8/Pj4+")},
    {"shorter", TOKEN_E_MISMATCH, BYTES("Basic dG9rZTo=")},
    {"longer", TOKEN_E_MISMATCH, BYTES("Basic dG9rZW5zOg==")},
    {"another of the same length", TOKEN_E_MISMATCH, BYTES("Basic b3RoZXI6")},
    {"last byte in another case", TOKEN_E_MISMATCH, BYTES("Basic dG9rZU46")},
    {"first byte in another case", TOKEN_E_MISMATCH, BYTES("Basic VG9rZW46")},
    {"empty user", TOKEN_E_MISMATCH, BYTES("Basic Og==")},
    {"token as the password", 0, BYTES("Basic eDp0b2tlbg==")},
    {"token as the password, no user", 0, BYTES("Basic OnRva2Vu")},
    {"token as the password, user of UTF-8", 0, BYTES("Basic w6k6dG9rZW4=")},
    {"token in both places", 0, BYTES("Basic dG9rZW46dG9rZW4=")},
    {"token behind a colon in the password", TOKEN_E_MISMATCH, BYTES("Basic eDp5OnRva2Vu")},
    {"token and a colon in the password", TOKEN_E_MISMATCH, BYTES("Basic eDp0b2tlbjo=")},
    {"neither", TOKEN_E_MISMATCH, BYTES("Basic b3RoZXI6b3RoZXI=")},
    {"bearer", 0, BYTES("Bearer token")},
    {"bearer in upper case", 0, BYTES("BEARER token")},
    {"bearer in mixed case, many spaces", 0, BYTES("beAReR    token")},
    {"another bearer", TOKEN_E_MISMATCH, BYTES("Bearer other")},
    {"bearer, shorter", TOKEN_E_MISMATCH, BYTES("Bearer toke")},
    {"bearer, longer", TOKEN_E_MISMATCH, BYTES("Bearer tokens")},
    {"bearer in another case", TOKEN_E_MISMATCH, BYTES("Bearer Token")},
    {"bearer with a colon", TOKEN_E_MISMATCH, BYTES("Bearer token:")},
    {"bearer, encoded", TOKEN_E_MISMATCH, BYTES("Bearer dG9rZW46")},
    {"bearer of two words", TOKEN_E_MALFORMED, BYTES("Bearer token token")},
    {"bearer and a space", TOKEN_E_MALFORMED, BYTES("Bearer token ")},
    {"bearer of NUL", TOKEN_E_MALFORMED, BYTES("Bearer token\0")},
    {"bearer with a byte over 127", TOKEN_E_MALFORMED, BYTES("Bearer token\xe4")},
    {"bearer behind a tab", TOKEN_E_MALFORMED, BYTES("Bearer \ttoken")},
    {"bearer alone", TOKEN_E_MALFORMED, BYTES("Bearer")},
    {"bearer and spaces alone", TOKEN_E_MALFORMED, BYTES("Bearer  ")},
    {"bearer without a space", TOKEN_E_MALFORMED, BYTES("Bearertoken")},
    {"space behind it", TOKEN_E_MISMATCH, BYTES("Basic dG9rZW4gOg==")},
    {"space before it", TOKEN_E_MISMATCH, BYTES("Basic IHRva2VuOg==")},
    {"a byte over 127 before it", TOKEN_E_MISMATCH, BYTES("Basic /3Rva2VuOg==")},
    {"absent", TOKEN_E_MALFORMED, {NULL, 0}},
    {"empty", TOKEN_E_MALFORMED, BYTES("")},
    {"scheme alone", TOKEN_E_MALFORMED, BYTES("Basic")},
    {"scheme and space", TOKEN_E_MALFORMED, BYTES("Basic ")},
    {"scheme and spaces", TOKEN_E_MALFORMED, BYTES("Basic    ")},
    {"no space", TOKEN_E_MALFORMED, BYTES("BasicdG9rZW46")},
    {"tab", TOKEN_E_MALFORMED, BYTES("Basic\tdG9rZW46")},
    {"space and tab", TOKEN_E_MALFORMED, BYTES("Basic \tdG9rZW46")},
    {"space before the scheme", TOKEN_E_MALFORMED, BYTES(" Basic dG9rZW46")},
    {"the beginning of the scheme", TOKEN_E_MALFORMED, BYTES("Basi dG9rZW46")},
    {"more than the scheme", TOKEN_E_MALFORMED, BYTES("Basics dG9rZW46")},
    {"another scheme", TOKEN_E_MALFORMED, BYTES("Digest dG9rZW46")},
    {"no scheme", TOKEN_E_MALFORMED, BYTES("dG9rZW46")},
    {"not encoded", TOKEN_E_MALFORMED, BYTES("Basic token:")},
    {"not encoded, of four", TOKEN_E_MALFORMED, BYTES("Basic tok:")},
    {"no colon", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW4=")},
    {"nothing encoded", TOKEN_E_MALFORMED, BYTES("Basic ====")},
    {"padding missing, two", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46eA")},
    {"padding missing, one of two", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46eA=")},
    {"padding missing, one", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46eHk")},
    {"padding of three", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46e===")},
    {"padding of four", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46====")},
    {"padding too much", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46=")},
    {"padding inside of a group", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46eA=x")},
    {"padding before the last group", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46eA==eA==")},
    {"padding before the last group, one", TOKEN_E_MALFORMED, BYTES("Basic dG9rZTo=dG9r")},
    {"padding at the beginning", TOKEN_E_MALFORMED, BYTES("Basic =G9rZW46")},
    {"bits left over from two digits, lowest", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46eB==")},
    {"bits left over from two digits, highest", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46eI==")},
    {"bits left over from three digits, lowest", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46eHl=")},
    {"bits left over from three digits, highest", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46eHm=")},
    {"alphabet for URLs, minus", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46Pz8-")},
    {"alphabet for URLs, underscore", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46Pz8_")},
    {"space inside", TOKEN_E_MALFORMED, BYTES("Basic dG9r ZW46")},
    {"space inside of four", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46 A==")},
    {"space behind", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46 ")},
    {"four spaces behind", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46    ")},
    {"two credentials", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46, Basic dG9rZW46")},
    {"a comma of four", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46,aaa")},
    {"a byte over 127", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW4\xb6")},
    {"NUL of four", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46\0\0\0\0")},
    {"NUL in the user", TOKEN_E_MALFORMED, BYTES("Basic dG8AZW46")},
    {"NUL behind the user", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW4AOg==")},
    {"tab in the user", TOKEN_E_MALFORMED, BYTES("Basic dG9rCWVuOg==")},
    {"NUL in the password", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46AA==")},
    {"line feed in the password", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46YQpi")},
    {"carriage return in the password", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46YQ1i")},
    {"delete in the password", TOKEN_E_MALFORMED, BYTES("Basic dG9rZW46fw==")},
};

static int check_copy(struct span authorization, const char *token) {
    char *copy = authorization.data ? unit_copy(authorization.data, authorization.size) : NULL;
    int r = token_check((struct span){copy, authorization.size}, (const char *const[TOKEN_COUNT_MAX]){token});

    free(copy);
    return r;
}

static void test_check(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(check_cases); i++) {
        expect_int(check_cases[i].name, check_copy(check_cases[i].authorization, "token"), check_cases[i].result);
    }
}

/* Both of two tokens are valid, in each place. A missing second token does not match the empty text. */
static void test_two(void **state) {
    static const char *const two[TOKEN_COUNT_MAX] = {"first-one", "second"};
    static const char *const one[TOKEN_COUNT_MAX] = {"first-one"};
    static const struct {
        const char *user;
        const char *password;
        int with_two;
        int with_one;
    } pairs[] = {
        {"first-one", "", 0, 0},
        {"second", "", 0, TOKEN_E_MISMATCH},
        {"x", "first-one", 0, 0},
        {"x", "second", 0, TOKEN_E_MISMATCH},
        {"first-one", "second", 0, 0},
        {"second", "second", 0, TOKEN_E_MISMATCH},
        {"", "", TOKEN_E_MISMATCH, TOKEN_E_MISMATCH},
        {"first", "one", TOKEN_E_MISMATCH, TOKEN_E_MISMATCH},
        {"first-onesecond", "", TOKEN_E_MISMATCH, TOKEN_E_MISMATCH},
    };
    char credentials[TOKEN_CREDENTIALS_MAX];
    char field[TOKEN_CREDENTIALS_MAX + 8];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        token_encode(credentials, pairs[i].user, pairs[i].password);
        (void)snprintf(field, sizeof(field), "Basic %s", credentials);
        expect_int(pairs[i].user, token_check(span_of(field), two), pairs[i].with_two);
        expect_int(pairs[i].user, token_check(span_of(field), one), pairs[i].with_one);
    }
    expect_int("bearer", token_check(span_of("Bearer second"), two), 0);
    expect_int("bearer", token_check(span_of("Bearer first-one"), two), 0);
    expect_int("bearer", token_check(span_of("Bearer second"), one), TOKEN_E_MISMATCH);
}

static void test_truncated(void **state) {
    static const char whole[] = "Basic dG9rZW46cGFzczp3b3Jk";

    (void)state;
    for (size_t size = 0; size < sizeof(whole) - 1; size++) {
        int expected = size < sizeof("Basic dG9rZW46") - 1 || (size - strlen("Basic ")) % 4 ? TOKEN_E_MALFORMED : 0;

        if (size == sizeof("Basic dG9r") - 1) {
            expected = TOKEN_E_MALFORMED; /* "tok" */
        }
        expect_int(whole, check_copy((struct span){whole, size}, "token"), expected);
    }
}

/* Strict base64 of "@user:@password" behind "Basic ". */
static struct span basic_of(char *out, size_t room, const char *user, const char *password) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char plain[1024];
    size_t size = (size_t)snprintf(plain, sizeof(plain), "%s:%s", user, password);
    size_t n = (size_t)snprintf(out, room, "Basic ");

    assert_true(size < sizeof(plain) - 3 && n + size / 3 * 4 + 5 < room);
    memset(plain + size, 0, 3);
    for (size_t i = 0; i < size; i += 3) {
        unsigned bits = (unsigned)(unsigned char)plain[i] << 16 | (unsigned)(unsigned char)plain[i + 1] << 8 |
                        (unsigned)(unsigned char)plain[i + 2];

        out[n++] = digits[bits >> 18 & 63];
        out[n++] = digits[bits >> 12 & 63];
        out[n++] = i + 1 < size ? digits[bits >> 6 & 63] : '=';
        out[n++] = i + 2 < size ? digits[bits & 63] : '=';
    }
    return (struct span){out, n};
}

/* Tries a token in each place where it may stand, with @other in the other places. */
static void expect_places(const char *name, const char *given, const char *other, const char *token, int result) {
    char bearer[sizeof("Bearer ") + TOKEN_MAX_BYTES + 50];
    char out[2048];

    (void)snprintf(bearer, sizeof(bearer), "Bearer %s", given);
    expect_int(name, check_copy(basic_of(out, sizeof(out), given, other), token), result);
    expect_int(name, check_copy(basic_of(out, sizeof(out), other, given), token), result);
    expect_int(name, check_copy(span_of(bearer), token), result);
}

/* Tokens of each length, and tokens that differ from them by one byte or by length. */
static void test_lengths(void **state) {
    char token[TOKEN_MAX_BYTES + 1];
    char other[TOKEN_MAX_BYTES + 46];

    (void)state;
    for (size_t size = 1; size <= TOKEN_MAX_BYTES; size++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "token of %zu bytes", size);
        for (size_t i = 0; i < size; i++) {
            token[i] = (char)('!' + (i * 7 + size) % 25); /* neither ":" nor a space is among these */
        }
        token[size] = '\0';
        expect_places(name, token, "", token, 0);
        expect_places(name, token, token, token, 0);
        for (size_t i = 0; i < size; i++) {
            memcpy(other, token, size + 1);
            other[i] ^= 0x40;
            expect_places(name, other, "", token, TOKEN_E_MISMATCH);
        }
        memcpy(other, token, size - 1);
        other[size - 1] = '\0';
        if (size > 1) { /* there is no bearer of nothing */
            expect_places(name, other, other, token, TOKEN_E_MISMATCH);
        }
        for (size_t more = 1; more < sizeof(other) - TOKEN_MAX_BYTES; more++) {
            memcpy(other, token, size);
            memset(other + size, 'x', more);
            other[size + more] = '\0';
            expect_places(name, other, "", token, TOKEN_E_MISMATCH);
        }
    }
}

/* Credentials that fill a whole head, and longer ones. */
static void test_huge(void **state) {
    static const size_t sizes[] = {HEAD_MAX_BYTES, HEAD_MAX_BYTES + 4, 2 * HEAD_MAX_BYTES};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        char *data = malloc(6 + sizes[i]);

        assert_non_null(data);
        memset(data, 'a', 6 + sizes[i]);
        memcpy(data, "Basic dG9rZW46", 14);
        assert_int_equal(token_check((struct span){data, 6 + sizes[i]}, (const char *const[TOKEN_COUNT_MAX]){"token"}),
                         sizes[i] > HEAD_MAX_BYTES ? TOKEN_E_MALFORMED : 0);
        free(data);
    }
}

static void test_valid(void **state) {
    char longest[TOKEN_MAX_BYTES + 1];

    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        bool expected = byte > ' ' && byte < 0x7f && byte != ':';
        char text[3] = {'a', (char)byte, 'b'};
        char name[16];

        (void)snprintf(name, sizeof(name), "byte %02x", byte);
        for (size_t at = 0; at < 2; at++) {
            for (size_t size = 1; size <= 3 - at; size++) {
                expect_int(name, token_is_valid((struct span){text + at, size}), at + size < 2 || expected);
            }
        }
    }
    memset(longest, 'a', sizeof(longest));
    assert_false(token_is_valid(SPAN("")));
    assert_true(token_is_valid((struct span){longest, TOKEN_MAX_BYTES}));
    assert_false(token_is_valid((struct span){longest, TOKEN_MAX_BYTES + 1}));
}

static void test_mint(void **state) {
    enum {
        N_MINTED = 200,
        SIZE = sizeof("gate-") + TOKEN_MINT_HEX_DIGITS,
    };
    char minted[N_MINTED][SIZE];

    (void)state;
    for (size_t i = 0; i < N_MINTED; i++) {
        assert_int_equal(token_mint(minted[i], SIZE, "gate-"), 0);
        assert_int_equal(strlen(minted[i]), SIZE - 1);
        assert_memory_equal(minted[i], "gate-", 5);
        assert_int_equal(strspn(minted[i] + 5, "0123456789abcdef"), TOKEN_MINT_HEX_DIGITS);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(minted[i], minted[j]);
        }
    }
    /* Each digit takes several values and depends on no earlier digit. Otherwise fewer than 128 bits are random. */
    for (size_t at = 5; at < SIZE - 1; at++) {
        size_t n_same = 0;

        for (size_t i = 0; i < N_MINTED; i++) {
            n_same += minted[i][at] == minted[0][at];
        }
        assert_true(n_same < N_MINTED / 2);
        for (size_t before = 5; before < at; before++) {
            size_t n_equal = 0;

            for (size_t i = 0; i < N_MINTED; i++) {
                n_equal += minted[i][at] == minted[i][before];
            }
            assert_true(n_equal < N_MINTED / 2);
        }
    }
}

static void test_mint_sizes(void **state) {
    static char prefix[TOKEN_MAX_BYTES + 1];
    static const struct {
        const char *name;
        size_t prefix_size; /* of 'p', if @prefix is NULL */
        const char *prefix;
        size_t size;
        int result;
    } cases[] = {
        {"no prefix", 0, "", 33, 0},
        {"no prefix, no room for the terminator", 0, "", 32, -ENOBUFS},
        {"no room at all", 0, "", 0, -ENOBUFS},
        {"prefix fits exactly", 0, "gate-", 38, 0},
        {"prefix fits without the terminator", 0, "gate-", 37, -ENOBUFS},
        {"longest prefix", TOKEN_MAX_BYTES - 32, NULL, TOKEN_MAX_BYTES + 1, 0},
        {"longest prefix, too small", TOKEN_MAX_BYTES - 32, NULL, TOKEN_MAX_BYTES, -ENOBUFS},
        {"prefix too long", TOKEN_MAX_BYTES - 31, NULL, 2 * TOKEN_MAX_BYTES, -EINVAL},
        {"prefix far too long", TOKEN_MAX_BYTES, NULL, 2 * TOKEN_MAX_BYTES, -EINVAL},
        {"colon in the prefix", 0, "gate:", 64, -EINVAL},
        {"space in the prefix", 0, "my gate-", 64, -EINVAL},
        {"newline in the prefix", 0, "gate\n", 64, -EINVAL},
        {"a byte over 127 in the prefix", 0, "g\xc3\xa4te-", 64, -EINVAL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *token = malloc(cases[i].size);
        const char *wanted = cases[i].prefix;

        if (!wanted) {
            memset(prefix, 'p', cases[i].prefix_size);
            prefix[cases[i].prefix_size] = '\0';
            wanted = prefix;
        }
        expect_int(cases[i].name, token_mint(token, cases[i].size, wanted), cases[i].result);
        if (cases[i].result == 0) {
            expect_int(cases[i].name, strlen(token), strlen(wanted) + TOKEN_MINT_HEX_DIGITS);
            expect_true(cases[i].name, strncmp(token, wanted, strlen(wanted)) == 0);
            expect_true(cases[i].name, token_is_valid(span_of(token)));
        }
        free(token);
    }
}

/* The gate accepts a client's credentials of every length, and so with every padding. */
static void test_encode(void **state) {
    static const char *const others[] = {"", "x", "xy", "xyz"};
    char token[TOKEN_MAX_BYTES + 1];
    char credentials[TOKEN_CREDENTIALS_MAX];
    char field[sizeof("Basic ") + TOKEN_CREDENTIALS_MAX];

    (void)state;
    for (size_t size = 1; size <= TOKEN_MAX_BYTES; size++) {
        for (size_t i = 0; i < size; i++) {
            token[i] = (char)('!' + (i * 7 + size) % ('~' - '!' + 1));
            token[i] = token[i] == ':' ? ';' : token[i];
        }
        token[size] = '\0';
        for (size_t i = 0; i < 2 * ARRAY_SIZE(others); i++) {
            const char *other = others[i / 2];

            token_encode(credentials, i % 2 ? token : other, i % 2 ? other : token);
            (void)snprintf(field, sizeof(field), "Basic %s", credentials);
            expect_int(token, token_check(span_of(field), (const char *const[TOKEN_COUNT_MAX]){token}), 0);
            expect_int(token, strlen(credentials), (size + 1 + strlen(other) + 2) / 3 * 4);
        }
    }
    token_encode(credentials, token, token);
    expect_int("the longest", strlen(credentials), TOKEN_CREDENTIALS_MAX - 1);
    token_encode(credentials, "Aladdin", "open sesame");
    expect_text("RFC 7617", credentials, "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    token_encode(credentials, "", "");
    expect_text("neither", credentials, "Og==");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),   cmocka_unit_test(test_two),        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_lengths), cmocka_unit_test(test_huge),       cmocka_unit_test(test_valid),
        cmocka_unit_test(test_mint),    cmocka_unit_test(test_mint_sizes), cmocka_unit_test(test_encode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
