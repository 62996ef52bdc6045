/* SPDX-License-Identifier: Apache-2.0 */

/* The checks on a request, each by itself, and their order. Of two faults, the earlier check decides. */

#include "unit.h"

#include <stdio.h>

#include "access/verdict.h"

#define UPLOAD_TYPE "application/x-git-upload-pack-request"
#define RECEIVE_TYPE "application/x-git-receive-pack-request"
#define RIGHT "Basic c2VjcmV0LXRva2VuOg==" /* "secret-token:" */
#define WRONG "Basic b3RoZXItdG9rZW46"     /* "other-token:" */
#define EIGHT(eight) eight eight eight eight eight eight eight eight
#define PROTOCOL_OF_256 EIGHT(EIGHT("abcd"))
#define NONE "\n" /* as a value: omit the field */

/* A request and its policy; omitted members are those of the push below. */
struct request {
    const char *method;
    const char *target;
    const char *version;
    const char *authorization;
    const char *type;
    const char *coding;
    const char *expect;
    const char *protocol;
    const char *length;
    const char *scope;
    const char *read_only;
};

static const struct request good_push = {
    .method = "POST",
    .target = "/project.git/git-receive-pack",
    .version = "1.1",
    .authorization = RIGHT,
    .type = RECEIVE_TYPE,
    .coding = NONE,
    .expect = NONE,
    .protocol = NONE,
    .length = "4",
    .scope = "project",
    .read_only = NONE,
};

/* All members of struct request are strings, so that one request can be laid over another. */
enum {
    REQUEST_MEMBERS = sizeof(struct request) / sizeof(const char *),
};

/* Return: whether @over sets a member that @under sets, too. */
static bool lay_over(struct request *under, const struct request *over) {
    const char *members[REQUEST_MEMBERS];
    const char *laid[REQUEST_MEMBERS];
    bool clash = false;

    memcpy(members, under, sizeof(members));
    memcpy(laid, over, sizeof(laid));
    for (size_t i = 0; i < REQUEST_MEMBERS; i++) {
        clash = clash || (laid[i] && members[i]);
        members[i] = laid[i] ? laid[i] : members[i];
    }
    memcpy(under, members, sizeof(members));
    return clash;
}

static void add_field(char *bytes, size_t room, const char *name, const char *value) {
    size_t size = strlen(bytes);

    if (strcmp(value, NONE) != 0) {
        (void)snprintf(bytes + size, room - size, "%s: %s\r\n", name, value);
    }
}

/* Splits the names at their commas, in memory that the next call reuses. */
static char *const *scopes_of(const char *text) {
    static char names[64];
    static char *scopes[4];
    char *rest = names;

    (void)snprintf(names, sizeof(names), "%s", text);
    for (size_t i = 0; i < ARRAY_SIZE(scopes); i++) {
        scopes[i] = strsep(&rest, ",");
    }
    return scopes;
}

/* The verdict points into @feeder, which the caller ends. */
static void reach(const char *name, struct verdict *verdict, struct feeder *feeder, const struct request *changes) {
    struct request request = good_push;
    struct verdict_policy policy = {.tokens = {"secret-token"}};
    char bytes[2048];

    (void)lay_over(&request, changes);
    (void)snprintf(bytes, sizeof(bytes), "%s %s HTTP/%s\r\nHost: h\r\n", request.method, request.target,
                   request.version);
    add_field(bytes, sizeof(bytes), "Authorization", request.authorization);
    add_field(bytes, sizeof(bytes), "Content-Type", request.type);
    add_field(bytes, sizeof(bytes), "Content-Encoding", request.coding);
    add_field(bytes, sizeof(bytes), "Expect", request.expect);
    add_field(bytes, sizeof(bytes), "Git-Protocol", request.protocol);
    add_field(bytes, sizeof(bytes), "Content-Length", strcmp(request.method, "GET") == 0 ? NONE : request.length);
    (void)snprintf(bytes + strlen(bytes), sizeof(bytes) - strlen(bytes), "\r\n");
    policy.scopes = scopes_of(request.scope);
    policy.read_only = strcmp(request.read_only, NONE) != 0;

    feeder_init(feeder);
    expect_int(name, feeder_feed(feeder, span_of(bytes), strlen(bytes)), 0);
    memset(verdict, 0xa5, sizeof(*verdict));
    verdict_reach(verdict, &policy, &feeder->head);
}

#define FETCH .target = "/project.git/git-upload-pack", .type = UPLOAD_TYPE
#define FETCH_REFS .method = "GET", .target = "/project.git/info/refs?service=git-upload-pack", .type = NONE
#define PUSH_REFS .method = "GET", .target = "/project.git/info/refs?service=git-receive-pack", .type = NONE
#define HEAD_FILE .method = "GET", .target = "/project.git/HEAD", .type = NONE

