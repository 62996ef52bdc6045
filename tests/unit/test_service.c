/* SPDX-License-Identifier: Apache-2.0 */

/* service: the program for a request, and the bytes before its output. */

#include "backend/service.h"

#include <stdio.h>
#include <unistd.h>

#include "backend/cgi.h"
#include "unit.h"

#define NO_CACHE                                                                                                       \
    "Expires: Fri, 01 Jan 1980 00:00:00 GMT\r\nPragma: no-cache\r\n"                                                   \
    "Cache-Control: no-cache, max-age=0, must-revalidate\r\n"
#define FETCH_REFS "Content-Type: application/x-git-upload-pack-advertisement\r\n\r\n"
#define PUSH_REFS "Content-Type: application/x-git-receive-pack-advertisement\r\n\r\n"
#define FETCH_LINE "001e# service=git-upload-pack\n0000"
#define PUSH_LINE "001f# service=git-receive-pack\n0000"

static const struct {
    const char *name;
    struct service_call service;
    const char *arguments; /* each with a space behind it */
    const char *head;
} cases[] = {
    {"refs for a fetch",
     {"git-upload-pack", false, NULL},
     "git upload-pack --http-backend-info-refs --strict /r.git ",
     NO_CACHE FETCH_REFS FETCH_LINE},
    {"refs for a push",
     {"git-receive-pack", false, NULL},
     "git receive-pack --http-backend-info-refs /r.git ",
     NO_CACHE PUSH_REFS PUSH_LINE},
    {"a fetch",
     {"git-upload-pack", true, NULL},
     "git upload-pack --stateless-rpc --strict /r.git ",
     NO_CACHE "Content-Type: application/x-git-upload-pack-result\r\n\r\n"},
    {"a push",
     {"git-receive-pack", true, "version=1"},
     "git receive-pack --stateless-rpc /r.git ",
     NO_CACHE "Content-Type: application/x-git-receive-pack-result\r\n\r\n"},
};

static void test_calls(void **state) {
    static char repository[] = "/r.git";

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *argv[SERVICE_ARGV_COUNT];
        char arguments[256] = "";
        struct buffer output;
        struct cgi cgi;
        size_t n = 0;

        service_argv(argv, &cases[i].service, repository);
        for (; argv[n]; n++) {
            strcat(strcat(arguments, argv[n]), " ");
        }
        expect_true(cases[i].name, n < SERVICE_ARGV_COUNT);
        expect_text(cases[i].name, arguments, cases[i].arguments);
        buffer_init(&output, 4096);
        expect_int(cases[i].name, service_append_head(&output, &cases[i].service), 0);
        expect_span(cases[i].name, buffer_content(&output), {cases[i].head, strlen(cases[i].head)});
        expect_int(cases[i].name, cgi_parse(&cgi, buffer_content(&output)), 0);
        expect_int(cases[i].name, cgi.status, 200);
        expect_int(cases[i].name, cgi.n_fields, 4);
        buffer_deinit(&output);
    }
}

