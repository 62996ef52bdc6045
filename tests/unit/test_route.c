/* SPDX-License-Identifier: Apache-2.0 */

/* Request targets: each route, and targets that resemble one. */

#include "unit.h"

#include "access/route.h"

#define UPLOAD "service=git-upload-pack"
#define RECEIVE "service=git-receive-pack"
#define TEN(ten) ten ten ten ten ten ten ten ten ten ten
#define FIFTY "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
#define NAME_OF_250 FIFTY FIFTY FIFTY FIFTY FIFTY

/* For an accepted target: the route and the repository. */
struct match_case {
    const char *name;
    const char *target;
    const char *repository;
    const char *service;
    enum head_method method;
    const char *allow;
    const char *content_type;
    bool pushes;
};

#define FETCH_REFS .service = "git-upload-pack", .method = HEAD_METHOD_GET, .allow = "GET"
#define PUSH_REFS .service = "git-receive-pack", .method = HEAD_METHOD_GET, .allow = "GET", .pushes = true
#define FETCH                                                                                                          \
    .service = "git-upload-pack", .method = HEAD_METHOD_POST, .allow = "POST",                                         \
    .content_type = "application/x-git-upload-pack-request"
#define PUSH                                                                                                           \
    .service = "git-receive-pack", .method = HEAD_METHOD_POST, .allow = "POST",                                        \
    .content_type = "application/x-git-receive-pack-request", .pushes = true
#define HEAD_FILE .method = HEAD_METHOD_GET, .allow = "GET"

static const struct match_case match_cases[] = {
    {"refs for a fetch", "/r.git/info/refs?" UPLOAD, "r", FETCH_REFS},
    {"refs for a push", "/r.git/info/refs?" RECEIVE, "r", PUSH_REFS},
    {"fetch", "/r.git/git-upload-pack", "r", FETCH},
    {"push", "/r.git/git-receive-pack", "r", PUSH},
    {"HEAD", "/r.git/HEAD", "r", HEAD_FILE},
    {"all bytes of a repository", "/AZaz09._-.git/HEAD", "AZaz09._-", HEAD_FILE},
    {"a repository with .git in it", "/a.git.git/HEAD", "a.git", HEAD_FILE},
    {"a repository .git", "/.git.git/HEAD", ".git", HEAD_FILE},
    {"a repository of a dot", "/..git/HEAD", ".", HEAD_FILE},
    {"a repository of two dots", "/...git/HEAD", "..", HEAD_FILE},
    {"a repository -", "/-.git/HEAD", "-", HEAD_FILE},
    {"the longest repository", "/" NAME_OF_250 ".git/HEAD", NAME_OF_250, HEAD_FILE},
};

static void test_match(void **state) {
    static const enum head_method methods[] = {HEAD_METHOD_GET, HEAD_METHOD_POST, HEAD_METHOD_OTHER};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(match_cases); i++) {
        const struct match_case *c = &match_cases[i];

        for (size_t j = 0; j < ARRAY_SIZE(methods); j++) {
            const struct route *route = NULL;
            struct span repository = {NULL, 0};
            size_t size = strlen(c->target);
            char *target = unit_copy(c->target, size);
            int r = route_match(&route, &repository, (struct span){target, size}, methods[j]);

            expect_int(c->name, r, methods[j] == c->method ? 0 : ROUTE_E_WRONG_METHOD);
            expect_true(c->name, route && route->name && *route->name);
            expect_span(c->name, repository, span_of(c->repository));
            expect_true(c->name, repository.data == target + 1);
            expect_int(c->name, route->method, c->method);
            expect_span(c->name, span_of(route->allow), span_of(c->allow));
            expect_span(c->name, span_of(route->service ? route->service : ""), span_of(c->service ? c->service : ""));
            expect_span(c->name, span_of(route->content_type ? route->content_type : ""),
                        span_of(c->content_type ? c->content_type : ""));
            expect_int(c->name, route->pushes, c->pushes);
            free(target);
        }
    }
}

