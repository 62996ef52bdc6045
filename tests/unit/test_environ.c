/* SPDX-License-Identifier: Apache-2.0 */

/* git's environment: exactly these variables, these settings in this order, and nothing of the gate's own. */

#include "unit.h"

#include <stdio.h>

#include "backend/environ.h"

/* In the gate's own environment, but not for git. */
static const char *const hostile[][2] = {
    {"GIT_GATE_TOKEN", "gate-secret"},
    {"GIT_GATE_TOKEN_FILE", "/gate-secret"},
    {"CREDENTIALS_DIRECTORY", "/gate-secret"},
    {"LD_PRELOAD", ""}, /* the loader reads it before main(), so this one does no harm */
    {"LD_LIBRARY_PATH", "/gate-secret"},
    {"GIT_DIR", "/gate-secret"},
    {"GIT_WORK_TREE", "/gate-secret"},
    {"GIT_OBJECT_DIRECTORY", "/gate-secret"},
    {"GIT_ALTERNATE_OBJECT_DIRECTORIES", "/gate-secret"},
    {"GIT_CONFIG", "/gate-secret"},
    {"GIT_CONFIG_GLOBAL", "/gate-secret"},
    {"GIT_CONFIG_SYSTEM", "/gate-secret"},
    {"GIT_CONFIG_PARAMETERS", "'gate.secret=1'"},
    {"GIT_CONFIG_COUNT", "99"},
    {"GIT_CONFIG_KEY_98", "gate.secret"},
    {"GIT_CONFIG_VALUE_98", "gate-secret"},
    {"GIT_TRACE", "/gate-secret"},
    {"GIT_NAMESPACE", "gate-secret"},
    {"GIT_PROTOCOL", "gate-secret"},
    {"PATH", "/gate-secret"},
    {"GIT_EXEC_PATH", "/gate-secret"}, /* the start has found git's folder */
    {"HOME", "/gate-secret"},
    {"XDG_CONFIG_HOME", "/gate-secret"},
    {"USER", "gate-secret"},
    {"CONTENT_LENGTH", "987654321"},
    {"CONTENT_TYPE", "gate-secret"},
    {"HTTP_CONTENT_ENCODING", "gzip"},
    {"HTTP_PROXY", "gate-secret"},
    {"PATH_TRANSLATED", "/gate-secret"},
    {"REMOTE_USER", "gate-secret"},
    {"NOTIFY_SOCKET", "/gate-secret"},
    {"LISTEN_FDS", "987654321"},
};

static int set_hostile(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
        assert_int_equal(setenv(hostile[i][0], hostile[i][1], 1), 0);
    }
    return 0;
}

/* Everything that a request may have; a case takes some of it. */
#define SETTINGS_FOR(program, any)                                                                                     \
    .search_path = "/some/bin:/other/bin", .exec_path = "/usr/lib/git-core", .mirror_root = "/srv/mirrors",            \
    .remote_user = "token", .max_request_bytes = 12345, .backend = (program), .any_commit = (any)
#define SETTINGS SETTINGS_FOR(ENVIRON_HTTP_BACKEND, true)
#define SERVICE_SETTINGS SETTINGS_FOR(ENVIRON_SERVICES, true)

static const struct {
    const char *name;
    struct environ_request request;
    const char *variables[8]; /* the request's own */
} route_cases[] = {
    {"refs for a fetch",
     {"GET", "r", "/info/refs", "service=git-upload-pack", NULL, "version=2", "127.0.0.1"},
     {"REQUEST_METHOD=GET", "PATH_INFO=/r.git/info/refs", "QUERY_STRING=service=git-upload-pack",
      "GIT_PROTOCOL=version=2", "REMOTE_ADDR=127.0.0.1"}},
    {"refs for a push",
     {"GET", "r", "/info/refs", "service=git-receive-pack", NULL, NULL, "unix"},
     {"REQUEST_METHOD=GET", "PATH_INFO=/r.git/info/refs", "QUERY_STRING=service=git-receive-pack", "REMOTE_ADDR=unix"}},
    {"fetch",
     {"POST", "r", "/git-upload-pack", NULL, "application/x-git-upload-pack-request", "version=2:x", "::1"},
     {"REQUEST_METHOD=POST", "PATH_INFO=/r.git/git-upload-pack", "QUERY_STRING=",
      "CONTENT_TYPE=application/x-git-upload-pack-request", "GIT_PROTOCOL=version=2:x", "REMOTE_ADDR=::1"}},
    {"push",
     {"POST", "r", "/git-receive-pack", NULL, "application/x-git-receive-pack-request", NULL, "unix"},
     {"REQUEST_METHOD=POST", "PATH_INFO=/r.git/git-receive-pack",
      "QUERY_STRING=", "CONTENT_TYPE=application/x-git-receive-pack-request", "REMOTE_ADDR=unix"}},
    {"HEAD",
     {"GET", "A.b_c-9", "/HEAD", NULL, NULL, NULL, "unix"},
     {"REQUEST_METHOD=GET", "PATH_INFO=/A.b_c-9.git/HEAD", "QUERY_STRING=", "REMOTE_ADDR=unix"}},
    {"bytes that a format might take",
     {"GET", "r", "/HEAD", "%s%n", NULL, "%s=%d", "unix"},
     {"REQUEST_METHOD=GET", "PATH_INFO=/r.git/HEAD", "QUERY_STRING=%s%n", "GIT_PROTOCOL=%s=%d", "REMOTE_ADDR=unix"}},
};