/* In protocol version 2 no line "# service=" precedes the packets. */
static void test_versions(void **state) {
    static const struct {
        const char *git_protocol;
        bool is_2;
    } versions[] = {
        {NULL, false},
        {"", false},
        {"version=0", false},
        {"version=1", false},
        {"version=2", true},
        {"version=20", false},
        {"version=02", false},
        {"version=", false},
        {"version=3", false},
        {"Version=2", false},
        {"xversion=2", false},
        {"version", false},
        {"2", false},
        {":", false},
        {"a:version=2", true},
        {"version=2:version=1", true},
        {"version=1:version=2", true},
        {"version=2:", true},
        {"a=b:c", false},
        {"version=2=3", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        const char *name = versions[i].git_protocol ? versions[i].git_protocol : "(none)";
        const struct service_call service = {"git-upload-pack", false, versions[i].git_protocol};
        struct buffer output;
        struct cgi cgi;
        struct span span;

        buffer_init(&output, 4096);
        expect_int(name, service_append_head(&output, &service), 0);
        span = buffer_content(&output);
        expect_int(name, cgi_parse(&cgi, span), 0);
        span = (struct span){span.data + cgi.size, span.size - cgi.size};
        expect_span(name, span, {FETCH_LINE, versions[i].is_2 ? 0 : strlen(FETCH_LINE)});
        buffer_deinit(&output);
    }
}

static void test_no_room(void **state) {
    const struct service_call service = {"git-upload-pack", false, NULL};
    struct buffer output;

    (void)state;
    for (size_t room = 1; room < strlen(NO_CACHE FETCH_REFS FETCH_LINE); room++) {
        buffer_init(&output, room);
        expect_true("no room", service_append_head(&output, &service) < 0);
        buffer_deinit(&output);
    }
}

static void test_access(void **state) {
    enum { UNSET = SERVICE_UNSET, OPEN = SERVICE_OPEN, CLOSED = SERVICE_CLOSED };
    static const struct {
        const char *settings[3];
        int fetch;
        int push;
    } settings[] = {
        {{NULL}, UNSET, UNSET},
        {{"http.uploadpack=false"}, CLOSED, UNSET},
        {{"http.receivepack=false"}, UNSET, CLOSED},
        {{"HTTP.UploadPack=OFF", "Http.ReceivePack=no"}, CLOSED, CLOSED},
        {{"http.receivepack"}, UNSET, CLOSED},
        {{"http.receivepack="}, UNSET, CLOSED},
        {{"http.receivepack=0"}, UNSET, CLOSED},
        {{"http.receivepack=1"}, UNSET, OPEN},
        {{"http.receivepack=yes"}, UNSET, OPEN},
        {{"http.receivepack=maybe"}, UNSET, CLOSED},
        {{"http.receivepack=false", "http.receivepack=True"}, UNSET, OPEN},
        {{"http.receivepack=true", "http.receivepack=false"}, UNSET, CLOSED},
        {{"http.receivepackage=false", "http.receive=false"}, UNSET, UNSET},
        {{"receive.x=http.receivepack=false"}, UNSET, UNSET},
    };
    const struct service_call fetch = {"git-upload-pack", true, NULL};
    const struct service_call push = {"git-receive-pack", true, NULL};

    (void)state;
    assert_int_equal(service_find_access(&fetch, NULL), SERVICE_UNSET);
    for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
        const char *name = settings[i].settings[0] ? settings[i].settings[0] : "(none)";

        expect_int(name, service_find_access(&fetch, (char *const *)settings[i].settings), settings[i].fetch);
        expect_int(name, service_find_access(&push, (char *const *)settings[i].settings), settings[i].push);
    }
}

/* HEAD is a link, a symbolic reference or an id; objects and refs are folders. */
static void test_finds_repository(void **state) {
    static const struct {
        const char *name;
        const char *head; /* as printf(1) writes it; NULL for a link to @link */
        const char *link;
        const char *folders;
        bool is_one;
    } repositories[] = {
        {"a branch", "ref: refs/heads/main\\n", NULL, "objects refs", true},
        {"white space", "ref:\\t refs/x", NULL, "objects refs", true},
        {"no white space", "ref:refs/x", NULL, "objects refs", true},
        {"a link", NULL, "refs/heads/main", "objects refs", true},
        {"an id", "0123456789abcdefABCDEF0123456789abcdef01\\n", NULL, "objects refs", true},
        {"a link elsewhere", NULL, "/etc/passwd", "objects refs", false},
        {"a reference elsewhere", "ref: heads/main\\n", NULL, "objects refs", false},
        {"an id cut short", "0123456789abcdefABCDEF0123456789abcdef0", NULL, "objects refs", false},
        {"garbage", "garbage\\n", NULL, "objects refs", false},
        {"nothing", "", NULL, "objects refs", false},
        {"no objects", "ref: refs/x", NULL, "refs", false},
        {"no refs", "ref: refs/x", NULL, "objects", false},
    };
    char folder[] = "/tmp/test_service-XXXXXX";
    char command[512];

    (void)state;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < ARRAY_SIZE(repositories); i++) {
        if (repositories[i].head) {
            (void)snprintf(command, sizeof(command), "cd %s && mkdir %s && printf '%s' >HEAD", folder,
                           repositories[i].folders, repositories[i].head);
        } else {
            (void)snprintf(command, sizeof(command), "cd %s && mkdir %s && ln -s %s HEAD", folder,
                           repositories[i].folders, repositories[i].link);
        }
        expect_int(repositories[i].name, system(command), 0); /* NOLINT(cert-env33-c): a test's own words */
        expect_int(repositories[i].name, service_finds_repository(folder), repositories[i].is_one);
        (void)snprintf(command, sizeof(command), "cd %s && rm -r HEAD %s", folder, repositories[i].folders);
        expect_int(repositories[i].name, system(command), 0); /* NOLINT(cert-env33-c) */
        expect_int("nothing is there", service_finds_repository(folder), false);
    }
    assert_int_equal(rmdir(folder), 0);
}

