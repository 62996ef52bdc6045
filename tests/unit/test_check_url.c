/* SPDX-License-Identifier: Apache-2.0 */

/* check_url: the good and bad URLs of a gate. No token stays in memory. */

#include "cli/check_url.h"

#include "unit.h"

#define X25 "xxxxxxxxxxxxxxxxxxxxxxxxx"
#define X250 X25 X25 X25 X25 X25 X25 X25 X25 X25 X25

static const struct {
    const char *text;
    const char *host;
    const char *user;
    const char *password;
    const char *repository;
} good[] = {
    {"http://127.0.0.1:9418/repo.git", "127.0.0.1:9418", "", "", "repo"},
    {"http://127.0.0.1:9418/repo.git/", "127.0.0.1:9418", "", "", "repo"},
    {"http://127.0.0.1:9418", "127.0.0.1:9418", "", "", ""},
    {"http://127.0.0.1:9418/", "127.0.0.1:9418", "", "", ""},
    {"http://127.1.2.3/repo.git", "127.1.2.3:80", "", "", "repo"},
    {"http://localhost:1/repo.git.git", "localhost:1", "", "", "repo.git"},
    {"http://[::1]:65535/A-b_c.9.git", "[::1]:65535", "", "", "A-b_c.9"},
    {"http://[::1]/repo.git", "[::1]:80", "", "", "repo"},
    {"http://gate-1:@127.0.0.1:1/repo.git", "127.0.0.1:1", "gate-1", "", "repo"},
    {"http://gate-1@127.0.0.1:1/repo.git", "127.0.0.1:1", "gate-1", "", "repo"},
    {"http://gate-1:password@[::1]:1/repo.git", "[::1]:1", "gate-1", "password", "repo"},
    {"http://x:gate-1@127.0.0.1:1/repo.git", "127.0.0.1:1", "x", "gate-1", "repo"},
    {"http://:gate-1@127.0.0.1:1/repo.git", "127.0.0.1:1", "", "gate-1", "repo"},
    {"http://x:%67ate%2D1%40%2f@127.0.0.1:1/repo.git", "127.0.0.1:1", "x", "gate-1@/", "repo"},
    {"http://gate-1:a%20b@127.0.0.1:1/repo.git", "127.0.0.1:1", "gate-1", "", "repo"},
    {"http://gate-1:a:b@127.0.0.1:1/repo.git", "127.0.0.1:1", "gate-1", "", "repo"},
    {"http://gate-1:%@127.0.0.1:1/repo.git", "127.0.0.1:1", "gate-1", "", "repo"},
    {"http://x:" X250 "12345@127.0.0.1:1/repo.git", "127.0.0.1:1", "x", X250 "12345", "repo"},
    {"http://gate-1:" X250 "123456@127.0.0.1:1/repo.git", "127.0.0.1:1", "gate-1", "", "repo"},
    {"http://%67ate%2D1%40%2f%2F:@localhost:1", "localhost:1", "gate-1@//", "", ""},
    {"http://:@127.0.0.1:1/repo.git", "127.0.0.1:1", "", "", "repo"},
    {"http://@127.0.0.1:1/repo.git", "127.0.0.1:1", "", "", "repo"},
    {"http://" X250 "12345:@127.0.0.1:1/" X250 ".git", "127.0.0.1:1", X250 "12345", "", X250},
};

static const struct {
    const char *text;
    int r;
} bad[] = {
    {"", CHECK_URL_E_SCHEME},
    {"127.0.0.1:1/repo.git", CHECK_URL_E_SCHEME},
    {"https://127.0.0.1:1/repo.git", CHECK_URL_E_SCHEME},
    {"HTTP://127.0.0.1:1/repo.git", CHECK_URL_E_SCHEME},
    {"http:/127.0.0.1:1/repo.git", CHECK_URL_E_SCHEME},
    {"unix:/run/git-gate/gate.sock", CHECK_URL_E_SCHEME},
    {"http://", CHECK_URL_E_HOST},
    {"http:///repo.git", CHECK_URL_E_HOST},
    {"http://10.0.0.1:1/repo.git", CHECK_URL_E_HOST},
    {"http://0.0.0.0:1/repo.git", CHECK_URL_E_HOST},
    {"http://128.0.0.1:1/repo.git", CHECK_URL_E_HOST},
    {"http://127.1:1/repo.git", CHECK_URL_E_HOST},
    {"http://example.org:1/repo.git", CHECK_URL_E_HOST},
    {"http://localhost.example.org:1/repo.git", CHECK_URL_E_HOST},
    {"http://[::2]:1/repo.git", CHECK_URL_E_HOST},
    {"http://[::1:1/repo.git", CHECK_URL_E_HOST},
    {"http://::1:1/repo.git", CHECK_URL_E_HOST},
    {"http://127.0.0.1:0/repo.git", CHECK_URL_E_HOST},
    {"http://127.0.0.1:00/repo.git", CHECK_URL_E_HOST},
    {"http://127.0.0.1:65536/repo.git", CHECK_URL_E_HOST},
    {"http://127.0.0.1:/repo.git", CHECK_URL_E_HOST},
    {"http://127.0.0.1:x/repo.git", CHECK_URL_E_HOST},
    {"http://127.0.0.1\r\nX: y:1/repo.git", CHECK_URL_E_HOST},
    {"http://gate-1:@elsewhere@127.0.0.1:1/repo.git", CHECK_URL_E_HOST},
    {"http://gate-1:@127.0.0.1:1@10.0.0.1/repo.git", CHECK_URL_E_HOST},
    {"http://" X250 "123456:@127.0.0.1:1/repo.git", CHECK_URL_E_USER},
    {"http://gate%:@127.0.0.1:1/repo.git", CHECK_URL_E_USER},
    {"http://gate%4:@127.0.0.1:1/repo.git", CHECK_URL_E_USER},
    {"http://gate%4g:@127.0.0.1:1/repo.git", CHECK_URL_E_USER},
    {"http://gate%00:@127.0.0.1:1/repo.git", CHECK_URL_E_USER},
    {"http://gate%3A:@127.0.0.1:1/repo.git", CHECK_URL_E_USER},
    {"http://two words:@127.0.0.1:1/repo.git", CHECK_URL_E_USER},
    {"http://127.0.0.1:1/repo", CHECK_URL_E_PATH},
    {"http://127.0.0.1:1/.git", CHECK_URL_E_PATH},
    {"http://127.0.0.1:1//", CHECK_URL_E_PATH},
    {"http://127.0.0.1:1/repo.git//", CHECK_URL_E_PATH},
    {"http://127.0.0.1:1//repo.git", CHECK_URL_E_PATH},
    {"http://127.0.0.1:1/a/repo.git", CHECK_URL_E_PATH},
    {"http://127.0.0.1:1/repo.git/info/refs", CHECK_URL_E_PATH},
    {"http://127.0.0.1:1/repo.git?a", CHECK_URL_E_PATH},
    {"http://127.0.0.1:1/repo.git#a", CHECK_URL_E_PATH},
    {"http://127.0.0.1:1?repo.git", CHECK_URL_E_PATH},
    {"http://127.0.0.1:1/re%70o.git", CHECK_URL_E_PATH},
    {"http://127.0.0.1:1/re po.git", CHECK_URL_E_PATH},
    {"http://127.0.0.1:1/" X250 "x.git", CHECK_URL_E_PATH},
};