/* The same without git-http-backend. */
static const struct {
    const char *name;
    struct environ_request request;
    const char *variables[8];
} service_cases[] = {
    {"refs for a fetch",
     {"GET", "r", "/info/refs", "service=git-upload-pack", NULL, "version=2", "127.0.0.1"},
     {"GIT_PROTOCOL=version=2", "REMOTE_ADDR=127.0.0.1", "REMOTE_USER=token"}},
    {"refs for a push",
     {"GET", "r", "/info/refs", "service=git-receive-pack", NULL, NULL, "unix", .pushes = true},
     {"REMOTE_ADDR=unix", "REMOTE_USER=token", "GIT_COMMITTER_NAME=token", "GIT_COMMITTER_EMAIL=token@http.unix"}},
    {"fetch",
     {"POST", "r", "/git-upload-pack", NULL, "application/x-git-upload-pack-request", "version=2:x", "::1"},
     {"GIT_PROTOCOL=version=2:x", "REMOTE_ADDR=::1", "REMOTE_USER=token"}},
    {"push",
     {"POST", "r", "/git-receive-pack", NULL, "application/x-git-receive-pack-request", NULL, "::1", .pushes = true},
     {"REMOTE_ADDR=::1", "REMOTE_USER=token", "GIT_COMMITTER_NAME=token", "GIT_COMMITTER_EMAIL=token@http.::1"}},
    {"HEAD",
     {"GET", "r", "/HEAD", NULL, NULL, NULL, "unix", .asks_head = true},
     {"REMOTE_ADDR=unix", "REMOTE_USER=token"}},
};

/* In every environment with only SETTINGS or SERVICE_SETTINGS. */
static const char *const world[] = {
    "PATH=/some/bin:/other/bin",   "GIT_EXEC_PATH=/usr/lib/git-core",
    "HOME=/nonexistent",           "GIT_CONFIG_NOSYSTEM=1",
    "GIT_ATTR_NOSYSTEM=1",         "GIT_NO_LAZY_FETCH=1",
    "GIT_CONFIG_GLOBAL=/dev/null", "GIT_NO_REPLACE_OBJECTS=1",
};

/* The same for git-http-backend. */
static const char *const common[] = {
    "GATEWAY_INTERFACE=CGI/1.1",
    "SERVER_PROTOCOL=HTTP/1.1",
    ("SERVER_SOFTWARE=git-gate/" GIT_GATE_VERSION),
    "SERVER_NAME=localhost",
    "SERVER_PORT=80",
    "SCRIPT_NAME=",
    "REMOTE_USER=token",
    "GIT_PROJECT_ROOT=/srv/mirrors",
    "GIT_HTTP_EXPORT_ALL=1",
    "GIT_HTTP_MAX_REQUEST_BUFFER=12345",
};

static const char *value_of(char *const *variables, const char *name) {
    size_t size = strlen(name);

    for (; *variables; variables++) {
        if (strncmp(*variables, name, size) == 0 && (*variables)[size] == '=') {
            return *variables + size + 1;
        }
    }
    return NULL;
}

static void expect_variable(const char *name, char *const *variables, const char *expected) {
    for (; *variables; variables++) {
        if (strcmp(*variables, expected) == 0) {
            return;
        }
    }
    fail_msg("%s: no %s", name, expected);
}