static const struct {
    const char *name;
    int result;
    struct span target;
} other_cases[] = {
    {"nothing", ROUTE_E_UNKNOWN, BYTES("")},
    {"root", ROUTE_E_UNKNOWN, BYTES("/")},
    {"asterisk", ROUTE_E_UNKNOWN, BYTES("*")},
    {"repository alone", ROUTE_E_UNKNOWN, BYTES("/r.git")},
    {"repository and slash", ROUTE_E_UNKNOWN, BYTES("/r.git/")},
    {"no repository", ROUTE_E_UNKNOWN, BYTES("/info/refs?" UPLOAD)},
    {"empty repository", ROUTE_E_UNKNOWN, BYTES("/.git/HEAD")},
    {"no .git", ROUTE_E_UNKNOWN, BYTES("/r/HEAD")},
    {".git in another case", ROUTE_E_UNKNOWN, BYTES("/r.GIT/HEAD")},
    {"git without a dot", ROUTE_E_UNKNOWN, BYTES("/rgit/HEAD")},
    {"no slash before it", ROUTE_E_UNKNOWN, BYTES("r.git/HEAD")},
    {"two slashes before it", ROUTE_E_UNKNOWN, BYTES("//r.git/HEAD")},
    {"two slashes behind it", ROUTE_E_UNKNOWN, BYTES("/r.git//HEAD")},
    {"slash at the end", ROUTE_E_UNKNOWN, BYTES("/r.git/HEAD/")},
    {"a folder before it", ROUTE_E_UNKNOWN, BYTES("/a/r.git/HEAD")},
    {"dot segments", ROUTE_E_UNKNOWN, BYTES("/./r.git/HEAD")},
    {"dot segments behind it", ROUTE_E_UNKNOWN, BYTES("/r.git/./HEAD")},
    {"dot segments up", ROUTE_E_UNKNOWN, BYTES("/../r.git/HEAD")},
    {"dot segments up and down", ROUTE_E_UNKNOWN, BYTES("/r.git/../r.git/HEAD")},
    {"encoded repository", ROUTE_E_UNKNOWN, BYTES("/%72.git/HEAD")},
    {"encoded path", ROUTE_E_UNKNOWN, BYTES("/r.git/%48EAD")},
    {"encoded slash", ROUTE_E_UNKNOWN, BYTES("/r.git%2fHEAD")},
    {"a byte that is not a repository's", ROUTE_E_UNKNOWN, BYTES("/a+b.git/HEAD")},
    {"a tilde", ROUTE_E_UNKNOWN, BYTES("/~r.git/HEAD")},
    {"NUL in the repository", ROUTE_E_UNKNOWN, BYTES("/a\0b.git/HEAD")},
    {"NUL behind the path", ROUTE_E_UNKNOWN, BYTES("/r.git/HEAD\0")},
    {"a byte over 127", ROUTE_E_UNKNOWN, BYTES("/\xc3\xa4.git/HEAD")},
    {"absolute-form", ROUTE_E_UNKNOWN, BYTES("http://127.0.0.1/r.git/HEAD")},
    {"a path in another case", ROUTE_E_UNKNOWN, BYTES("/r.git/head")},
    {"the beginning of a path", ROUTE_E_UNKNOWN, BYTES("/r.git/HEA")},
    {"more behind a path", ROUTE_E_UNKNOWN, BYTES("/r.git/HEADS")},
    {"fragment", ROUTE_E_UNKNOWN, BYTES("/r.git/HEAD#x")},
    {"query on HEAD", ROUTE_E_UNKNOWN, BYTES("/r.git/HEAD?" UPLOAD)},
    {"empty query on HEAD", ROUTE_E_UNKNOWN, BYTES("/r.git/HEAD?")},
    {"query on a fetch", ROUTE_E_UNKNOWN, BYTES("/r.git/git-upload-pack?" UPLOAD)},
    {"query on a push", ROUTE_E_UNKNOWN, BYTES("/r.git/git-receive-pack?a")},
    {"query on a repository", ROUTE_E_UNKNOWN, BYTES("/r.git?" UPLOAD)},
    {"another service", ROUTE_E_UNKNOWN, BYTES("/r.git/git-upload-archives")},
    {"an archive", ROUTE_E_ARCHIVE, BYTES("/r.git/git-upload-archive")},
    {"an archive with a query", ROUTE_E_ARCHIVE, BYTES("/r.git/git-upload-archive?a")},
    {"an archive and a slash", ROUTE_E_UNKNOWN, BYTES("/r.git/git-upload-archive/")},
    {"an archive without a repository", ROUTE_E_UNKNOWN, BYTES("/git-upload-archive")},
    {"LFS, a batch", ROUTE_E_LFS, BYTES("/r.git/info/lfs/objects/batch")},
    {"LFS, locks", ROUTE_E_LFS, BYTES("/r.git/info/lfs/locks?path=a%20b&limit=1")},
    {"LFS, nothing behind it", ROUTE_E_LFS, BYTES("/r.git/info/lfs/")},
    {"LFS without the slash", ROUTE_E_UNKNOWN, BYTES("/r.git/info/lfs")},
    {"LFS without the slash, with a query", ROUTE_E_UNKNOWN, BYTES("/r.git/info/lfs?/")},
    {"LFS in another case", ROUTE_E_UNKNOWN, BYTES("/r.git/info/LFS/locks")},
    {"LFS elsewhere", ROUTE_E_UNKNOWN, BYTES("/r.git/lfs/info/lfs/")},
    {"LFS without a repository", ROUTE_E_UNKNOWN, BYTES("/info/lfs/locks")},
    {"dumb protocol: objects", ROUTE_E_UNKNOWN, BYTES("/r.git/objects/info/packs")},
    {"dumb protocol: configuration", ROUTE_E_UNKNOWN, BYTES("/r.git/config")},
    {"path of refs in another case", ROUTE_E_UNKNOWN, BYTES("/r.git/info/Refs?" UPLOAD)},
    {"too long a repository", ROUTE_E_UNKNOWN, BYTES("/" NAME_OF_250 "a.git/HEAD")},
    {"far too long a repository", ROUTE_E_UNKNOWN, BYTES("/" TEN(FIFTY) ".git/HEAD")},
    {"refs without a service", ROUTE_E_NO_SERVICE, BYTES("/r.git/info/refs")},
    {"refs with an empty query", ROUTE_E_NO_SERVICE, BYTES("/r.git/info/refs?")},
    {"refs with another service", ROUTE_E_NO_SERVICE, BYTES("/r.git/info/refs?service=git-upload-archive")},
    {"refs with an empty service", ROUTE_E_NO_SERVICE, BYTES("/r.git/info/refs?service=")},
    {"refs with the beginning of a service", ROUTE_E_NO_SERVICE, BYTES("/r.git/info/refs?service=git-upload-pac")},
    {"refs with a service and more", ROUTE_E_NO_SERVICE, BYTES("/r.git/info/refs?" UPLOAD "s")},
    {"refs with a service twice", ROUTE_E_NO_SERVICE, BYTES("/r.git/info/refs?" UPLOAD "&" UPLOAD)},
    {"refs with two services", ROUTE_E_NO_SERVICE, BYTES("/r.git/info/refs?" UPLOAD "&" RECEIVE)},
    {"refs with a parameter behind", ROUTE_E_NO_SERVICE, BYTES("/r.git/info/refs?" UPLOAD "&a=b")},
    {"refs with a parameter before", ROUTE_E_NO_SERVICE, BYTES("/r.git/info/refs?a=b&" UPLOAD)},
    {"refs with two question marks", ROUTE_E_NO_SERVICE, BYTES("/r.git/info/refs??" UPLOAD)},
    {"refs with a question mark behind", ROUTE_E_NO_SERVICE, BYTES("/r.git/info/refs?" UPLOAD "?")},
    {"refs with an encoded service", ROUTE_E_NO_SERVICE, BYTES("/r.git/info/refs?service=git%2dupload-pack")},
    {"refs with a service in another case", ROUTE_E_NO_SERVICE, BYTES("/r.git/info/refs?SERVICE=git-upload-pack")},
};

