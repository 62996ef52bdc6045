/* SPDX-License-Identifier: Apache-2.0 */

/* remote_url: good and bad URLs of git-remote-gate. */

#include "client/remote_url.h"

#include "unit.h"

#define X25 "xxxxxxxxxxxxxxxxxxxxxxxxx"
#define X100 X25 X25 X25 X25
#define X250 X100 X100 X25 X25
#define PATH_OF_107 "/" X100 "xxxxxx"

static const struct {
    const char *text;
    const char *repository;
    const char *socket;
} good[] = {
    {"gate:///proj.git", "proj", ""},
    {"gate:///proj.git/", "proj", ""},
    {"gate:///proj", "proj", ""},
    {"gate:///proj/", "proj", ""},
    {"gate:///git", "git", ""},
    {"gate:///" X250, X250, ""},
    {"gate:///proj?socket=/run/gate.sock", "proj", "/run/gate.sock"},
    {"gate:///A-b_c.9.git", "A-b_c.9", ""},
    {"gate:///proj.git.git", "proj.git", ""},
    {"gate:///" X250 ".git", X250, ""},
    {"gate:///proj.git?socket=/run/gate.sock", "proj", "/run/gate.sock"},
    {"gate:///proj.git?socket=%2Frun%2Fgate.sock", "proj", "/run/gate.sock"},
    {"gate:///proj.git/?socket=gate.sock", "proj", "gate.sock"},
    {"gate:///proj.git?socket=/a=b?c%20%26", "proj", "/a=b?c &"},
    {"gate:///proj.git?socket=" PATH_OF_107, "proj", PATH_OF_107},
};

static const struct {
    const char *text;
    int r;
} bad[] = {
    {"", REMOTE_URL_E_SCHEME},
    {"proj.git", REMOTE_URL_E_SCHEME},
    {"/proj.git", REMOTE_URL_E_SCHEME},
    {"gate:/proj.git", REMOTE_URL_E_SCHEME},
    {"GATE:///proj.git", REMOTE_URL_E_SCHEME},
    {"http:///proj.git", REMOTE_URL_E_SCHEME},
    {"gate://", REMOTE_URL_E_HOST},
    {"gate://proj.git", REMOTE_URL_E_HOST},
    {"gate://localhost/proj.git", REMOTE_URL_E_HOST},
    {"gate://token:@/proj.git", REMOTE_URL_E_HOST},
    {"gate://token@localhost/proj.git", REMOTE_URL_E_HOST},
    {"gate://?socket=x", REMOTE_URL_E_HOST},
    {"gate:///", REMOTE_URL_E_PATH},
    {"gate:///.git", REMOTE_URL_E_PATH},
    {"gate:///.git/", REMOTE_URL_E_PATH},
    {"gate:////proj.git", REMOTE_URL_E_PATH},
    {"gate:///proj.git//", REMOTE_URL_E_PATH},
    {"gate:///a/proj.git", REMOTE_URL_E_PATH},
    {"gate:///../proj.git", REMOTE_URL_E_PATH},
    {"gate:///proj.git/info/refs", REMOTE_URL_E_PATH},
    {"gate:///proj.git#x", REMOTE_URL_E_PATH},
    {"gate:///pr%6fj.git", REMOTE_URL_E_PATH},
    {"gate:///pr oj.git", REMOTE_URL_E_PATH},
    {"gate:///token@proj.git", REMOTE_URL_E_PATH},
    {"gate:///" X250 "x.git", REMOTE_URL_E_PATH},
    {"gate:///?socket=x", REMOTE_URL_E_PATH},
    {"gate:///" X250 "x", REMOTE_URL_E_PATH},
    {"gate:///pro j", REMOTE_URL_E_PATH},
    {"gate:///proj//", REMOTE_URL_E_PATH},
    {"gate:///.git?socket=x", REMOTE_URL_E_PATH},
    {"gate:///proj.git?", REMOTE_URL_E_QUERY},
    {"gate:///proj.git?socket", REMOTE_URL_E_QUERY},
    {"gate:///proj.git?socket=", REMOTE_URL_E_QUERY},
    {"gate:///proj.git?sock=x", REMOTE_URL_E_QUERY},
    {"gate:///proj.git?token=x", REMOTE_URL_E_QUERY},
    {"gate:///proj.git?Socket=x", REMOTE_URL_E_QUERY},
    {"gate:///proj.git?socket=x&socket=y", REMOTE_URL_E_QUERY},
    {"gate:///proj.git?socket=x&", REMOTE_URL_E_QUERY},
    {"gate:///proj.git?&socket=x", REMOTE_URL_E_QUERY},
    {"gate:///proj.git?socket=%", REMOTE_URL_E_QUERY},
    {"gate:///proj.git?socket=%4", REMOTE_URL_E_QUERY},
    {"gate:///proj.git?socket=a%00b", REMOTE_URL_E_QUERY},
    {"gate:///proj.git?socket=/%1b]0;x%07", REMOTE_URL_E_QUERY},
    {"gate:///proj.git?socket=/a%0aremote: well", REMOTE_URL_E_QUERY},
    {"gate:///proj.git?socket=/a\x7f", REMOTE_URL_E_QUERY},
    {"gate:///proj.git?socket=" PATH_OF_107 "x", REMOTE_URL_E_QUERY},
};