/* Each name occurs once, and no value is one of the gate's own. Return: the number of names, without settings. */
static size_t check_sound(const char *name, char *const *variables) {
    size_t n = 0;

    for (size_t i = 0; variables[i]; i++) {
        size_t size = strcspn(variables[i], "=");

        expect_true(name, size > 0 && variables[i][size] == '=');
        for (size_t j = 0; j < i; j++) {
            expect_true(variables[i], strncmp(variables[i], variables[j], size + 1) != 0);
        }
        expect_true(variables[i], !strstr(variables[i], "secret") && !strstr(variables[i], "987654321"));
        n += strncmp(variables[i], "GIT_CONFIG_KEY_", 15) != 0 && strncmp(variables[i], "GIT_CONFIG_VALUE_", 17) != 0 &&
             strncmp(variables[i], "GIT_CONFIG_COUNT=", 17) != 0;
    }
    return n;
}

/* All of @world, of @more and of @own, and nothing else. */
static void check_variables(const char *name, const struct environ_settings *settings,
                            const struct environ_request *request, const char *const *more, size_t n_more,
                            const char *const *own) {
    size_t n_expected = ARRAY_SIZE(world) + n_more;
    char **variables = NULL;

    expect_int(name, environ_new(&variables, settings, request), 0);
    for (size_t i = 0; i < ARRAY_SIZE(world); i++) {
        expect_variable(name, variables, world[i]);
    }
    for (size_t i = 0; i < n_more; i++) {
        expect_variable(name, variables, more[i]);
    }
    for (; *own; own++, n_expected++) {
        expect_variable(name, variables, *own);
    }
    expect_true(name, value_of(variables, "CONTENT_LENGTH") == NULL);
    expect_true(name, value_of(variables, "LD_PRELOAD") == NULL);
    expect_int(name, check_sound(name, variables), n_expected);
    free(variables);
}

static void test_routes(void **state) {
    static const struct environ_settings settings = {SETTINGS};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(route_cases); i++) {
        check_variables(route_cases[i].name, &settings, &route_cases[i].request, common, ARRAY_SIZE(common),
                        route_cases[i].variables);
    }
}

static void test_services(void **state) {
    static const struct environ_settings settings = {SERVICE_SETTINGS};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(service_cases); i++) {
        check_variables(service_cases[i].name, &settings, &service_cases[i].request, NULL, 0,
                        service_cases[i].variables);
    }
}

/* Each list ends with NULL. */
#define LIST(...) ((char *[]){__VA_ARGS__, NULL})
#define GIVEN(text)                                                                                                    \
    (char[]) {                                                                                                         \
        text                                                                                                           \
    }

static const struct environ_request refs = {"GET", "r", "/info/refs", "service=git-upload-pack", NULL, NULL, "unix"};

#define FIRST "core.hooksPath|/dev/null\n"
#define ATTRIBUTES "core.attributesFile|/dev/null\n"
#define FILTER "uploadpack.allowFilter|true\nuploadpack.allowAnySHA1InWant|true\n"
#define MIDDLE ATTRIBUTES FILTER
#define OF_ANY_PUSH "core.alternateRefsCommand|true\ncore.fsmonitor|false\nreceive.denyCurrentBranch|refuse\n"
#define OF_A_PUSH OF_ANY_PUSH "receive.fsckObjects|true\nreceive.autogc|false\n"
#define WARN(id) "receive.fsck." id "|warn\n"
#define OF_OLD_HISTORY                                                                                                 \
    OF_ANY_PUSH "receive.fsckObjects|true\n" WARN("badDate") WARN("badDateOverflow") WARN("badEmail") WARN("badName")  \
        WARN("badTimezone") WARN("missingEmail") WARN("missingNameBeforeEmail") WARN("missingSpaceBeforeDate")         \
            WARN("missingSpaceBeforeEmail") WARN("multipleAuthors") WARN("nulInCommit") WARN("zeroPaddedDate")         \
                WARN("zeroPaddedFilemode") "receive.autogc|false\n"
