/* SPDX-License-Identifier: Apache-2.0 */

/* pushed: the commands of a push and git's report of them, wherever the bytes are cut. */

#include "backend/pushed.h"

#include <stdio.h>

#include "unit.h"

#define ZEROS "0000000000000000000000000000000000000000"
#define ONES "1111111111111111111111111111111111111111"
#define TWOS "2222222222222222222222222222222222222222"

enum { TEXT_MAX = 128 * 1024 };

struct text {
    size_t size;
    char bytes[TEXT_MAX];
};

static void add(struct text *text, struct span bytes) {
    assert_true(text->size + bytes.size <= sizeof(text->bytes));
    memcpy(text->bytes + text->size, bytes.data, bytes.size);
    text->size += bytes.size;
}

static void add_packet(struct text *text, struct span bytes) {
    char head[8];

    (void)snprintf(head, sizeof(head), "%04zx", bytes.size + 4);
    add(text, span_of(head));
    add(text, bytes);
}

static struct text *text_new(void) {
    struct text *text = calloc(1, sizeof(*text));

    assert_non_null(text);
    return text;
}

/* Feeds the bytes up to @cut, then the rest. */
static void feed(struct pushed *pushed, const struct text *request, const struct text *answer, size_t cut) {
    size_t at = cut < request->size ? cut : request->size;

    assert_int_equal(pushed_feed_request(pushed, (struct span){request->bytes, at}), 0);
    assert_int_equal(pushed_feed_request(pushed, (struct span){request->bytes + at, request->size - at}), 0);
    at = cut < answer->size ? cut : answer->size;
    pushed_feed_answer(pushed, (struct span){answer->bytes, at});
    pushed_feed_answer(pushed, (struct span){answer->bytes + at, answer->size - at});
}

static void expect_two(const struct pushed *pushed) {
    assert_int_equal(pushed->n_commands, 2);
    assert_int_equal(pushed->n_moves, 2);
    assert_string_equal(pushed->moves[0].old_id, ZEROS);
    assert_string_equal(pushed->moves[0].new_id, ONES);
    assert_string_equal(pushed->moves[0].ref, "refs/heads/a");
    assert_int_equal(pushed->moves[0].result, PUSHED_OK);
    assert_string_equal(pushed->moves[1].ref, "refs/heads/b c");
    assert_int_equal(pushed->moves[1].result, PUSHED_REFUSED);
    assert_string_equal(pushed->moves[1].reason, "funny refname");
    assert_int_equal(pushed->n_ok, 1);
    assert_int_equal(pushed->n_refused, 1);
    assert_false(pushed->is_broken);
}

static void report_two(struct text *report) {
    add_packet(report, SPAN("unpack ok\n"));
    add_packet(report, SPAN("ok refs/heads/a\n"));
    add_packet(report, SPAN("option refname refs/heads/b c\n"));
    add_packet(report, SPAN("ng refs/heads/b c funny refname\n"));
    add(report, SPAN("0000"));
}

/* The report in side bands, cut between them, with words of a hook that look like a report. */
static void put_in_bands(struct text *answer, const struct text *report) {
    add_packet(answer, SPAN("\2"
                            "0010ok refs/heads/b c\n"));
    for (size_t at = 0; at < report->size; at += 7) {
        char piece[8] = {1};
        size_t size = report->size - at < 7 ? report->size - at : 7;

        memcpy(piece + 1, report->bytes + at, size);
        add_packet(answer, (struct span){piece, size + 1});
        add_packet(answer, SPAN("\2ok refs/heads/a\n"));
        add_packet(answer, SPAN("\1"));
    }
    add(answer, SPAN("0000"));
}

static void check_cuts(const struct text *request, const struct text *answer) {
    size_t size = request->size > answer->size ? request->size : answer->size;

    for (size_t cut = 0; cut <= size; cut++) {
        struct pushed *pushed = calloc(1, sizeof(*pushed));

        assert_non_null(pushed);
        feed(pushed, request, answer, cut);
        expect_two(pushed);
        pushed_deinit(pushed);
        free(pushed);
    }
}

static void check_request(struct text *request) {
    struct text *report = text_new();
    struct text *answer = text_new();

    report_two(report);
    put_in_bands(answer, report);
    check_cuts(request, report);
    check_cuts(request, answer);
    free(answer);
    free(report);
    free(request);
}

static void test_commands(void **state) {
    struct text *request = text_new();

    (void)state;
    add_packet(request, SPAN("shallow " ONES));
    add_packet(request, SPAN(ZEROS " " ONES " refs/heads/a\0 report-status side-band-64k\n"));
    add_packet(request, SPAN(ONES " " TWOS " refs/heads/b c\n"));
    add(request, SPAN("0000PACK" ZEROS " " ONES " refs/heads/z"));
    check_request(request);
}

static void test_certificate(void **state) {
    struct text *request = text_new();

    (void)state;
    add_packet(request, SPAN("push-cert\0 report-status"));
    add_packet(request, SPAN("certificate version 0.1\nnonce " ONES "\n"));
    add_packet(request, SPAN("\n" ZEROS " " ONES " refs/he"));
    add_packet(request, SPAN("ads/a\n"));
    add_packet(request, SPAN(ONES " " TWOS " refs/heads/b c\n"));
    add_packet(request, SPAN("-----BEGIN SSH SIGNATURE-----\n" ZEROS " " ONES " refs/heads/z\n"));
    add_packet(request, SPAN("push-cert-end\n\0ignored"));
    add(request, SPAN("0000"));
    check_request(request);
}