/* The message names the fault and shows nothing of the URL, which may contain a token. */
static const struct {
    const char *text;
    const char *words;
} faults[] = {
    {"hunter2://x", "not begin with gate://"},
    {"gate://hunter2.git", "third slash is missing"},
    {"gate://hunter2:@/proj.git", "GIT_GATE_TOKEN"},
    {"gate:///", "name is missing"},
    {"gate:///.git", "name is missing"},
    {"gate:///?socket=/hunter2", "name is missing"},
    {"gate:///.git/", "name is missing"},
    {"gate:///" X250 "x", "250"},
    {"gate:///hunter2/proj.git", "slash in it"},
    {"gate:///hunter2@proj.git", "letters, digits"},
    {"gate:///proj.git#hunter2", "letters, digits"},
    {"gate:///" X250 "x.git", "250"},
    {"gate:///proj.git?token=hunter2", "GIT_GATE_TOKEN"},
    {"gate:///proj.git?socket=", "path in socket=PATH is missing"},
    {"gate:///proj.git?socket=/hunter2&x", "'&'"},
    {"gate:///proj.git?socket=/hunter2%4", "hexadecimal digits"},
    {"gate:///proj.git?socket=/hunter2%07", "control characters"},
    {"gate:///proj.git?socket=" PATH_OF_107 "x", "107 bytes"},
};

/* On the heap, so that a sanitizer sees a read beyond it. */
static int parse(struct remote_url *url, const char *text) {
    char *copy = unit_copy(text, strlen(text) + 1);
    int r = remote_url_parse(url, copy);

    free(copy);
    return r;
}

static void test_good(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct remote_url url;

        memset(&url, 'x', sizeof(url));
        expect_int(good[i].text, parse(&url, good[i].text), 0);
        expect_text(good[i].text, url.repository, good[i].repository);
        expect_text(good[i].text, url.socket, good[i].socket);
    }
}

static void test_bad(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct remote_url url;

        expect_int(bad[i].text, parse(&url, bad[i].text), bad[i].r);
        expect_true(bad[i].text, url.fault != NULL);
    }
}

static void test_faults(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        struct remote_url url;

        expect_true(faults[i].text, parse(&url, faults[i].text) != 0 && url.fault != NULL);
        expect_true(url.fault, strstr(url.fault, faults[i].words) && !strstr(url.fault, "hunter2"));
    }
}

/* A cut URL is good only if a whole name remains, and is never read beyond its end. */
static void test_cut(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        for (size_t size = 0; size < strlen(good[i].text); size++) {
            char *text = strndup(good[i].text, size);
            struct remote_url url;

            if (parse(&url, text) == 0) {
                expect_true(text, strlen(text) >= strlen("gate:///") + strlen(url.repository));
                expect_true(text, (strchr(text, '?') != NULL) == (*url.socket != '\0'));
            }
            free(text);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