#define KEPT "transfer.hideRefs|refs/gate/old\n"
#define OPEN "http.uploadpack|true\nhttp.receivepack|true\n"
#define SERVICES KEPT OPEN
#define OF_A_KEPT_PUSH OF_ANY_PUSH "receive.shallowUpdate|false\nreceive.fsckObjects|true\nreceive.autogc|false\n" KEPT
#define OF_A_HARMLESS_PUSH                                                                                             \
    OF_ANY_PUSH "receive.shallowUpdate|false\nreceive.denyDeletes|true\nreceive.denyNonFastForwards|true\n"            \
                "receive.fsckObjects|true\nreceive.autogc|false\n" KEPT

/* The settings as "KEY|VALUE\n", one after the other, in their order. */
static void test_settings(void **state) {
    const struct {
        const char *name;
        struct environ_settings settings;
        const char *expected;
        bool pushes;
        bool asks_head;
        bool is_post;
        bool keeps_old;
    } cases[] = {
        {"nothing given", {SETTINGS}, FIRST MIDDLE SERVICES},
        {"a push", {SETTINGS}, FIRST ATTRIBUTES OF_A_PUSH FILTER SERVICES, true},
        {"a push, with settings that overrule the gate's",
         {SETTINGS, .git_config = LIST(GIVEN("receive.denyCurrentBranch=updateInstead"))},
         FIRST ATTRIBUTES OF_A_PUSH FILTER SERVICES "receive.denyCurrentBranch|updateInstead\n",
         true},
        {"empty lists", {SETTINGS, .hide_refs = LIST(NULL), .git_config = LIST(NULL)}, FIRST MIDDLE SERVICES},
        {"hooks", {SETTINGS, .hooks_path = "/srv/my hooks"}, "core.hooksPath|/srv/my hooks\n" MIDDLE SERVICES},
        {"trusted owner",
         {SETTINGS, .trust_owner = true},
         FIRST "safe.directory|/srv/mirrors/r.git\nsafe.directory|.\n" MIDDLE SERVICES},
        {"only what references show, but in version 2",
         {SETTINGS_FOR(ENVIRON_HTTP_BACKEND, false)},
         FIRST ATTRIBUTES "uploadpack.allowFilter|false\nuploadpack.allowAnySHA1InWant|false\n" SERVICES},
        {"read only",
         {SETTINGS, .read_only = true},
         FIRST MIDDLE KEPT "http.uploadpack|true\nhttp.receivepack|false\n"},
        {"one hidden prefix",
         {SETTINGS, .hide_refs = LIST(GIVEN("refs/gate"))},
         FIRST MIDDLE "transfer.hideRefs|refs/gate\n" OPEN},
        {"hidden prefixes",
         {SETTINGS, .hide_refs = LIST(GIVEN("refs/b"), GIVEN("!refs/a"), GIVEN("^refs/%s"))},
         FIRST MIDDLE "transfer.hideRefs|refs/b\ntransfer.hideRefs|!refs/a\ntransfer.hideRefs|^refs/%s\n" SERVICES},
        {"one more setting", {SETTINGS, .git_config = LIST(GIVEN("gc.auto=0"))}, FIRST MIDDLE SERVICES "gc.auto|0\n"},
        {"more settings in their order",
         {SETTINGS, .git_config = LIST(GIVEN("z.z=1"), GIVEN("a.a=2"), GIVEN("z.z=3"))},
         FIRST MIDDLE SERVICES "z.z|1\na.a|2\nz.z|3\n"},
        {"settings that overrule the gate's",
         {SETTINGS, .git_config = LIST(GIVEN("receive.fsckObjects=false"), GIVEN("core.hooksPath=/h"))},
         FIRST MIDDLE SERVICES "receive.fsckObjects|false\ncore.hooksPath|/h\n"},
        {"equals signs in a value",
         {SETTINGS, .git_config = LIST(GIVEN("a.b=c=d==e="))},
         FIRST MIDDLE SERVICES "a.b|c=d==e=\n"},
        {"empty value", {SETTINGS, .git_config = LIST(GIVEN("a.b="))}, FIRST MIDDLE SERVICES "a.b|\n"},
        {"bytes that a format might take",
         {SETTINGS, .git_config = LIST(GIVEN("a.%s=%n%d"))},
         FIRST MIDDLE SERVICES "a.%s|%n%d\n"},
        {"all at once",
         {SETTINGS, .hooks_path = "/h", .trust_owner = true, .read_only = true, .hide_refs = LIST(GIVEN("refs/x")),
          .git_config = LIST(GIVEN("a.b=c"))},
         "core.hooksPath|/h\nsafe.directory|/srv/mirrors/r.git\nsafe.directory|.\n" MIDDLE
         "transfer.hideRefs|refs/x\n" KEPT "http.uploadpack|true\nhttp.receivepack|false\na.b|c\n"},
        {"all at once, for the service of a fetch",
         {SERVICE_SETTINGS, .hooks_path = "/h", .trust_owner = true, .hide_refs = LIST(GIVEN("refs/x")),
          .git_config = LIST(GIVEN("a.b=c"))},
         "safe.directory|/srv/mirrors/r.git\nsafe.directory|.\n" MIDDLE "transfer.hideRefs|refs/x\n" KEPT "a.b|c\n"},
        {"all at once, for the service of a push",
         {SERVICE_SETTINGS, .hooks_path = "/h", .trust_owner = true, .hide_refs = LIST(GIVEN("refs/x")),
          .git_config = LIST(GIVEN("a.b=c"))},
         "core.hooksPath|/h\nsafe.directory|/srv/mirrors/r.git\nsafe.directory|.\n" ATTRIBUTES OF_A_PUSH
         "transfer.hideRefs|refs/x\n" KEPT "a.b|c\n",
         true},
        {"nothing given, for the service of a push", {SERVICE_SETTINGS}, FIRST ATTRIBUTES OF_A_PUSH KEPT, true},
        {"a push that may lose a tip",
         {SERVICE_SETTINGS, .keep_old = true},
         FIRST ATTRIBUTES OF_A_KEPT_PUSH,
         true,
         .is_post = true,
         .keeps_old = true},
        {"a push that loses nothing",
         {SERVICE_SETTINGS, .keep_old = true},
         FIRST ATTRIBUTES OF_A_HARMLESS_PUSH,
         true,
         .is_post = true},
        {"what a push begins with", {SERVICE_SETTINGS, .keep_old = true}, FIRST ATTRIBUTES OF_A_PUSH KEPT, true},
        {"all that is kept is hidden, and more",
         {SETTINGS, .hide_refs = LIST(GIVEN("refs/gate"), GIVEN("!refs/gate/old"))},
         FIRST MIDDLE "transfer.hideRefs|refs/gate\ntransfer.hideRefs|!refs/gate/old\n" SERVICES},
        {"a push of old history",
         {SERVICE_SETTINGS, .fsck = ENVIRON_FSCK_WARN},
         FIRST ATTRIBUTES OF_OLD_HISTORY KEPT,
         true},
        {"a push that nothing checks",
         {SERVICE_SETTINGS, .fsck = ENVIRON_FSCK_OFF},
         FIRST ATTRIBUTES OF_ANY_PUSH "receive.fsckObjects|false\nreceive.autogc|false\n" KEPT,
         true},
        {"HEAD, whose setting comes last",
         {SERVICE_SETTINGS, .hide_refs = LIST(GIVEN("!refs/x")), .git_config = LIST(GIVEN("transfer.hideRefs=!refs"))},
         MIDDLE "transfer.hideRefs|!refs/x\n" KEPT "transfer.hideRefs|!refs\ntransfer.hideRefs|refs\n",
         false,
         true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *name = cases[i].name;
        char settings[2048] = "";
        char **variables = NULL;
        size_t n_variables = 0;
        size_t count;

        struct environ_request request = refs;

        request.pushes = cases[i].pushes;
        request.asks_head = cases[i].asks_head;
        request.content_type = cases[i].is_post ? "x" : NULL;
        request.keeps_old = cases[i].keeps_old;
        expect_int(name, environ_new(&variables, &cases[i].settings, &request), 0);
        expect_true(name, value_of(variables, "GIT_CONFIG_COUNT") != NULL);
        count = strtoul(value_of(variables, "GIT_CONFIG_COUNT"), NULL, 10);
        for (size_t j = 0; j < count; j++) {
            char key[64];
            char value[64];
            size_t used = strlen(settings);

            (void)snprintf(key, sizeof(key), "GIT_CONFIG_KEY_%zu", j);
            (void)snprintf(value, sizeof(value), "GIT_CONFIG_VALUE_%zu", j);
            expect_true(key, value_of(variables, key) && value_of(variables, value));
            (void)snprintf(settings + used, sizeof(settings) - used, "%s|%s\n", value_of(variables, key),
                           value_of(variables, value));
        }
        expect_span(name, span_of(settings), span_of(cases[i].expected));
        while (variables[n_variables]) {
            n_variables++;
        }
        expect_int(name, n_variables - check_sound(name, variables), 2 * count + 1); /* none beyond the count */
        free(variables);
    }
}

/* The variables that depend on the gate's environment or settings; NULL for a missing one. */
static void test_world(void **state) {
    static const struct {
        const char *name;
        struct environ_settings settings;
        const char *variable;
        const char *value;
    } cases[] = {
        {"PATH",
         {.search_path = "/a:/b c", .exec_path = "/e", .mirror_root = "/m", .remote_user = "u"},
         "PATH",
         "/a:/b c"},
        {"a home", {SETTINGS, .home = "/srv/my home"}, "HOME", "/srv/my home"},
        {"the home's configuration is read", {SETTINGS, .home = "/srv/h"}, "GIT_CONFIG_GLOBAL", NULL},
        {"a home and nothing of the system", {SETTINGS, .home = "/srv/h"}, "GIT_CONFIG_NOSYSTEM", "1"},
        {"no other home", {SETTINGS, .home = "/srv/h"}, "XDG_CONFIG_HOME", NULL},
        {"no home", {SETTINGS}, "HOME", "/nonexistent"},
        {"no global configuration", {SETTINGS}, "GIT_CONFIG_GLOBAL", "/dev/null"},
        {"largest request",
         {.search_path = "/p",
          .exec_path = "/e",
          .mirror_root = "/m",
          .remote_user = "u",
          .backend = ENVIRON_HTTP_BACKEND,
          .max_request_bytes = UINT64_MAX},
         "GIT_HTTP_MAX_REQUEST_BUFFER",
         "18446744073709551615"},
        {"who pushes",
         {.search_path = "/p", .exec_path = "/e", .mirror_root = "/m", .remote_user = "a b=c"},
         "REMOTE_USER",
         "a b=c"},
        {"another root",
         {.search_path = "/p",
          .exec_path = "/e",
          .mirror_root = "/m=n",
          .remote_user = "u",
          .backend = ENVIRON_HTTP_BACKEND},
         "GIT_PROJECT_ROOT",
         "/m=n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *name = cases[i].name;
        char **variables = NULL;

        expect_int(name, environ_new(&variables, &cases[i].settings, &refs), 0);
        (void)check_sound(name, variables);
        if (cases[i].value) {
            expect_true(name, value_of(variables, cases[i].variable) != NULL);
            expect_span(name, span_of(value_of(variables, cases[i].variable)), span_of(cases[i].value));
        } else {
            expect_true(name, value_of(variables, cases[i].variable) == NULL);
        }
        free(variables);
    }
}

/* Paths and values of the longest allowed size come through whole. */
static void test_long(void **state) {
    static char path[4096];
    static char value[4096 + 1] = "a.b=";
    static char prefix[4096 + 1];
    char *hide_refs[] = {prefix, NULL};
    char *git_config[] = {value, NULL};
    struct environ_settings settings = {SETTINGS, .hide_refs = hide_refs, .git_config = git_config};
    char **variables = NULL;

    (void)state;
    memset(path, 'p', sizeof(path) - 1);
    path[0] = '/';
    memset(value + 4, 'v', sizeof(value) - 5);
    memset(prefix, 'r', sizeof(prefix) - 1);
    settings.mirror_root = settings.home = settings.hooks_path = path;
    settings.trust_owner = true;
    assert_int_equal(environ_new(&variables, &settings, &refs), 0);
    assert_string_equal(value_of(variables, "HOME"), path);
    assert_string_equal(value_of(variables, "GIT_PROJECT_ROOT"), path);
    assert_string_equal(value_of(variables, "GIT_CONFIG_VALUE_0"), path);
    assert_memory_equal(value_of(variables, "GIT_CONFIG_VALUE_1"), path, sizeof(path) - 1);
    assert_string_equal(value_of(variables, "GIT_CONFIG_VALUE_1") + sizeof(path) - 1, "/r.git");
    assert_string_equal(value_of(variables, "GIT_CONFIG_VALUE_6"), prefix);
    assert_string_equal(value_of(variables, "GIT_CONFIG_VALUE_10"), value + 4);
    free(variables);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes), cmocka_unit_test(test_services), cmocka_unit_test(test_settings),
        cmocka_unit_test(test_world),  cmocka_unit_test(test_long),
    };

    return cmocka_run_group_tests(tests, set_hostile, NULL);
}
