/* SPDX-License-Identifier: Apache-2.0 */

/* percent: decoding, its faults, and that decoding reverses encoding. */

#include "base/percent.h"

#include <errno.h>

#include "unit.h"

static const struct {
    struct span text;
    struct span decoded;
} good[] = {
    {BYTES(""), BYTES("")},          {BYTES("plain"), BYTES("plain")},
    {BYTES("%41"), BYTES("A")},      {BYTES("%2f%2Fx%7e"), BYTES("//x~")},
    {BYTES("a%00b"), BYTES("a\0b")}, {BYTES("%25"), BYTES("%")},
    {BYTES("%2541"), BYTES("%41")},  {BYTES("%ff+&?"), BYTES("\xff+&?")},
};

static const struct span bad[] = {
    BYTES("%"),    BYTES("a%"),   BYTES("%4"),  BYTES("%4g"),  BYTES("%g4"),
    BYTES("%%41"), BYTES("% 41"), BYTES("%-1"), BYTES("%41%"),
};

static void test_good(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        size_t size = good[i].decoded.size + 1;
        char *text = unit_copy(good[i].text.data, good[i].text.size);
        char *decoded = malloc(size);
        struct span encoded = {text, good[i].text.size};

        expect_int(good[i].text.data, percent_decode(decoded, size, encoded), good[i].decoded.size);
        expect_span(good[i].text.data, ((struct span){decoded, size - 1}), good[i].decoded);
        expect_int(good[i].text.data, decoded[size - 1], '\0');
        if (size > 1) {
            expect_int(good[i].text.data, percent_decode(decoded, size - 1, encoded), -ENOBUFS);
        }
        free(decoded);
        free(text);
    }
}

static void test_bad(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char *text = unit_copy(bad[i].data, bad[i].size);
        char decoded[16];

        expect_int(bad[i].data, percent_decode(decoded, sizeof(decoded), (struct span){text, bad[i].size}), -EINVAL);
        free(text);
    }
}

static void test_there_and_back(void **state) {
    char all[255 + 1];
    char encoded[3 * 255 + 1];
    char decoded[sizeof(all)];

    (void)state;
    for (int i = 0; i < 255; i++) {
        all[i] = (char)(i + 1);
    }
    all[255] = '\0';
    percent_encode(encoded, sizeof(encoded), all);
    for (const char *at = encoded; *at; at++) {
        expect_true(encoded,
                    strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%", *at) != NULL);
    }
    expect_int("all", percent_decode(decoded, sizeof(decoded), span_of(encoded)), 255);
    expect_text("all", decoded, all);
    expect_true("each that need not be is itself", strstr(encoded, "%2C-.%2F0") != NULL);
}

/* A part that does not fit is left out completely. */
static void test_too_small(void **state) {
    (void)state;
    for (size_t size = 1; size <= sizeof("a%2Fb"); size++) {
        char *encoded = malloc(size);

        percent_encode(encoded, size, "a/b");
        expect_true(encoded, strlen(encoded) < size && strncmp(encoded, "a%2Fb", strlen(encoded)) == 0);
        expect_true(encoded, strchr(encoded, '%') == NULL || strlen(encoded) >= strlen("a%2F"));
        free(encoded);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_too_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
