/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The input of a verdict. First byte: method, policy, version and framing. Second byte: the present fields. Then the
 * lines target, Authorization, Content-Type, Content-Encoding, Expect and Git-Protocol. The target is matched for every
 * method. A valid name must be found again in each target that contains it. The expected status is worked out here a
 * second time.
 */

#include "fuzz.h"

#include "access/route.h"
#include "access/token.h"
#include "access/verdict.h"

static const char token[] = "gate-0123456789abcdef0123456789abcdef";
static const char name_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

static const enum head_field_name fields[] = {
    HEAD_FIELD_AUTHORIZATION, HEAD_FIELD_CONTENT_TYPE, HEAD_FIELD_CONTENT_ENCODING,
    HEAD_FIELD_EXPECT,        HEAD_FIELD_GIT_PROTOCOL,
};

static bool consists_of(struct span text, const char *bytes) {
    for (size_t i = 0; i < text.size; i++) {
        if (!text.data[i] || !strchr(bytes, text.data[i])) {
            return false;
        }
    }
    return true;
}

/* Whether /REPO.git, the route's path and its query make up the target, byte for byte. */
static bool makes_up(const struct route *route, struct span repository, struct span target) {
    char text[ROUTE_REPOSITORY_MAX_BYTES + 128];
    int size = snprintf(text, sizeof(text), "/%.*s.git%s%s%s", (int)repository.size, repository.data, route->path,
                        route->query ? "?" : "", route->query ? route->query : "");

    return fuzz_same(target, (struct span){text, (size_t)size});
}

static bool holds(struct span text, const char *words) {
    return memmem(text.data, text.size, words, strlen(words)) != NULL;
}

static void check_match(struct span target, enum head_method method) {
    const struct route *route = NULL;
    struct span repository = {NULL, 0};
    int r = route_match(&route, &repository, target, method);

    require(r == 0 || r == ROUTE_E_UNKNOWN || r == ROUTE_E_LFS || r == ROUTE_E_ARCHIVE || r == ROUTE_E_NO_SERVICE ||
            r == ROUTE_E_WRONG_METHOD);
    require(r != ROUTE_E_LFS || holds(target, ".git/info/lfs/"));
    require(r != ROUTE_E_ARCHIVE || holds(target, ".git/git-upload-archive"));
    require((route != NULL) == (r == 0 || r == ROUTE_E_WRONG_METHOD));
    if (r != ROUTE_E_UNKNOWN) {
        require(repository.data == target.data + 1 && repository.size < target.size);
        require(route_repository_is_valid(repository));
    }
    if (route) {
        require(makes_up(route, repository, target));
        require((r == 0) == (method == route->method) && (method != HEAD_METHOD_OTHER || r));
        require(route->query || !memchr(target.data, '?', target.size));
        require(!route->service || *route->service);
        require(!route->content_type || route->method == HEAD_METHOD_POST);
    }
}

/* Every route of a repository with a valid name is found, with that name. */
static void check_name(struct span name) {
    static const char *const ends[] = {"info/refs?service=git-upload-pack", "info/refs?service=git-receive-pack",
                                       "git-upload-pack", "git-receive-pack", "HEAD"};
    bool is_valid = name.size > 0 && name.size <= ROUTE_REPOSITORY_MAX_BYTES && consists_of(name, name_bytes);

    require(route_repository_is_valid(name) == is_valid);
    for (size_t i = 0; is_valid && i < sizeof(ends) / sizeof(ends[0]); i++) {
        char text[ROUTE_REPOSITORY_MAX_BYTES + 128];
        int size = snprintf(text, sizeof(text), "/%.*s.git/%s", (int)name.size, name.data, ends[i]);
        char *target = fuzz_copy((struct span){text, (size_t)size});
        const struct route *route = NULL;
        struct span repository;
        int r = route_match(&route, &repository, (struct span){target, (size_t)size}, HEAD_METHOD_GET);

        require(route && fuzz_same(repository, name));
        require(r == (strncmp(ends[i], "git-", 4) == 0 ? ROUTE_E_WRONG_METHOD : 0));
        free(target);
    }
}

/* key[=value], and more of them behind colons */
static bool is_git_protocol(struct span text) {
    size_t n_equals = 0;
    char before = ':';
    char bytes[sizeof(name_bytes) + 2];

    (void)snprintf(bytes, sizeof(bytes), "%s=:", name_bytes);
    for (size_t i = 0; i < text.size; i++) {
        bool is_mark = text.data[i] == '=' || text.data[i] == ':';

        n_equals = text.data[i] == ':' ? 0 : n_equals + (text.data[i] == '=');
        if (n_equals > 1 || (is_mark && (before == '=' || before == ':'))) {
            return false;
        }
        before = text.data[i];
    }
    return before != ':' && before != '=' && text.size <= VERDICT_GIT_PROTOCOL_MAX_BYTES && consists_of(text, bytes);
}

