/* SPDX-License-Identifier: Apache-2.0 */

/* advertisement: recognises answers of protocol version 2, and reads their content, wherever they are cut. */

#include "cli/advertisement.h"

#include "unit.h"

#define V2 "000eversion 2\n"
#define COMMANDS "000cls-refs\n000afetch\n"
#define SERVICE "001e# service=git-upload-pack\n"
#define ID "0123456789012345678901234567890123456789"

enum {
    UNFINISHED = -1, /* stands for every state that is no end */
};

static const struct {
    const char *name;
    const char *bytes;
    int state;
    const char *agent;
    bool has_ls_refs;
    bool has_fetch;
} cases[] = {
    {"nothing", "", UNFINISHED},
    {"what git says", V2 "0015agent=git/2.39.5\n0013ls-refs=unborn\n0012fetch=shallow\n0000", ADVERTISEMENT_WHOLE,
     "git/2.39.5", true, true},
    {"without values", V2 COMMANDS "0000", ADVERTISEMENT_WHOLE, "", true, true},
    {"without line ends", "000dversion 2000bls-refs0009fetch0000", ADVERTISEMENT_WHOLE, "", true, true},
    {"behind the service", SERVICE "0000" V2 COMMANDS "0000", ADVERTISEMENT_WHOLE, "", true, true},
    {"lengths in upper case", "000Eversion 2\n000Cls-refs\n0000", ADVERTISEMENT_WHOLE, "", true, false},
    {"no command", V2 "0000", ADVERTISEMENT_WHOLE, "", false, false},
    {"names that begin like a command", V2 "000dls-refsx\n0009fetc\n0000", ADVERTISEMENT_WHOLE, "", false, false},
    {"an empty agent", V2 "000bagent=\n0000", ADVERTISEMENT_WHOLE, "", false, false},
    {"an agent without value", V2 "000aagent\n0000", ADVERTISEMENT_WHOLE, "", false, false},
    {"no flush packet", V2 COMMANDS, UNFINISHED, "", true, true},
    {"a length cut short", V2 "000", UNFINISHED},
    {"a line cut short", V2 "000cls-re", UNFINISHED},
    {"service alone", SERVICE, UNFINISHED},
    {"service without its end", SERVICE V2, ADVERTISEMENT_NONSENSE},
    {"service twice", SERVICE "0000" SERVICE, ADVERTISEMENT_NONSENSE},
    {"another service", "001f# service=git-receive-pack\n", ADVERTISEMENT_NONSENSE},
    {"version 0", "0032" ID " HEAD\n", ADVERTISEMENT_OLD},
    {"version 0 behind the service", SERVICE "00000032" ID " HEAD\n", ADVERTISEMENT_OLD},
    {"version 1", "000eversion 1\n", ADVERTISEMENT_OLD},
    {"version 3", "000eversion 3\n", ADVERTISEMENT_NONSENSE},
    {"version 20", "000fversion 20\n", ADVERTISEMENT_NONSENSE},
    {"an id that is too short",
     "0031"
     "012345678901234567890123456789012345678"
     " HEAD\n",
     ADVERTISEMENT_NONSENSE},
    {"a reference behind version 2", V2 "0032" ID " HEAD\n0000", ADVERTISEMENT_WHOLE, "", false, false},
    {"a refusal", "000cERR gone", ADVERTISEMENT_REFUSED},
    {"a refusal later", V2 "000dERR gone\n", ADVERTISEMENT_REFUSED},
    {"no packet", "<html></html>", ADVERTISEMENT_NONSENSE},
    {"no packet behind one", V2 "hello", ADVERTISEMENT_NONSENSE},
    {"a flush packet first", "0000", ADVERTISEMENT_NONSENSE},
    {"a delimiter", V2 "0001", ADVERTISEMENT_NONSENSE},
    {"a response end", V2 "0002", ADVERTISEMENT_NONSENSE},
    {"a packet without data", V2 "0004", ADVERTISEMENT_NONSENSE},
    {"an empty line", V2 "0005\n", ADVERTISEMENT_NONSENSE},
    {"a value without a name", V2 "0008=on\n", ADVERTISEMENT_NONSENSE},
    {"something behind it", V2 COMMANDS "00000", ADVERTISEMENT_NONSENSE},
};

static void feed(struct advertisement *advertisement, const char *bytes, size_t size) {
    char *copy = unit_copy(bytes, size);

    advertisement_feed(advertisement, (struct span){copy, size});
    free(copy);
}

static void check(size_t i, const struct advertisement *advertisement) {
    const char *name = cases[i].name;

    if (cases[i].state == UNFINISHED) {
        expect_true(name, advertisement->state < ADVERTISEMENT_WHOLE);
    } else {
        expect_int(name, advertisement->state, cases[i].state);
    }
    if (advertisement->state == ADVERTISEMENT_WHOLE) {
        expect_text(name, advertisement->agent, cases[i].agent);
        expect_int(name, advertisement->has_ls_refs, cases[i].has_ls_refs);
        expect_int(name, advertisement->has_fetch, cases[i].has_fetch);
    }
    if (advertisement->state == ADVERTISEMENT_REFUSED) {
        expect_text(name, advertisement->line, "gone");
    }
}

static void test_whole_and_in_two(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t size = strlen(cases[i].bytes);

        for (size_t cut = 0; cut <= size; cut++) {
            struct advertisement advertisement = {0};

            feed(&advertisement, cases[i].bytes, cut);
            feed(&advertisement, cases[i].bytes + cut, size - cut);
            check(i, &advertisement);
        }
    }
}

static void test_byte_by_byte(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct advertisement advertisement = {0};

        for (const char *at = cases[i].bytes; *at; at++) {
            feed(&advertisement, at, 1);
        }
        check(i, &advertisement);
    }
}

/* An advertisement without its last bytes, however few, is not whole. */
static void test_cut_short(void **state) {
    static const char bytes[] = SERVICE "0000" V2 COMMANDS "0000";

    (void)state;
    for (size_t size = 0; size < sizeof(bytes) - 1; size++) {
        struct advertisement advertisement = {0};

        feed(&advertisement, bytes, size);
        assert_true(advertisement.state < ADVERTISEMENT_WHOLE);
    }
}

/* Of the longest possible packet the beginning is kept, and the next packet is found. */
static void test_long_line(void **state) {
    static const char end[] = COMMANDS "0000";
    enum { LENGTH = 0xffff };
    char *line = malloc(LENGTH);
    struct advertisement advertisement = {0};

    (void)state;
    assert_non_null(line);
    memset(line, 'x', LENGTH);
    memcpy(line, "ffffagent=", strlen("ffffagent="));
    feed(&advertisement, V2, strlen(V2));
    feed(&advertisement, line, LENGTH);
    feed(&advertisement, end, strlen(end));
    free(line);
    assert_int_equal(advertisement.state, ADVERTISEMENT_WHOLE);
    assert_int_equal(strlen(advertisement.agent), ADVERTISEMENT_LINE_MAX - strlen("agent="));
    assert_true(advertisement.has_fetch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_and_in_two),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_long_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
