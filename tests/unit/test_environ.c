/* SPDX-License-Identifier: Apache-2.0 */

/* git's environment: exactly these variables, and nothing of the gate's own. */

#include "unit_environ.h"

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
    "PATH=/some/bin:/other/bin", "GIT_EXEC_PATH=/usr/lib/git-core", "HOME=/nonexistent",   "GIT_CONFIG_NOSYSTEM=1",
    "GIT_ATTR_NOSYSTEM=1",       "GIT_NO_REPLACE_OBJECTS=1",        "GIT_NO_LAZY_FETCH=1",
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

static void expect_variable(const char *name, char *const *variables, const char *expected) {
    for (; *variables; variables++) {
        if (strcmp(*variables, expected) == 0) {
            return;
        }
    }
    fail_msg("%s: no %s", name, expected);
}

/* Checks that there are all variables of @world, @more and @own, and no others. */
static void check_variables(const char *name, const struct environ_settings *settings,
                            const struct environ_request *request, const char *const *more, size_t n_more,
                            const char *const *own) {
    size_t n_expected = ARRAY_SIZE(world) + 1 + n_more;
    char **variables = NULL;

    expect_int(name, environ_new(&variables, settings, request), 0);
    expect_variable(name, variables,
                    request->pushes ? "GIT_CONFIG_GLOBAL=/dev/null" : "GIT_CONFIG_GLOBAL=/dev/null/none");
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
        {"no global configuration", {SETTINGS}, "GIT_CONFIG_GLOBAL", "/dev/null/none"},
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

/* The longest allowed paths and values come through whole. */
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
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_services),
        cmocka_unit_test(test_world),
        cmocka_unit_test(test_long),
    };

    return cmocka_run_group_tests(tests, set_hostile, NULL);
}
