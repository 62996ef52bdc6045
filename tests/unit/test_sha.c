/* SPDX-License-Identifier: Apache-2.0 */

/* sha: known digests of FIPS 180-4 and of git, with input in pieces of every size. */

#include "base/sha.h"

#include <stdio.h>

#include "unit.h"

static const struct {
    struct span text;
    const char *sha_1;
    const char *sha_256;
} cases[] = {
    {BYTES(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709",
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {BYTES("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d",
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {BYTES("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {BYTES("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrst"
           "nopqrstu"),
     "a49b2446a02c645bf419f995b67091253a04a259", "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    {BYTES("blob 0\0"), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
     "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"},
};

static void check(struct span text, bool is_256, size_t step, const char *expected) {
    unsigned char digest[SHA_MAX_BYTES];
    char digits[2 * SHA_MAX_BYTES + 1];
    struct sha sha;

    sha_init(&sha, is_256);
    for (size_t at = 0; at < text.size; at += step) {
        sha_feed(&sha, text.data + at, text.size - at < step ? text.size - at : step);
    }
    sha_end(&sha, digest);
    for (size_t i = 0; i < strlen(expected) / 2; i++) {
        (void)snprintf(digits + 2 * i, 3, "%02x", digest[i]);
    }
    expect_text(text.data, digits, expected);
}

static void test_known(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (size_t step = 1; step <= cases[i].text.size + 1; step++) {
            check(cases[i].text, false, step, cases[i].sha_1);
            check(cases[i].text, true, step, cases[i].sha_256);
        }
    }
}

/* A million times the letter a. */
static void test_long(void **state) {
    static char text[1000000];

    (void)state;
    memset(text, 'a', sizeof(text));
    check((struct span){text, sizeof(text)}, false, 999, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    check((struct span){text, sizeof(text)}, true, 1001,
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
