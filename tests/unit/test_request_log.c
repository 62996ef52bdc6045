/* SPDX-License-Identifier: Apache-2.0 */

/* The one record of each request: its level, its fields, and what it must never contain. */

#include "unit_log.h"

#include "serve/request_log.h"

static char scope[] = "r";
static char *const scopes[] = {scope, NULL};
static const struct verdict_policy policy = {.tokens = {"token"}, .scopes = scopes};

#define FIELDS "Host: x\r\n"
#define GOOD_TOKEN "Authorization: Basic dG9rZW46\r\n"
#define BAD_TOKEN "Authorization: Basic b3RoZXI6\r\n"
#define TEN(ten) ten ten ten ten ten ten ten ten ten ten
#define TWENTY_FIVE "/bcdefghijklmnopqrstuvwxy"

/* @head: the client's bytes; @later: the later fate of the request; @text: the record after its time */
static const struct {
    const char *name;
    const char *head;
    struct request later;
    const char *text;
} cases[] = {
    {"served refs",
     "GET /r.git/info/refs?service=git-upload-pack HTTP/1.1\r\n" FIELDS GOOD_TOKEN "Git-Protocol: version=2\r\n\r\n",
     {.status = 200, .bytes_in = 120, .bytes_out = 500},
     " info request id=7 client=unix method=GET route=info/refs repository=r service=git-upload-pack status=200 "
     "bytes_in=120 bytes_out=500 duration_ms=1\n"},
    {"served push",
     "POST /r.git/git-receive-pack HTTP/1.1\r\n" FIELDS GOOD_TOKEN
     "Content-Type: application/x-git-receive-pack-request\r\nContent-Length: 4\r\n\r\n",
     {.status = 200, .bytes_in = UINT64_MAX, .bytes_out = UINT64_MAX},
     " info request id=7 client=unix method=POST route=receive-pack repository=r service=git-receive-pack status=200 "
     "bytes_in=18446744073709551615 bytes_out=18446744073709551615 duration_ms=1\n"},
    {"served HEAD, which belongs to no service",
     "GET /r.git/HEAD HTTP/1.1\r\n" FIELDS GOOD_TOKEN "\r\n",
     {.status = 200},
     " info request id=7 client=unix method=GET route=HEAD repository=r status=200 bytes_in=0 bytes_out=0 "
     "duration_ms=1\n"},
    {"refused for its token",
     "GET /r.git/HEAD HTTP/1.1\r\n" FIELDS BAD_TOKEN "\r\n",
     {.status = 401, .reason = "not the token"},
     " warning request id=7 client=unix method=GET route=HEAD repository=r status=401 bytes_in=0 bytes_out=0 "
     "duration_ms=1 reason=\"not the token\"\n"},
    {"without credentials",
     "GET /r.git/HEAD HTTP/1.1\r\n" FIELDS "\r\n",
     {.status = 401, .reason = "who are you"},
     " debug request id=7 client=unix method=GET route=HEAD repository=r status=401 bytes_in=0 bytes_out=0 "
     "duration_ms=1 reason=\"who are you\"\n"},
    {"with credentials that are none",
     "GET /r.git/HEAD HTTP/1.1\r\n" FIELDS "Authorization: Basic ?\r\n\r\n",
     {.status = 401, .reason = "malformed"},
     " warning request id=7 client=unix method=GET route=HEAD repository=r status=401 bytes_in=0 bytes_out=0 "
     "duration_ms=1 reason=malformed\n"},
    {"another repository",
     "GET /other.git/HEAD HTTP/1.1\r\n" FIELDS GOOD_TOKEN "\r\n",
     {.status = 403, .reason = "no"},
     " warning request id=7 client=unix method=GET route=HEAD repository=other status=403 bytes_in=0 bytes_out=0 "
     "duration_ms=1 reason=no\n"},
    {"failed after all",
     "GET /r.git/HEAD HTTP/1.1\r\n" FIELDS GOOD_TOKEN "\r\n",
     {.status = 502, .reason = "git died"},
     " warning request id=7 client=unix method=GET route=HEAD repository=r status=502 bytes_in=0 bytes_out=0 "
     "duration_ms=1 reason=\"git died\"\n"},
    {"cut after its response began",
     "GET /r.git/HEAD HTTP/1.1\r\n" FIELDS GOOD_TOKEN "\r\n",
     {.status = 200, .reason = "git died", .bytes_out = 10},
     " warning request id=7 client=unix method=GET route=HEAD repository=r status=200 bytes_in=0 bytes_out=10 "
     "duration_ms=1 reason=\"git died\"\n"},
    {"abandoned before an answer",
     "GET /r.git/HEAD HTTP/1.1\r\n" FIELDS GOOD_TOKEN "\r\n",
     {.reason = "the client went away", .is_abandoned = true},
     " info request id=7 client=unix method=GET route=HEAD repository=r bytes_in=0 bytes_out=0 duration_ms=1 "
     "reason=\"the client went away\"\n"},
    {"abandoned within an answer",
     "GET /r.git/HEAD HTTP/1.1\r\n" FIELDS GOOD_TOKEN "\r\n",
     {.status = 200, .reason = "gone", .is_abandoned = true, .bytes_out = 3},
     " info request id=7 client=unix method=GET route=HEAD repository=r status=200 bytes_in=0 bytes_out=3 "
     "duration_ms=1 reason=gone\n"},
    {"abandoned without a reason",
     "GET /r.git/HEAD HTTP/1.1\r\n" FIELDS GOOD_TOKEN "\r\n",
     {.is_abandoned = true},
     " info request id=7 client=unix method=GET route=HEAD repository=r bytes_in=0 bytes_out=0 duration_ms=1\n"},
    {"a target that leads nowhere",
     "GET /wp-login.php HTTP/1.1\r\n" FIELDS "\r\n",
     {.status = 404, .reason = "no such thing"},
     " warning request id=7 client=unix method=GET target=/wp-login.php status=404 bytes_in=0 bytes_out=0 "
     "duration_ms=1 reason=\"no such thing\"\n"},
    {"a target that needs quotes",
     "GET /a?b=\"c\\d\" HTTP/1.1\r\n" FIELDS "\r\n",
     {.status = 404, .reason = "no"},
     " warning request id=7 client=unix method=GET target=\"/a?b=\\\"c\\\\d\\\"\" status=404 bytes_in=0 bytes_out=0 "
     "duration_ms=1 reason=no\n"},
    {"a target of 256 bytes",
     "GET " TEN(TWENTY_FIVE) "/aaaaa HTTP/1.1\r\n" FIELDS "\r\n",
     {.status = 404, .reason = "no"},
     " warning request id=7 client=unix method=GET target=" TEN(TWENTY_FIVE) "/aaaaa status=404 bytes_in=0 bytes_out=0 "
                                                                             "duration_ms=1 reason=no\n"},
    {"a target of 257 bytes",
     "GET " TEN(TWENTY_FIVE) "/aaaaaz HTTP/1.1\r\n" FIELDS "\r\n",
     {.status = 404, .reason = "no"},
     " warning request id=7 client=unix method=GET target=" TEN(TWENTY_FIVE) "/aaaaa status=404 bytes_in=0 bytes_out=0 "
                                                                             "duration_ms=1 reason=no\n"},
    {"the dumb protocol",
     "GET /r.git/info/refs HTTP/1.1\r\n" FIELDS "\r\n",
     {.status = 403, .reason = "no"},
     " warning request id=7 client=unix method=GET target=/r.git/info/refs repository=r status=403 bytes_in=0 "
     "bytes_out=0 duration_ms=1 reason=no\n"},
    {"another method",
     "DELETE /r.git/HEAD HTTP/1.1\r\n" FIELDS "\r\n",
     {.status = 405, .reason = "no"},
     " warning request id=7 client=unix method=DELETE route=HEAD repository=r status=405 bytes_in=0 bytes_out=0 "
     "duration_ms=1 reason=no\n"},
};