static bool expect_scope(char *const *scopes, struct span repository) {
    bool found = strcmp(scopes[0], "*") == 0;

    for (; *scopes; scopes++) {
        found = found || fuzz_same(repository, span_of(*scopes));
    }
    return found;
}

static int expect_reach(const struct verdict_policy *policy, const struct head *head) {
    const struct route *route = NULL;
    struct span repository = {NULL, 0};
    int r = route_match(&route, &repository, head->target, head->method);

    if (r) {
        return r == ROUTE_E_NO_SERVICE ? 403 : r == ROUTE_E_WRONG_METHOD ? 405 : 404;
    }
    if (token_check(head->field[HEAD_FIELD_AUTHORIZATION], policy->tokens)) {
        return 401;
    }
    if (!expect_scope(policy->scopes, repository)) {
        return 403;
    }
    return policy->read_only && route->service && strcmp(route->service, "git-receive-pack") == 0 ? 403 : 0;
}

static int expect_content(const struct route *route, const struct head *head) {
    struct span coding = head->field[HEAD_FIELD_CONTENT_ENCODING];
    struct span expect = head->field[HEAD_FIELD_EXPECT];
    struct span protocol = head->field[HEAD_FIELD_GIT_PROTOCOL];
    char type[64];

    (void)snprintf(type, sizeof(type), "application/x-%s-request", route->service ? route->service : "");
    if (route->method == HEAD_METHOD_POST && !span_equals(head->field[HEAD_FIELD_CONTENT_TYPE], type)) {
        return 415;
    }
    if (coding.data && (route->method != HEAD_METHOD_POST || !span_equals_nocase(coding, "gzip"))) {
        return 415;
    }
    if (expect.data && !span_equals_nocase(expect, "100-continue")) {
        return 417;
    }
    return protocol.data && !is_git_protocol(protocol) ? 400 : 0;
}

static void check_verdict(const struct verdict_policy *policy, const struct head *head) {
    int status = expect_reach(policy, head);
    struct verdict verdict;

    verdict_reach(&verdict, policy, head);
    status = status ? status : expect_content(verdict.route, head);
    require(verdict.status == status && (status != 0) == (verdict.reason && *verdict.reason));
    require((status == 405) == (verdict.allow != NULL));
    require(verdict.anonymous == (status == 401 && !head->field[HEAD_FIELD_AUTHORIZATION].data));
    require(!verdict.reason || !strstr(verdict.reason, token));
    require(!verdict.route || makes_up(verdict.route, verdict.repository, head->target));
    if (status == 0) {
        struct span expect = head->field[HEAD_FIELD_EXPECT];

        require(verdict.gzip == (head->field[HEAD_FIELD_CONTENT_ENCODING].data != NULL));
        require(verdict.expects_continue == (expect.data && head->minor == 1 && head_has_body(head)));
        require(verdict.git_protocol.data == head->field[HEAD_FIELD_GIT_PROTOCOL].data);
    }
}

static struct span take_line(struct span *restp) {
    const char *end = restp->size > 0 ? memchr(restp->data, '\n', restp->size) : NULL;
    struct span line = end ? fuzz_prefix(*restp, (size_t)(end - restp->data)) : *restp;

    *restp = fuzz_behind(*restp, end ? line.size + 1 : line.size);
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char star[] = "*";
    static char repo[] = "repo";
    static char other[] = "a";
    static char *const all[] = {star, NULL};
    static char *const one[] = {repo, NULL};
    static char *const two[] = {other, repo, NULL};
    struct span rest = {(const char *)data + 2, size - 2};
    char *copies[1 + sizeof(fields) / sizeof(fields[0])] = {NULL};
    struct verdict_policy policy = {.tokens = {token}};
    struct head head = {0};

    if (size < 2) {
        return 0;
    }
    head.method = data[0] % 4 < HEAD_METHOD_OTHER ? (enum head_method)(data[0] % 4) : HEAD_METHOD_OTHER;
    policy.read_only = data[0] & 4;
    policy.scopes = data[0] & 8 ? all : data[0] & 128 ? two : one;
    head.minor = data[0] & 16 ? 0 : 1;
    head.chunked = data[0] & 32;
    head.content_length = data[0] & 64 ? 1 : 0;
    head.target = take_line(&rest);
    copies[0] = fuzz_copy(head.target);
    head.target.data = copies[0];
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct span line = take_line(&rest);

        copies[1 + i] = fuzz_copy(line);
        if (data[1] & 1 << i) {
            head.field[fields[i]] = (struct span){copies[1 + i], line.size};
        }
    }
    for (int method = HEAD_METHOD_GET; method <= HEAD_METHOD_OTHER; method++) {
        check_match(head.target, (enum head_method)method);
    }
    check_name(head.target);
    check_verdict(&policy, &head);
    for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
        free(copies[i]);
    }
    return 0;
}