/* The message names the fault and shows nothing of the URL, which may contain a token. */
static const struct {
    const char *text;
    const char *words;
} faults[] = {
    {"hunter2", "not begin with http://"},
    {"https://hunter2@127.0.0.1:1/repo.git", "no TLS"},
    {"gate:///hunter2.git", "--repo"},
    {"unix:/hunter2", "--socket"},
    {"/hunter2", "--socket"},
    {"http:///repo.git", "no host"},
    {"http://hunter2/repo.git", "loopback"},
    {"http://hunter2:1/repo.git", "loopback"},
    {"http://127.0.0.1:hunter2/repo.git", "port"},
    {"http://[::1]:65536/repo.git", "port"},
    {"http://127.0.0.1:0/repo.git", "port"},
    {"http://127.0.0.1:/repo.git", "port"},
    {"http://hunter2%:@127.0.0.1:1/repo.git", "user part"},
    {"http://127.0.0.1:1/hunter2", "not end in .git"},
    {"http://127.0.0.1:1/hunter2/repo.git", "slash"},
    {"http://127.0.0.1:1/hunter2@repo.git", "letters, digits"},
    {"http://127.0.0.1:1/repo.git?hunter2", "'?'"},
    {"http://127.0.0.1:1/" X250 "x.git", "250"},
};

/* On the heap, so that a sanitizer sees a read beyond it. */
static int parse(struct check_url *url, const char *text) {
    char *copy = unit_copy(text, strlen(text) + 1);
    int r = check_url_parse(url, copy);

    free(copy);
    return r;
}

static void test_good(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct check_url url;

        expect_int(good[i].text, parse(&url, good[i].text), 0);
        expect_text(good[i].text, url.host, good[i].host);
        expect_text(good[i].text, url.user, good[i].user);
        expect_text(good[i].text, url.password, good[i].password);
        expect_text(good[i].text, url.repository, good[i].repository);
        expect_true(good[i].text, url.address_size > 0);
    }
}

static void test_bad(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct check_url url;

        expect_int(bad[i].text, parse(&url, bad[i].text), bad[i].r);
        expect_true(bad[i].text, url.fault != NULL);
    }
}

static void test_faults(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        struct check_url url;

        expect_true(faults[i].text, parse(&url, faults[i].text) != 0 && url.fault != NULL);
        expect_true(url.fault, strstr(url.fault, faults[i].words) && !strstr(url.fault, "hunter2"));
    }
}

static void test_repository(void **state) {
    char name[ROUTE_REPOSITORY_MAX_BYTES + 1];

    (void)state;
    assert_true(check_url_repository(name, SPAN("repo")) && strcmp(name, "repo") == 0);
    assert_true(check_url_repository(name, SPAN("repo.git")) && strcmp(name, "repo") == 0);
    assert_true(check_url_repository(name, SPAN("repo.git.git")) && strcmp(name, "repo.git") == 0);
    assert_true(check_url_repository(name, SPAN(X250 ".git")) && strcmp(name, X250) == 0);
    assert_false(check_url_repository(name, SPAN("")));
    assert_false(check_url_repository(name, SPAN("a/b.git")));
    assert_false(check_url_repository(name, SPAN("a b")));
    assert_false(check_url_repository(name, SPAN("a\r\nb")));
    assert_false(check_url_repository(name, SPAN(X250 "x.git")));
}

static void test_hide(void **state) {
    char url[] = "http://gate-1:@127.0.0.1:1/repo.git";
    char twice[] = "https://gate-1@gate-2@host/a@b";
    char none[] = "http://127.0.0.1:1/repo.git";

    (void)state;
    check_url_hide(url);
    assert_string_equal(url, "**************@127.0.0.1:1/repo.git");
    check_url_hide(twice);
    assert_string_equal(twice, "****************************@b");
    check_url_hide(none);
    assert_string_equal(none, "http://127.0.0.1:1/repo.git");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),       cmocka_unit_test(test_bad),  cmocka_unit_test(test_faults),
        cmocka_unit_test(test_repository), cmocka_unit_test(test_hide),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