static const struct {
    const char *name;
    int status;
    struct request request;
    const char *allow; /* of a 405 */
    bool anonymous;    /* of a 401 */
    bool gzip;         /* and these of a request that may go on */
    bool expects_continue;
    const char *git_protocol;
} cases[] = {
    {"push", 0, {NULL}},
    {"fetch", 0, {FETCH}},
    {"refs for a fetch", 0, {FETCH_REFS}},
    {"refs for a push", 0, {PUSH_REFS}},
    {"HEAD", 0, {HEAD_FILE}},
    {"push on 1.0", 0, {.version = "1.0"}},
    {"unknown path", 404, {.target = "/project.git/config"}},
    {"LFS", 404, {.target = "/project.git/info/lfs/objects/batch"}},
    {"LFS without credentials", 404, {.target = "/project.git/info/lfs/locks/verify", .authorization = NONE}},
    {"an archive", 404, {.target = "/project.git/git-upload-archive"}},
    {"query on a push", 404, {.target = "/project.git/git-receive-pack?x"}},
    {"absolute-form", 404, {.target = "http://h/project.git/git-receive-pack"}},
    {"dumb protocol", 403, {.method = "GET", .target = "/project.git/info/refs", .type = NONE}},
    {"unknown service", 403, {.method = "GET", .target = "/project.git/info/refs?service=x", .type = NONE}},
    {"GET where POST is due", 405, {.method = "GET"}, .allow = "POST"},
    {"POST where GET is due", 405, {.target = "/project.git/HEAD"}, .allow = "GET"},
    {"POST of refs", 405, {.target = "/project.git/info/refs?service=git-receive-pack"}, .allow = "GET"},
    {"HEAD where GET is due", 405, {.target = "/project.git/HEAD", .method = "HEAD"}, .allow = "GET"},
    {"PUT where POST is due", 405, {FETCH, .method = "PUT"}, .allow = "POST"},
    {"no credentials", 401, {.authorization = NONE}, .anonymous = true},
    {"empty credentials", 401, {.authorization = ""}},
    {"malformed credentials", 401, {.authorization = "Basic c2VjcmV0LXRva2VuOg"}},
    {"another scheme", 401, {.authorization = "Digest secret-token"}},
    {"bearer", 0, {.authorization = "Bearer secret-token"}},
    {"bearer in lower case", 0, {.authorization = "bearer secret-token"}},
    {"another bearer", 401, {.authorization = "Bearer other-token"}},
    {"token as the password", 0, {.authorization = "Basic eDpzZWNyZXQtdG9rZW4="}},
    {"scheme in lower case", 0, {.authorization = "basic c2VjcmV0LXRva2VuOg=="}},
    {"another token", 401, {.authorization = WRONG}},
    {"another repository", 403, {.target = "/projects.git/git-receive-pack"}},
    {"the beginning of the repository", 403, {.target = "/projec.git/git-receive-pack"}},
    {"the repository in another case", 403, {.target = "/Project.git/git-receive-pack"}},
    {"the repository with .git", 403, {.target = "/project.git.git/git-receive-pack"}},
    {"scope with .git", 0, {.target = "/project.git.git/git-receive-pack", .scope = "project.git"}},
    {"any repository", 0, {.target = "/other.git/git-receive-pack", .scope = "*"}},
    {"the first of several", 0, {.scope = "project,other"}},
    {"the last of several", 0, {.scope = "b,other,project"}},
    {"none of several", 403, {.scope = "projec,projects,other"}},
    {"a scope that begins with an asterisk", 403, {.scope = "*project"}},
    {"read-only: push", 403, {.read_only = "yes"}},
    {"read-only: refs for a push", 403, {PUSH_REFS, .read_only = "yes"}},
    {"read-only: fetch", 0, {FETCH, .read_only = "yes"}},
    {"read-only: refs for a fetch", 0, {FETCH_REFS, .read_only = "yes"}},
    {"read-only: HEAD", 0, {HEAD_FILE, .read_only = "yes"}},
    {"no type", 415, {.type = NONE}},
    {"empty type", 415, {.type = ""}},
    {"type of a fetch to push", 415, {.type = UPLOAD_TYPE}},
    {"type of a push to fetch", 415, {.target = "/project.git/git-upload-pack"}},
    {"type of a form", 415, {.type = "application/x-www-form-urlencoded"}},
    {"type with a parameter", 415, {.type = RECEIVE_TYPE "; charset=utf-8"}},
    {"type of a result", 415, {.type = "application/x-git-receive-pack-result"}},
    {"compressed fetch", 0, {FETCH, .coding = "gzip"}, .gzip = true},
    {"compressed fetch in upper case", 0, {FETCH, .coding = "GZIP"}, .gzip = true},
    {"compressed push", 0, {.coding = "gzip"}, .gzip = true},
    {"compressed push in upper case", 0, {.coding = "GZIP"}, .gzip = true},
    {"push compressed otherwise", 415, {.coding = "deflate"}},
    {"push compressed twice", 415, {.coding = "gzip, gzip"}},
    {"compressed HEAD", 415, {HEAD_FILE, .coding = "gzip"}},
    {"compressed GET", 415, {FETCH_REFS, .coding = "gzip"}},
    {"fetch compressed otherwise", 415, {FETCH, .coding = "deflate"}},
    {"fetch compressed twice", 415, {FETCH, .coding = "gzip, gzip"}},
    {"fetch with x-gzip", 415, {FETCH, .coding = "x-gzip"}},
    {"fetch with identity", 415, {FETCH, .coding = "identity"}},
    {"fetch with an empty coding", 415, {FETCH, .coding = ""}},
    {"Expect", 0, {.expect = "100-continue"}, .expects_continue = true},
    {"Expect in another case", 0, {.expect = "100-Continue"}, .expects_continue = true},
    {"Expect on 1.0", 0, {.expect = "100-continue", .version = "1.0"}},
    {"Expect without a body", 0, {.expect = "100-continue", .length = NONE}},
    {"Expect with length 0", 0, {.expect = "100-continue", .length = "0"}},
    {"Expect on GET", 0, {FETCH_REFS, .expect = "100-continue"}},
    {"Expect something else", 417, {.expect = "200-ok"}},
    {"Expect something more", 417, {.expect = "100-continue, 200-ok"}},
    {"Expect nothing", 417, {.expect = ""}},
    {"Expect something else on 1.0", 417, {.expect = "x", .version = "1.0"}},
    {"protocol version 2", 0, {.protocol = "version=2"}, .git_protocol = "version=2"},
    {"protocol version 1 of GET", 0, {FETCH_REFS, .protocol = "version=1"}, .git_protocol = "version=1"},
    {"protocol key", 0, {.protocol = "a"}, .git_protocol = "a"},
    {"protocol list", 0, {.protocol = "version=2:a:b-c=d.e_F9"}, .git_protocol = "version=2:a:b-c=d.e_F9"},
    {"protocol is empty", 400, {.protocol = ""}},
    {"protocol without a key", 400, {.protocol = "=2"}},
    {"protocol without a value", 400, {.protocol = "version="}},
    {"protocol without a value in a list", 400, {.protocol = "version=:a"}},
    {"protocol with two values", 400, {.protocol = "version=2=3"}},
    {"protocol begins with a colon", 400, {.protocol = ":version=2"}},
    {"protocol ends with a colon", 400, {.protocol = "version=2:"}},
    {"protocol with two colons", 400, {.protocol = "a::b"}},
    {"protocol with a space", 400, {.protocol = "version=2 a"}},
    {"protocol with a comma", 400, {.protocol = "version=2,a"}},
    {"protocol with a slash", 400, {.protocol = "a=../b"}},
    {"protocol with a newline's escape", 400, {.protocol = "a=\\n"}},
    {"protocol with a byte over 127", 400, {.protocol = "a=\xc3\xa4"}},
    {"protocol of 255 bytes", 0, {.protocol = &PROTOCOL_OF_256[1]}, .git_protocol = &PROTOCOL_OF_256[1]},
    {"protocol of 256 bytes", 400, {.protocol = PROTOCOL_OF_256}},
};