/* request_log_remember() makes copies, as the client's bytes are overwritten before the record is written. */
static void remember(struct request *request, const char *name, const char *text) {
    size_t size = strlen(text);
    struct feeder feeder;
    struct verdict verdict;

    feeder_init(&feeder);
    expect_int(name, feeder_feed(&feeder, span_of(text), size), 0);
    verdict_reach(&verdict, &policy, &feeder.head);
    request_log_remember(request, &feeder.head, &verdict);
    memset(feeder.memory, '!', size);
    feeder_deinit(&feeder);
}

static void test_records(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct request request = cases[i].later;
        const char *name = cases[i].name;
        const char *out;

        request.id = 7;
        request.begin_us = 1000;
        remember(&request, name, cases[i].head);
        log_init(&capture.log, capture.fds[1], LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
        request_log_write(&request, &capture.log, "unix", 2999);
        out = capture_read();
        expect_true(name, is_time(out));
        expect_text(name, out + TIME_SIZE, cases[i].text);
        expect_true(name, !strstr(out, "dG9rZW46") && !strstr(out, "b3RoZXI6"));

        log_init(&capture.log, capture.fds[1], LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
        request_log_write(&request, &capture.log, "unix", 2999);
        out = capture_read();
        expect_true(name, is_json_record(out));
        expect_true(name, strstr(out, "\"message\":\"request\",\"id\":7,\"client\":\"unix\",\"method\":") != NULL);
        expect_int(name, strstr(out, "\"status\":") != NULL, request.status != 0);
    }
}

/* A higher threshold omits routine records. */
static void test_levels(void **state) {
    static const struct {
        const char *name;
        struct request request;
        enum log_level level;
    } level_cases[] = {
        {"served", {.status = 200}, LOG_LEVEL_INFO},
        {"refused", {.status = 403, .reason = "no"}, LOG_LEVEL_WARNING},
        {"anonymous", {.status = 401, .reason = "no", .is_anonymous = true}, LOG_LEVEL_DEBUG},
        {"abandoned", {.reason = "gone", .is_abandoned = true}, LOG_LEVEL_INFO},
        {"anonymous and abandoned", {.reason = "gone", .is_anonymous = true, .is_abandoned = true}, LOG_LEVEL_INFO},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(level_cases); i++) {
        for (int level = 0; level < LOG_LEVEL_COUNT; level++) {
            const char *out;

            log_init(&capture.log, capture.fds[1], (enum log_level)level, LOG_FORMAT_TEXT);
            request_log_write(&level_cases[i].request, &capture.log, "127.0.0.1", 0);
            out = capture_read();
            expect_int(level_cases[i].name, *out != '\0', level >= (int)level_cases[i].level);
        }
    }
}

/* Durations are whole milliseconds. */
static void test_duration(void **state) {
    static const struct {
        uint64_t begin_us;
        uint64_t now_us;
        const char *shown;
    } duration_cases[] = {
        {0, 0, " duration_ms=0\n"},
        {5, 5, " duration_ms=0\n"},
        {1, 1000, " duration_ms=0\n"},
        {1, 1001, " duration_ms=1\n"},
        {1000000, 3600000000 + 1000000, " duration_ms=3600000\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(duration_cases); i++) {
        struct request request = {.begin_us = duration_cases[i].begin_us};
        const char *out;

        log_init(&capture.log, capture.fds[1], LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
        request_log_write(&request, &capture.log, "::1", duration_cases[i].now_us);
        out = capture_read();
        expect_true(duration_cases[i].shown, strstr(out, " client=::1 bytes_in=0 ") != NULL);
        expect_true(duration_cases[i].shown, strstr(out, duration_cases[i].shown) != NULL);
    }
}

/* A head that was no HTTP has neither verdict nor method. */
static void test_no_verdict(void **state) {
    struct request request = {.id = 1, .status = 400, .reason = "no HTTP"};
    const char *out;

    (void)state;
    log_init(&capture.log, capture.fds[1], LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
    request_log_write(&request, &capture.log, "unix", 0);
    out = capture_read();
    assert_true(is_time(out));
    expect_text("no verdict", out + TIME_SIZE,
                " warning request id=1 client=unix status=400 bytes_in=0 bytes_out=0 duration_ms=0 "
                "reason=\"no HTTP\"\n");
}

/* Copies of any length are whole and terminated. */
static void test_longest(void **state) {
    static char repository[ROUTE_REPOSITORY_MAX_BYTES];
    static char protocol[VERDICT_GIT_PROTOCOL_MAX_BYTES];
    struct request request = {0};
    struct verdict verdict = {.repository = {repository, sizeof(repository)},
                              .git_protocol = {protocol, sizeof(protocol)},
                              .anonymous = true};
    struct head head;

    (void)state;
    memset(repository, 'r', sizeof(repository));
    memset(protocol, 'p', sizeof(protocol));
    memset(request.repository, 'x', sizeof(request.repository));
    memset(request.git_protocol, 'x', sizeof(request.git_protocol));
    head_init(&head);
    request_log_remember(&request, &head, &verdict);
    assert_int_equal(strlen(request.repository), sizeof(repository));
    assert_memory_equal(request.repository, repository, sizeof(repository));
    assert_int_equal(strlen(request.git_protocol), sizeof(protocol));
    assert_memory_equal(request.git_protocol, protocol, sizeof(protocol));
    assert_true(request.is_anonymous);
    assert_int_equal(request.target_size, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CAPTURING(test_records),    CAPTURING(test_levels),         CAPTURING(test_duration),
        CAPTURING(test_no_verdict), cmocka_unit_test(test_longest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
