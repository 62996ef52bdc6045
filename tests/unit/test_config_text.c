/* SPDX-License-Identifier: Apache-2.0 */

/* Configuration files as git reads them: the names and values that git sees, and malformed files. */

#include "unit.h"

#include <stdio.h>

#include "backend/config_text.h"

static const struct {
    const char *name;
    const char *text;
    const char *expected; /* "NAME|VALUE\n" of each; NULL when it is malformed */
} cases[] = {
    {"nothing", "", ""},
    {"comments", "# a\n; [b]\n   # c = d", ""},
    {"plain", "[core]\n\tbare = true\n", "core.bare|true\n"},
    {"no end of line", "[core]\nbare = true", "core.bare|true\n"},
    {"no value", "[core]\nbare\n", "core.bare|true\n"},
    {"no value at the end", "[core]\nbare", "core.bare|true\n"},
    {"empty value", "[core]\nbare =\n", "core.bare|\n"},
    {"capitals", "[CoRe]\nBaRe = TRUE\n", "core.bare|TRUE\n"},
    {"capitals of a subsection", "[A \"B c\"]\nD = E\n", "a.B c.d|E\n"},
    {"older form of a subsection", "[A.B]\nD = E\n", "a.b.d|E\n"},
    {"both forms", "[A.B \"C\"]\nD = E\n", "a.b.C.d|E\n"},
    {"escapes in a subsection", "[a \"b\\\"]\\\\c\\d\"]\ne = f\n", "a.b\"]\\cd.e|f\n"},
    {"empty subsection", "[a \"\"]\nb = c\n", "a..b|c\n"},
    {"on one line", "[a]b=c\n[d]e=f\n", "a.b|c\nd.e|f\n"},
    {"section without a name", "[]\n", NULL},
    {"two sections on one line", "[a][d]e=f\n", "d.e|f\n"},
    {"spaces before a subsection", "[a \t \"b\"]c=d\n", "a.b.c|d\n"},
    {"no section", "a = b\n", "a|b\n"},
    {"spaces", "  [a]  \n  b \t =  c d  \n", "a.b|c d\n"},
    {"quoted spaces", "[a]\nb = \" c \" d \n", "a.b| c  d\n"},
    {"comment behind a value", "[a]\nb = c # d\ne = f;g\n", "a.b|c\na.e|f\n"},
    {"quoted comment", "[a]\nb = \"c # d;e\"\n", "a.b|c # d;e\n"},
    {"comment that ends in a backslash", "[a]\nb = c # d\\\ne = f\n", "a.b|c\na.e|f\n"},
    {"comment line that ends in a backslash", "[a]\n# d\\\ne = f\n", "a.e|f\n"},
    {"value of two lines", "[a]\nb = c\\\n[d]\\\ne = f\n", "a.b|c[d]e = f\n"},
    {"backslash at the end", "[a]\nb = c\\", "a.b|c\n"},
    {"escapes", "[a]\nb = \\t\\b\\n\\\\\\\"\n", "a.b|\t\b\n\\\"\n"},
    {"ends of lines as in DOS", "[a]\r\nb = c\r\nd\r\n", "a.b|c\na.d|true\n"},
    {"value of two lines as in DOS", "[a]\r\nb = c\\\r\nd\r\n", "a.b|cd\n"},
    {"byte order mark", "\xef\xbb\xbf[a]\nb = c\n", "a.b|c\n"},
    {"bytes above ASCII", "[a \"\xc3\xa4\"]\nb = \xff\n", "a.\xc3\xa4.b|\xff\n"},
    {"section that does not end", "[a", NULL},
    {"section over two lines", "[a\n]\n", NULL},
    {"space at the beginning of a section", "[ a]\n", NULL},
    {"nothing between quotes and the end", "[a \"b\" ]\n", NULL},
    {"subsection without quotes", "[a b]\n", NULL},
    {"subsection that does not end", "[a \"b]\n", NULL},
    {"subsection over two lines", "[a \"b\\\nc\"]\n", NULL},
    {"underscore in a section", "[a_b]\n", NULL},
    {"underscore in a key", "[a]\nb_c = d\n", NULL},
    {"number at the beginning of a key", "[a]\n1b = d\n", NULL},
    {"space in a key", "[a]\nb c = d\n", NULL},
    {"comment behind a key", "[a]\nb # c\n", NULL},
    {"open quotes", "[a]\nb = \"c\n", NULL},
    {"unknown escape", "[a]\nb = \\x\n", NULL},
    {"carriage return in a key", "[a]\nb\r= c\n", NULL},
    {"half a byte order mark", "\xef\xbb[a]\nb = c\n", NULL},
    {"variables before it breaks", "[a]\nb = c\n[d\n", NULL},
};

static int note(const char *name, const char *value, void *userdata) {
    char *noted = userdata;
    size_t used = strlen(noted);

    (void)snprintf(noted + used, 256 - used, "%s|%s\n", name, value);
    return 0;
}

static void test_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *copy = strndup(cases[i].text, strlen(cases[i].text)); /* so that a sanitizer sees its end */
        char noted[256] = "";
        int r = config_text_scan((struct span){copy, strlen(copy)}, note, noted);

        expect_int(cases[i].name, r, cases[i].expected ? 0 : CONFIG_TEXT_E_MALFORMED);
        if (cases[i].expected) {
            expect_text(cases[i].name, noted, cases[i].expected);
        }
        free(copy);
    }
}

/* Every file that is cut short is sound or malformed, and is not read beyond its end. */
static void test_cut(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (size_t size = 0; size < strlen(cases[i].text); size++) {
            char *copy = malloc(size + 1);
            char noted[256] = "";
            int r;

            assert_non_null(copy);
            memcpy(copy, cases[i].text, size);
            r = config_text_scan((struct span){copy, size}, note, noted);
            expect_true(cases[i].name, r == 0 || r == CONFIG_TEXT_E_MALFORMED);
            free(copy);
        }
    }
}

static int stop(const char *name, const char *value, void *userdata) {
    (void)value;
    (void)userdata;
    return strcmp(name, "a.c") == 0 ? 17 : 0;
}

static void test_limits(void **state) {
    static char text[2 * CONFIG_TEXT_NAME_MAX_BYTES];
    char noted[256] = "";

    (void)state;
    memset(text, 'n', sizeof(text));
    text[0] = '[';
    text[CONFIG_TEXT_NAME_MAX_BYTES] = ']';
    expect_int("a long name", config_text_scan((struct span){text, CONFIG_TEXT_NAME_MAX_BYTES + 1}, note, noted), 0);
    text[CONFIG_TEXT_NAME_MAX_BYTES] = 'n';
    text[CONFIG_TEXT_NAME_MAX_BYTES + 1] = ']';
    expect_int("a longer name", config_text_scan((struct span){text, CONFIG_TEXT_NAME_MAX_BYTES + 2}, note, noted),
               CONFIG_TEXT_E_MALFORMED);
    text[0] = 'a';
    text[1] = '=';
    expect_int("a long value", config_text_scan((struct span){text, sizeof(text)}, stop, NULL), 0);
    expect_int("a NUL byte", config_text_scan((struct span){"[a]\0b=c\n", 8}, note, noted), CONFIG_TEXT_E_MALFORMED);
    expect_int("nothing at all", config_text_scan((struct span){NULL, 0}, note, noted), 0);
    expect_int("what a visit says", config_text_scan(span_of("[a]\nb\nc\n[x"), stop, NULL), 17);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