/* git carries out such a certificate, too. */
static void test_certificate_without_signature(void **state) {
    struct text *request = text_new();

    (void)state;
    add_packet(request, SPAN("push-cert"));
    add_packet(request, SPAN("x\n\n" ZEROS " " ONES " refs/heads/a\n" ONES " " TWOS " refs/heads/b c"));
    add(request, SPAN("0000"));
    check_request(request);
}

static void expect_broken(struct text *request) {
    struct pushed *pushed = calloc(1, sizeof(*pushed));

    assert_non_null(pushed);
    assert_int_equal(pushed_feed_request(pushed, (struct span){request->bytes, request->size}), 0);
    assert_true(pushed->is_broken);
    assert_int_equal(pushed->n_commands, 1);
    pushed_deinit(pushed);
    free(pushed);
    free(request);
}

/* git takes both certificates for one, and carries out the second command. */
static void test_two_certificates(void **state) {
    struct text *request = text_new();

    (void)state;
    add_packet(request, SPAN("push-cert"));
    add_packet(request, SPAN("x\n\n" ZEROS " " ONES " refs/heads/a\n"));
    add_packet(request, SPAN("push-cert-end\n"));
    add_packet(request, SPAN("push-cert"));
    add_packet(request, SPAN(ZEROS " " ONES " refs/heads/b\n"));
    add(request, SPAN("0000"));
    expect_broken(request);
}

/* git carries out the last command, which is not seen here. */
static void test_long_lines_of_a_certificate(void **state) {
    struct text *request = text_new();
    char lines[PUSHED_LINE_MAX + 256];

    (void)state;
    (void)snprintf(lines, sizeof(lines), "%s %s refs/heads/%0*d\n%s %s refs/heads/b\n", ZEROS, ONES, PUSHED_LINE_MAX, 1,
                   ZEROS, ONES);
    add_packet(request, SPAN("push-cert"));
    add_packet(request, SPAN("x\n\n" ZEROS " " ONES " refs/heads/a\n"));
    add_packet(request, span_of(lines));
    add(request, SPAN("0000"));
    expect_broken(request);
}

static void test_no_report(void **state) {
    static struct pushed pushed;

    (void)state;
    assert_int_equal(pushed_feed_request(&pushed, SPAN("0064" ZEROS " " ONES " refs/heads/ab\n0000")), 0);
    assert_int_equal(pushed.n_moves, 1);
    assert_string_equal(pushed.moves[0].ref, "refs/heads/ab");
    assert_false(pushed.is_broken);
    pushed_feed_answer(&pushed, SPAN("0000"));
    assert_int_equal(pushed.moves[0].result, PUSHED_UNKNOWN);
    pushed_deinit(&pushed);
}

static void test_no_begin_of_a_report(void **state) {
    static struct pushed pushed;

    (void)state;
    assert_int_equal(pushed_feed_request(&pushed, SPAN("0064" ZEROS " " ONES " refs/heads/ab\n0000")), 0);
    pushed_feed_answer(&pushed, SPAN("0015ok refs/heads/ab\n0015ok refs/heads/ab\n0000"));
    assert_int_equal(pushed.moves[0].result, PUSHED_UNKNOWN);
    assert_int_equal(pushed.n_ok, 0);
    pushed_deinit(&pushed);
}

static void test_nonsense(void **state) {
    static const char *const requests[] = {"no packets at all", "0009hello", "0003", "0004", "0008ERR "};

    (void)state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct pushed *pushed = calloc(1, sizeof(*pushed));

        assert_non_null(pushed);
        assert_int_equal(pushed_feed_request(pushed, span_of(requests[i])), 0);
        pushed_feed_answer(pushed, span_of(requests[i]));
        assert_true(pushed->is_broken);
        assert_int_equal(pushed->n_commands, 0);
        pushed_deinit(pushed);
        free(pushed);
    }
}

/* All commands are counted, even those beyond the list, and one whose name is too long for its line. */
static void test_bounds(void **state) {
    enum { N_COMMANDS = 2 * PUSHED_LISTED_MAX };

    struct text *request = text_new();
    struct text *report = text_new();
    struct pushed *pushed = calloc(1, sizeof(*pushed));
    char line[2 * PUSHED_LINE_MAX + 256];

    (void)state;
    assert_non_null(pushed);
    add_packet(report, SPAN("unpack ok\n"));
    for (int i = 0; i < N_COMMANDS; i++) {
        int width = i == 1 ? 2 * PUSHED_LINE_MAX : 1;

        (void)snprintf(line, sizeof(line), ZEROS " " ONES " refs/heads/%0*d\n", width, i);
        add_packet(request, span_of(line));
        (void)snprintf(line, sizeof(line), "ng refs/heads/%0*d no\n", width, i);
        add_packet(report, span_of(line));
    }
    add(request, SPAN("0000"));
    add(report, SPAN("0000"));
    feed(pushed, request, report, 3);
    assert_int_equal(pushed->n_moves, PUSHED_LISTED_MAX);
    assert_int_equal(pushed->n_commands, N_COMMANDS);
    assert_int_equal(pushed->n_refused, N_COMMANDS);
    assert_true(pushed->moves[1].is_cut);
    for (size_t i = 0; i < PUSHED_LISTED_MAX; i++) {
        assert_int_equal(pushed->moves[i].result, PUSHED_REFUSED);
    }
    pushed_deinit(pushed);
    free(pushed);
    free(report);
    free(request);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_certificate),
        cmocka_unit_test(test_certificate_without_signature),
        cmocka_unit_test(test_two_certificates),
        cmocka_unit_test(test_long_lines_of_a_certificate),
        cmocka_unit_test(test_no_report),
        cmocka_unit_test(test_no_begin_of_a_report),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