static void test_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *name = cases[i].name;
        const char *target = cases[i].request.target ? cases[i].request.target : good_push.target;
        struct verdict verdict;
        struct feeder feeder;

        reach(name, &verdict, &feeder, &cases[i].request);
        expect_int(name, verdict.status, cases[i].status);
        expect_int(name, verdict.reason != NULL, cases[i].status != 0);
        expect_int(name, reason_status(verdict.code), cases[i].status);
        expect_span(name, span_of(verdict.allow ? verdict.allow : ""), span_of(cases[i].allow ? cases[i].allow : ""));
        expect_int(name, verdict.anonymous, cases[i].anonymous);
        if (verdict.status == 0) {
            size_t size = (size_t)(strstr(target, ".git/") - target) - 1;

            expect_true(name, verdict.route && strstr(target, verdict.route->path));
            expect_span(name, verdict.repository, ((struct span){target + 1, size}));
            expect_int(name, verdict.gzip, cases[i].gzip);
            expect_int(name, verdict.expects_continue, cases[i].expects_continue);
            expect_span(name, verdict.git_protocol,
                        cases[i].git_protocol ? span_of(cases[i].git_protocol) : (struct span){NULL, 0});
        } else if (verdict.status == 404) {
            expect_true(name, verdict.route == NULL);
        }
        feeder_deinit(&feeder);
    }
}

