/* SPDX-License-Identifier: Apache-2.0 */

/* Accepted configurations: each value gets to its place, and each path is resolved. */

#include "unit_resolve.h"

/* @root, @home and @hooks below the test's folder, NULL for none */
static const struct {
    const char *name;
    struct set sets[MAX_SET];
    const char *root;
    const char *home;
    const char *hooks;
    const char *scope;
    const char *socket;
    const char *tcp;
    int fd;
    const char *token;
} good_cases[] = {
#define GIVEN "hunter2-hunter2-hunter2"
    {"TCP", {ALL}, "/root", NULL, NULL, "r", NULL, "127.0.0.1:0", -1, GIVEN},
    {"socket", {REPOSITORY, TOKEN, {"socket", "s"}}, "/root", NULL, NULL, "r", "s", NULL, -1, GIVEN},
    {"socket beside the repository",
     {REPOSITORY, TOKEN, {"socket", "root/s"}},
     "/root",
     NULL,
     NULL,
     "r",
     "root/s",
     NULL,
     -1,
     GIVEN},
    {"inherited", {REPOSITORY, TOKEN, {"listen-fd", "0"}}, "/root", NULL, NULL, "r", NULL, NULL, 0, GIVEN},
    {"all repositories",
     {{"mirror-root", "root"}, {"scope", "*"}, TCP, TOKEN},
     "/root",
     NULL,
     NULL,
     "*",
     NULL,
     "127.0.0.1:0",
     -1,
     GIVEN},
    {"all repositories and hooks outside",
     {{"mirror-root", "root"}, {"scope", "*"}, TCP, TOKEN, {"hooks-path", "hooks"}},
     "/root",
     NULL,
     "/hooks",
     "*",
     NULL,
     "127.0.0.1:0",
     -1,
     GIVEN},
    {"the longest scope",
     {{"mirror-root", "root"}, {"scope", NAME_OF_250}, TCP, TOKEN},
     "/root",
     NULL,
     NULL,
     NAME_OF_250,
     NULL,
     "127.0.0.1:0",
     -1,
     GIVEN},
    {"a scope of all bytes",
     {{"mirror-root", "root"}, {"scope", "AZaz09._-"}, TCP, TOKEN},
     "/root",
     NULL,
     NULL,
     "AZaz09._-",
     NULL,
     "127.0.0.1:0",
     -1,
     GIVEN},
    {"roundabout paths",
     {{"mirror-root", "./hooks/..//root/"}, {"scope", "r"}, TCP, TOKEN, {"home", "root/../home"}},
     "/root",
     "/home",
     NULL,
     "r",
     NULL,
     "127.0.0.1:0",
     -1,
     GIVEN},
    {"links",
     {{"mirror-root", "link-to-root"}, {"scope", "r"}, TCP, TOKEN, {"home", "root/r.git/link-out"}},
     "/root",
     "/hooks",
     NULL,
     "r",
     NULL,
     "127.0.0.1:0",
     -1,
     GIVEN},
    {"hooks", {ALL, {"hooks-path", "hooks"}}, "/root", NULL, "/hooks", "r", NULL, "127.0.0.1:0", -1, GIVEN},
    {"hooks beside a repository of the same beginning",
     {ALL, {"hooks-path", "root/r.git-hooks"}},
     "/root",
     NULL,
     "/root/r.git-hooks",
     "r",
     NULL,
     "127.0.0.1:0",
     -1,
     GIVEN},
    {"hooks under a name inside, but outside",
     {ALL, {"hooks-path", "root/r.git/link-out"}},
     "/root",
     NULL,
     "/hooks",
     "r",
     NULL,
     "127.0.0.1:0",
     -1,
     GIVEN},
    {"token from a file",
     {REPOSITORY, TCP, {"token-file", "token"}},
     "/root",
     NULL,
     NULL,
     "r",
     NULL,
     "127.0.0.1:0",
     -1,
     "from-the-file"},
};

static void expect_path(const char *name, const char *got, const char *expected) {
    char path[PATH_MAX + 512];

    (void)snprintf(path, sizeof(path), "%s%s", folder.path, expected ? expected : "");
    expect_text(name, got, expected ? path : NULL);
}

