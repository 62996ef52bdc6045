/* SPDX-License-Identifier: Apache-2.0 */

/* packets: tells whether git's answers are whole, wherever they are cut. */

#include "backend/packets.h"

#include "unit.h"

static const struct {
    const char *name;
    const char *bytes;
    bool is_whole;
} cases[] = {
    {"nothing", "", false},
    {"a flush packet", "0000", true},
    {"a flush packet in upper case digits is one too", "000Ahello\n0000", true},
    {"data behind a flush packet", "00000006a\n", false},
    {"data and a flush packet", "0006a\n0000", true},
    {"a packet without data", "00040000", true},
    {"a packet without data is no end", "0004", false},
    {"a delimiter is no end", "0006a\n0001", false},
    {"a response end is no end of git's", "0002", false},
    {"an error", "000cERR gone", true},
    {"an error without words", "0008ERR ", true},
    {"an error behind other packets", "0006a\n000cERR gone", true},
    {"a word that begins like an error", "000cERROR  !", false},
    {"data that ends like an error", "000dxERR gone", false},
    {"data that looks like a flush packet", "00080000", false},
    {"three digits", "000", false},
    {"a length and no data", "0009", false},
    {"data cut short", "0009hell", false},
    {"an error cut short", "000cERR gon", false},
    {"no packets", "<html>0000", false},
    {"no packets behind packets", "0006a\nhello0000", false},
};

static void feed(struct packets *packets, const char *bytes, size_t size) {
    char *copy = unit_copy(bytes, size);

    packets_feed(packets, (struct span){copy, size});
    free(copy);
}

static void test_whole(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t size = strlen(cases[i].bytes);

        for (size_t cut = 0; cut <= size; cut++) {
            struct packets packets = {0};

            feed(&packets, cases[i].bytes, cut);
            feed(&packets, cases[i].bytes + cut, size - cut);
            if (packets.is_whole != cases[i].is_whole) {
                fail_msg("%s, cut at %zu: %d", cases[i].name, cut, packets.is_whole);
            }
        }
    }
}

static void test_byte_by_byte(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct packets packets = {0};

        for (const char *at = cases[i].bytes; *at; at++) {
            feed(&packets, at, 1);
        }
        if (packets.is_whole != cases[i].is_whole) {
            fail_msg("%s: %d", cases[i].name, packets.is_whole);
        }
    }
}

static const struct {
    const char *name;
    const char *before;
    const char *bytes;
    bool is_idle;
} idle_cases[] = {
    {"nothing", "", "", false},
    {"an empty packet of data", "", "0005\1", true},
    {"an empty packet of progress", "", "0005\2", true},
    {"two of them", "", "0005\0010005\1", true},
    {"one that goes on", "00", "05\1", true},
    {"one that ends", "0005", "\1", true},
    {"one behind data", "0006\1a", "0005\1", true},
    {"an empty packet of a fatal error", "", "0005\3", false},
    {"one byte that is no side band", "", "0005a", false},
    {"data", "", "0006\1a", false},
    {"data that goes on", "0010\1aaaaa", "bbb", false},
    {"data that begins", "", "0010\1", false},
    {"data behind an empty packet", "", "0005\0010006\1a", false},
    {"an empty packet behind data", "", "0006\1a0005\1", false},
    {"a flush packet", "0005\1", "0000", false},
    {"what is no packet", "", "hello", false},
    {"what looks like an empty packet and is data", "000a\1", "0005\1", false},
};

/* Finds the report in receive-pack's answer. */
static const struct {
    const char *name;
    const char *bytes;
    bool is_reported;
} report_cases[] = {
    {"nothing", "", false},
    {"keep-alive in the data's band", "0005\1", false},
    {"keep-alives",
     "0005\1"
     "0005\2",
     false},
    {"words of a hook", "0009\2unpa", false},
    {"the last words", "0008\3bye", false},
    {"flush", "0000", false},
    {"report in its band",
     "0013\1"
     "000eunpack ok\n",
     true},
    {"report behind words and a keep-alive",
     "0009\2word"
     "0005\1"
     "0013\1"
     "000eunpack ok\n",
     true},
    {"the beginning of a report", "0013\1", true},
    {"report without bands", "000eunpack ok\n", true},
    {"ERR packet", "0008ERR ", false},
    {"no packets", "\1unpack", false},
};

static void test_report(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(report_cases) / sizeof(report_cases[0]); i++) {
        const char *bytes = report_cases[i].bytes;

        for (size_t cut = 0; cut <= strlen(bytes); cut++) {
            struct packets packets = {0};

            feed(&packets, bytes, cut);
            feed(&packets, bytes + cut, strlen(bytes) - cut);
            if (packets.is_reported != report_cases[i].is_reported) {
                fail_msg("%s, cut at %zu: %d", report_cases[i].name, cut, packets.is_reported);
            }
        }
    }
}

static void test_idle(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(idle_cases) / sizeof(idle_cases[0]); i++) {
        struct packets packets = {0};

        feed(&packets, idle_cases[i].before, strlen(idle_cases[i].before));
        feed(&packets, idle_cases[i].bytes, strlen(idle_cases[i].bytes));
        if (packets.is_idle != idle_cases[i].is_idle) {
            fail_msg("%s: %d", idle_cases[i].name, packets.is_idle);
        }
    }
}

static const struct {
    const char *name;
    const char *body;
    bool are_capabilities;
} bodies[] = {
    {"those of git", "000eversion 2\n000cagent=x\n0000", true},
    {"none", "000eversion 2\n0000", true},
    {"cut", "000eversion 2\n000cagent=x\n", false},
    {"cut in a packet", "000eversion 2\n000cage", false},
    {"more behind the end", "000eversion 2\n0000000cagent=x\n", false},
    {"an error behind it", "000eversion 2\n000aERR x\n", false},
    {"no packets", "000eversion 2\n and so on0000", false},
    {"references", "001e# service=git-upload-pack\n0000000eversion 1\n0000", false},
    {"another version", "000eversion 3\n0000", false},
    {"nothing", "", false},
    {"the end", "0000", false},
};

static void test_capabilities(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        size_t size = strlen(bodies[i].body);

        if (packets_are_capabilities((struct span){bodies[i].body, size}) != bodies[i].are_capabilities) {
            fail_msg("%s", bodies[i].name);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole), cmocka_unit_test(test_byte_by_byte), cmocka_unit_test(test_report),
        cmocka_unit_test(test_idle),  cmocka_unit_test(test_capabilities),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