#define ID "0123456789012345678901234567890123456789"

/* Finds git-http-backend's answer about HEAD in an advertisement of upload-pack. */
static void test_head(void **state) {
    static const struct {
        const char *name;
        struct span advertisement;
        const char *text; /* NULL if the advertisement does not tell */
    } heads[] = {
        {"symbolic", SPAN("005c" ID " HEAD\0ofs-delta symref=HEAD:refs/heads/main a=b\n0000"),
         "ref: refs/heads/main\n"},
        {"the last capability", SPAN("0058" ID " HEAD\0ofs-delta symref=HEAD:refs/heads/main\n0000"),
         "ref: refs/heads/main\n"},
        {"of another reference", SPAN("0051" ID " HEAD\0 symref=refs/x:refs/heads/main\n0000"), ID "\n"},
        {"detached", SPAN("003c" ID " HEAD\0ofs-delta\n0000"), ID "\n"},
        {"no capabilities", SPAN("0032" ID " HEAD\n0000"), ""},
        {"unborn", SPAN("0051" ID " capabilities^{}\0 symref=HEAD:refs/x\n0000"), ""},
        {"unborn, and a reference", SPAN("003e" ID " refs/heads/x\0a=b\n0000"), ""},
        {"a flush packet", SPAN("0000"), ""},
        {"nothing", SPAN(""), NULL},
        {"less than a length", SPAN("003"), NULL},
        {"no length", SPAN("ERR " ID " HEAD\0\n0000"), NULL},
        {"a packet that is cut", SPAN("003d" ID " HEAD\0ofs-delta\n"), NULL},
    };
    const struct service_call service = {NULL, false, NULL};
    static char repository[] = "/r.git";
    char *argv[SERVICE_ARGV_COUNT];

    (void)state;
    service_argv(argv, &service, repository);
    assert_string_equal(argv[1], "upload-pack");
    for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
        const char *name = heads[i].name;
        char expected[256];
        struct buffer output;

        (void)snprintf(expected, sizeof(expected), "Content-Type: text/plain\r\n\r\n%s",
                       heads[i].text ? heads[i].text : "");
        buffer_init(&output, 4096);
        expect_int(name, service_append_head(&output, &service), 0);
        expect_int(name, buffer_size(&output), 0);
        expect_int(name, buffer_append(&output, heads[i].advertisement.data, heads[i].advertisement.size), 0);
        expect_int(name, service_tell_head(&output), heads[i].text ? 0 : SERVICE_E_NONSENSE);
        if (heads[i].text) {
            expect_span(name, buffer_content(&output), span_of(expected));
        }
        buffer_deinit(&output);
    }
}

/* A packet is read up to a bound. */
static void test_long_head(void **state) {
    static char packet[2 * 8192];

    (void)state;
    for (size_t size = 8180; size < 8220; size++) {
        struct buffer output;

        memset(packet, 'x', sizeof(packet));
        (void)snprintf(packet, sizeof(packet), "%04zx" ID " HEAD", size);
        buffer_init(&output, sizeof(packet));
        assert_int_equal(buffer_append(&output, packet, size), 0);
        expect_int("long", service_tell_head(&output), size - 4 < 8192 - 1 ? 0 : SERVICE_E_NONSENSE);
        buffer_deinit(&output);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_long_head),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_access),
        cmocka_unit_test(test_finds_repository),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