/* Resolving again gives the same, even if the token's file is gone by then. */
static void test_good(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good_cases); i++) {
        const char *name = good_cases[i].name;
        struct gate_config *config;

        if (i == 0) {
            make_files();
        }
        folder_write("token", SPAN("from-the-file\n"));
        folder_write("root/r.git/token", SPAN("from-the-file\n"));
        config = config_of(name, good_cases[i].sets);
        for (int round = 0; round < 2; round++) {
            const struct server_settings *settings = &config->settings;
            struct gate_error error = {0};

            expect_int(name, config_resolve(config, &error), 0);
            expect_int(name, error.code, 0);
            expect_path(name, settings->environ.mirror_root, good_cases[i].root);
            expect_path(name, settings->environ.home, good_cases[i].home);
            expect_path(name, settings->environ.hooks_path, good_cases[i].hooks);
            expect_text(name, settings->policy.scopes[0], good_cases[i].scope);
            assert_null(settings->policy.scopes[1]);
            expect_text(name, settings->policy.tokens[0], good_cases[i].token);
            expect_text(name, settings->listener.socket_path, good_cases[i].socket);
            expect_text(name, settings->listener.tcp_address, good_cases[i].tcp);
            expect_int(name, settings->listener.inherited_fd, good_cases[i].fd);
            assert_true(remove("token") == 0 || round > 0);
        }
        gate_config_free(config);
    }
}

/* Each plain value gets to its place. */
static void test_settings(void **state) {
    static const struct set sets[] = {
        REPOSITORY,
        TCP,
        TOKEN,
        {"read-only", "yes"},
        {"trust-owner", "yes"},
        {"die-with-parent", "yes"},
        {"remote-user", "me"},
        {"git-config", "a.b=c"},
        {"max-connections", "101"},
        {"max-backends", "102"},
        {"max-push-bytes", "103"},
        {"max-negotiation-bytes", "104"},
        {"queue-timeout", "105"},
        {"header-timeout", "106"},
        {"idle-timeout", "107"},
        {"stall-timeout", "108"},
        {"backend-timeout", "109"},
        {"request-timeout", "119"},
        {"drain-timeout", "110"},
        {"log-level", "debug"},
        {"log-format", "json"},
        {0},
    };
    const struct server_settings *settings;
    struct gate_config *config;

    (void)state;
    make_files();
    config = config_of("settings", sets);
    settings = &config->settings;
    assert_int_equal(config_resolve(config, NULL), 0);
    assert_true(settings->policy.read_only && settings->environ.read_only && settings->environ.trust_owner);
    assert_true(settings->die_with_parent);
    assert_string_equal(settings->environ.remote_user, "me");
    assert_string_equal(settings->listener.selinux_type, "git_gate_socket_t");
    assert_string_equal(settings->environ.git_config[0], "a.b=c");
    assert_null(settings->environ.git_config[1]);
    assert_string_equal(settings->environ.hide_refs[0], "refs/gate");
    assert_null(settings->environ.hide_refs[1]);
    assert_int_equal(settings->max_connections, 101);
    assert_int_equal(settings->max_backends, 102);
    assert_int_equal(settings->max_push_bytes, 103);
    assert_int_equal(settings->max_negotiation_bytes, 104);
    assert_int_equal(settings->queue_timeout_s, 105);
    assert_int_equal(settings->header_timeout_s, 106);
    assert_int_equal(settings->idle_timeout_s, 107);
    assert_int_equal(settings->stall_timeout_s, 108);
    assert_int_equal(settings->backend_timeout_s, 109);
    assert_int_equal(settings->request_timeout_s, 119);
    assert_int_equal(settings->drain_timeout_s, 110);
    assert_int_equal(settings->log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(settings->log_format, LOG_FORMAT_JSON);
    gate_config_free(config);
}

/* No label is looked for where nothing is confined. */
static void test_label(void **state) {
    static const struct set sets[] = {ALL, {"confine", "off"}, {"selinux-type", "my_type_t"}, {0}};
    struct gate_config *config;

    (void)state;
    make_files();
    config = config_of("label", sets);
    assert_int_equal(config_resolve(config, NULL), 0);
    assert_null(config->settings.listener.selinux_type);
    assert_int_equal(config_resolve(config, NULL), 0);
    assert_null(config->settings.listener.selinux_type);
    gate_config_free(config);
}

static void test_allow_paths(void **state) {
    static const struct set sets[] = {ALL, {"allow-path", "root/../home:rw"}, {"allow-path", "hooks"}, {0}};
    static const struct {
        const char *path; /* below the test's folder */
        bool may_write;
    } paths[] = {{"/home", true}, {"/hooks", false}};
    struct gate_config *config;

    (void)state;
    make_files();
    config = config_of("allowed paths", sets);
    assert_int_equal(config_resolve(config, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        char path[2 * PATH_MAX];

        (void)snprintf(path, sizeof(path), "%s%s", folder.path, paths[i].path);
        assert_string_equal(config->settings.allow_paths[i], path);
        expect_int(paths[i].path, config->settings.may_write[i], paths[i].may_write);
    }
    assert_null(config->settings.allow_paths[ARRAY_SIZE(paths)]);
    gate_config_free(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_good),
        IN_FOLDER(test_settings),
        IN_FOLDER(test_label),
        IN_FOLDER(test_allow_paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