static void test_other(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(other_cases); i++) {
        struct span target = other_cases[i].target;
        char *copy = unit_copy(target.data, target.size);

        for (int method = HEAD_METHOD_GET; method <= HEAD_METHOD_OTHER; method++) {
            const struct route *route = NULL;
            struct span repository;

            expect_int(other_cases[i].name,
                       route_match(&route, &repository, (struct span){copy, target.size}, (enum head_method)method),
                       other_cases[i].result);
            expect_true(other_cases[i].name, route == NULL);
        }
        free(copy);
    }
}

/* A cut target matches no route, or the dumb protocol if only the query is cut. */
static void test_truncated(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(match_cases); i++) {
        const char *target = match_cases[i].target;
        const char *mark = strchr(target, '?');
        size_t path_size = mark ? (size_t)(mark - target) : strlen(target);

        for (size_t size = 0; size < strlen(target); size++) {
            const struct route *route = NULL;
            struct span repository;
            char *copy = unit_copy(target, size);

            expect_int(match_cases[i].name,
                       route_match(&route, &repository, (struct span){copy, size}, match_cases[i].method),
                       size >= path_size ? ROUTE_E_NO_SERVICE : ROUTE_E_UNKNOWN);
            free(copy);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_other),
        cmocka_unit_test(test_truncated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
