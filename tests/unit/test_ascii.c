/* SPDX-License-Identifier: Apache-2.0 */

/* ascii: the class of every byte, and the conversion of texts. */

#include "base/ascii.h"

#include <limits.h>

#include "unit.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static const struct {
    const char *name;
    bool (*is_in)(int byte);
    const char *members;
} classes[] = {
    {"letter", ascii_is_letter, LETTERS},
    {"alphanumeric", ascii_is_alphanumeric, LETTERS DIGITS},
    {"name", ascii_is_name_byte, LETTERS DIGITS "._-"},
    {"printable", ascii_is_printable, LETTERS DIGITS " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
};

/* Each byte is tried as a char, which may be negative, and as an unsigned one. */
static void test_classes(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
        for (int byte = CHAR_MIN; byte <= UCHAR_MAX; byte++) {
            bool is_member = byte > 0 && byte < 0x80 && strchr(classes[i].members, byte);

            expect_int(classes[i].name, classes[i].is_in(byte), is_member);
        }
    }
}

static void test_control_bytes(void **state) {
    (void)state;
    for (unsigned byte = 0; byte <= UCHAR_MAX; byte++) {
        const char text[] = {'a', (char)byte};

        assert_int_equal(ascii_has_control_byte((struct span){text, 2}), byte < ' ' || byte == 0x7f);
        assert_false(ascii_has_control_byte((struct span){text, 1}));
    }
    assert_false(ascii_has_control_byte(SPAN("")));
}

static void test_make_printable(void **state) {
    char text[] = "a \t\x1b[1m~\x7f\xc3\xa9";

    (void)state;
    ascii_make_printable(text);
    assert_string_equal(text, "a ??[1m~???");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_control_bytes),
        cmocka_unit_test(test_make_printable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
