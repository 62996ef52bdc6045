/* SPDX-License-Identifier: Apache-2.0 */

/* reason: each has an error's status and a word of its own, which fits a field line and leads back to the reason. */

#include "http/reason.h"

#include "http/reply.h"
#include "unit.h"

static bool is_word(const char *word) {
    return *word >= 'a' && *word <= 'z' && word[strspn(word, "abcdefghijklmnopqrstuvwxyz-")] == '\0' &&
           word[strlen(word) - 1] != '-';
}

static void test_each(void **state) {
    (void)state;
    for (enum reason reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
        const char *word = reason_word(reason);

        expect_true(word, is_word(word) && strlen(word) < 32);
        expect_int(word, reason_find(span_of(word)), reason); /* so no two are the same */
        expect_true(word, reason_status(reason) >= 400 && reason_status(reason) < 600);
        expect_true(word, strcmp(reply_reason_phrase(reason_status(reason)), "Status") != 0);
    }
}

static void test_none(void **state) {
    static const char *const words[] = {"", "-", "Wrong-Token", "wrong-token ", "wrong-toke", "wrong-tokens"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        expect_int(words[i], reason_find(span_of(words[i])), REASON_NONE);
    }
    assert_int_equal(reason_find((struct span){NULL, 0}), REASON_NONE);
    assert_string_equal(reason_word(REASON_NONE), "");
    assert_int_equal(reason_status(REASON_NONE), 0);
}

static void test_of_head(void **state) {
    static const int statuses[] = {400, 414, 431, 501, 505};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
        assert_int_equal(reason_status(reason_of_head(statuses[i])), statuses[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_of_head),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