/* One fault for each line of STATUS CODES in git-gate(1), in its order. */
static const struct {
    const char *name;
    enum reason code;
    struct request fault;
} faults[] = {
    {"route", REASON_NOT_FOUND, {.target = "/project.git/objects/info/packs"}},
    {"service in the query", REASON_DUMB_PROTOCOL, {.target = "/project.git/info/refs"}},
    {"method", REASON_WRONG_METHOD, {.method = "PUT"}},
    {"no credentials", REASON_NO_CREDENTIALS, {.authorization = NONE}},
    {"malformed credentials", REASON_NO_CREDENTIALS, {.authorization = "Basic !"}},
    {"token", REASON_WRONG_TOKEN, {.authorization = WRONG}},
    {"scope", REASON_WRONG_REPOSITORY, {.scope = "other"}},
    {"read-only", REASON_READ_ONLY, {.read_only = "yes"}},
    {"media type", REASON_WRONG_TYPE, {.type = "text/plain"}},
    {"coding", REASON_WRONG_CODING, {.coding = "deflate"}},
    {"expectation", REASON_WRONG_EXPECTATION, {.expect = "x"}},
    {"Git-Protocol", REASON_BAD_PROTOCOL, {.protocol = "="}},
};

static void test_order(void **state) {
    const char *reasons[ARRAY_SIZE(faults)];
    size_t n_pairs = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        struct verdict verdict;
        struct feeder feeder;

        reach(faults[i].name, &verdict, &feeder, &faults[i].fault);
        expect_int(faults[i].name, verdict.code, faults[i].code);
        expect_int(faults[i].name, verdict.status, reason_status(faults[i].code));
        reasons[i] = verdict.reason;
        feeder_deinit(&feeder);
    }
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        for (size_t j = i + 1; j < ARRAY_SIZE(faults); j++) {
            struct request both = faults[i].fault;
            struct verdict verdict;
            struct feeder feeder;
            char name[64];

            if (lay_over(&both, &faults[j].fault)) {
                continue; /* no request can have both */
            }
            n_pairs++;
            (void)snprintf(name, sizeof(name), "%s before %s", faults[i].name, faults[j].name);
            reach(name, &verdict, &feeder, &both);
            expect_int(name, verdict.code, faults[i].code);
            expect_span(name, span_of(verdict.reason), span_of(reasons[i])); /* several have the same code */
            expect_true(name, strcmp(reasons[i], reasons[j]) != 0);
            feeder_deinit(&feeder);
        }
    }
    assert_int_equal(n_pairs, 66 - 4);
}

/* Services that people look for and the gate does not have get a word and a sentence of their own. */
static void test_not_served(void **state) {
    static const struct {
        const char *target;
        enum reason code;
        const char *words;
    } rows[] = {
        {"/project.git/objects/info/packs", REASON_NOT_FOUND, "nothing is here"},
        {"/project.git/info/lfs/objects/batch", REASON_NO_LFS, "no LFS objects"},
        {"/project.git/git-upload-archive", REASON_NO_ARCHIVE, "no archives"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct request request = {.target = rows[i].target};
        struct verdict verdict;
        struct feeder feeder;

        reach(rows[i].target, &verdict, &feeder, &request);
        expect_int(rows[i].target, verdict.code, rows[i].code);
        expect_true(rows[i].target, strstr(verdict.reason, rows[i].words));
        expect_true(rows[i].target, strlen(verdict.reason) < 400 && !strpbrk(verdict.reason, "\"\\\r\n"));
        feeder_deinit(&feeder);
    }
}

/* The text of a refusal fits onto one line, and never contains the token. */
static void test_reasons(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        struct verdict verdict;
        struct feeder feeder;

        reach(faults[i].name, &verdict, &feeder, &faults[i].fault);
        expect_true(faults[i].name, *verdict.reason && strlen(verdict.reason) < 400);
        expect_true(faults[i].name, !strpbrk(verdict.reason, "\r\n"));
        expect_true(faults[i].name, !strstr(verdict.reason, "secret-token"));
        feeder_deinit(&feeder);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_not_served),
        cmocka_unit_test(test_reasons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
