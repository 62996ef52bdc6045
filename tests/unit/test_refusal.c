/* SPDX-License-Identifier: Apache-2.0 */

/* refusal: the meaning of a gate's first bytes. Further bytes never change it, and no sentence counts. */

#include "client/refusal.h"

#include "unit.h"

#define FIELDS "Date: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
#define WORD(word) "Gate-Reason: " word "\r\n" FIELDS
#define IS_NOT "the user name is not the token of this gate\n"

static const struct {
    struct span words;
    enum refusal refusal;
} cases[] = {
    {BYTES(""), REFUSAL_NONE},
    {BYTES("HTTP/1.1 200 OK\r\n" FIELDS IS_NOT), REFUSAL_NONE},
    {BYTES("HTTP/1.1 100 Continue\r\n\r\n"), REFUSAL_NONE},
    {BYTES("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git-gate\"\r\n" FIELDS), REFUSAL_ANONYMOUS},
    {BYTES("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"other\"\r\n" FIELDS), REFUSAL_STRANGER},
    {BYTES("HTTP/1.1 401 Unauthorized\r\n" FIELDS "realm=\"git-gate\""), REFUSAL_STRANGER},
    {BYTES("HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n\r\n{}"), REFUSAL_STRANGER},
    {BYTES("HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\n\r\n<p>"), REFUSAL_STRANGER},
    {BYTES("HTTP/1.1 301 Moved\r\nContent-Type: text/html\r\n\r\n<p>"), REFUSAL_NONE},
    {BYTES("HTTP/1.1 403 Forbidden\r\n" WORD("wrong-token")), REFUSAL_TOKEN},
    {BYTES("HTTP/1.1 401 Unauthorized\r\n" WORD("wrong-token")), REFUSAL_TOKEN},
    {BYTES("HTTP/1.1 401 Unauthorized\r\n" WORD("no-credentials")), REFUSAL_ANONYMOUS},
    {BYTES("HTTP/1.1 403 Forbidden\r\n" WORD("wrong-repository") IS_NOT), REFUSAL_SCOPE},
    {BYTES("HTTP/1.1 403 Forbidden\r\n" WORD("read-only")), REFUSAL_NONE},
    {BYTES("HTTP/1.1 403 Forbidden\r\nGATE-reason:wrong-token  \r\n\r\n"), REFUSAL_TOKEN},
    {BYTES("HTTP/1.1 403 Forbidden\r\nX: y\r\nGate-Reason: \t\r\n" FIELDS), REFUSAL_FORBIDDEN},
    {BYTES("HTTP/1.1 403 Forbidden\r\nX-Gate-Reason: wrong-token\r\n" FIELDS), REFUSAL_FORBIDDEN},
    {BYTES("HTTP/1.1 403 Forbidden\r\nGate-Reasons: wrong-token\r\n" FIELDS), REFUSAL_FORBIDDEN},
    {BYTES("HTTP/1.1 403 Forbidden\r\nX: Gate-Reason: wrong-token\r\n" FIELDS), REFUSAL_FORBIDDEN},
    {BYTES("HTTP/1.1 403 Forbidden\r\nGate-Reason: wrong-token too\r\n" FIELDS), REFUSAL_FORBIDDEN},
    {BYTES("HTTP/1.1 403 Forbidden\r\nGate-Reason: a-word-of-the-future\r\n\r\n"), REFUSAL_FORBIDDEN},
    {BYTES("HTTP/1.1 403 Forbidden\r\nGate-Reason\r\n" FIELDS), REFUSAL_FORBIDDEN},
    {BYTES("HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nGate-Reason\r\n\r\n"), REFUSAL_STRANGER},
    {BYTES("HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\nGate-Reason: wrong-token\r\n"), REFUSAL_STRANGER},
    {BYTES("HTTP/1.1 404 Not Found\r\n" WORD("no-repository")), REFUSAL_NO_REPOSITORY},
    {BYTES("HTTP/1.1 404 Not Found\r\nGate-Reason: not-found\r\nContent-Type: application/json\r\n\r\n{}"),
     REFUSAL_NO_REPOSITORY},
    {BYTES("HTTP/1.1 413 Content Too Large\r\n" WORD("too-large")), REFUSAL_TOO_LARGE},
    {BYTES("HTTP/1.1 413 Content Too Large\r\n" FIELDS), REFUSAL_TOO_LARGE},
    {BYTES("HTTP/1.1 503 Service Unavailable\r\n" WORD("busy")), REFUSAL_NONE},
    {BYTES("HTTP/1.1 200 OK\r\n" WORD("wrong-token")), REFUSAL_NONE},
    /* an older gate has no such field, and its sentence is not read */
    {BYTES("HTTP/1.1 403 Forbidden\r\n" FIELDS IS_NOT), REFUSAL_FORBIDDEN},
    {BYTES("HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; is not the token\r\n\r\n"), REFUSAL_FORBIDDEN},
    {BYTES("HTTP/1.1 404 Not Found\r\n" FIELDS), REFUSAL_NO_REPOSITORY},
    {BYTES("HTTP/1.1 503 Service Unavailable\r\n" FIELDS), REFUSAL_NONE},
    {BYTES("HTTP/1.1 4x3 Forbidden\r\n" FIELDS IS_NOT), REFUSAL_NONE},
    {BYTES("HTTP/2.0 403 Forbidden\r\n" FIELDS IS_NOT), REFUSAL_STRANGER},
    {BYTES("SSH-2.0-OpenSSH\r\n"), REFUSAL_STRANGER},
    {BYTES("\0\0"), REFUSAL_STRANGER},
};

static enum refusal parse(struct span words, size_t size) {
    char *copy = unit_copy(words.data, size);
    enum refusal refusal = refusal_parse((struct span){copy, size});

    free(copy);
    return refusal;
}

static void test_parse(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        expect_int(cases[i].words.data, parse(cases[i].words, cases[i].words.size), cases[i].refusal);
    }
}

/* The meaning is undecided until enough has come, and then never changes. */
static void test_cut(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        bool is_told = false;

        for (size_t size = 0; size <= cases[i].words.size; size++) {
            enum refusal refusal = parse(cases[i].words, size);

            expect_true(cases[i].words.data, refusal == cases[i].refusal || (!is_told && refusal == REFUSAL_NONE));
            is_told = refusal != REFUSAL_NONE;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
