/* SPDX-License-Identifier: Apache-2.0 */

/* The configuration as a whole: missing options, contradictions, and the targets of its paths. */

#include "unit_folder.h"

#include "library/config.h"

enum {
    MAX_SET = 8,
};

struct set {
    const char *name;
    const char *value;
};

/* The starting folder of each case. */
static void make_files(void) {
    static const char *const folders[] = {
        "root",    "root/r.git",  "root/r.git/hooks", "root/r.git-hooks", "root/other.git", "root/other.git/hooks",
        "hooks",   "hooks/below", "away.git",         "away.git/hooks",   "home",           "hooks-of-links",
        "home:rw",
    };
    static const char *const links[][2] = {
        {"root/r.git/hooks", "link-to-hooks"}, /* hooks inside the served repository, under a name outside */
        {"root", "link-to-root"},
        {"../../hooks", "root/r.git/link-out"}, /* hooks outside, under a name inside */
        {"../away.git", "root/linked.git"},     /* a repository that is itself a link */
        {"nowhere", "broken"},
        {"../plain", "hooks-of-links/update"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        assert_int_equal(mkdir(folders[i], 0700), 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
        assert_int_equal(symlink(links[i][0], links[i][1]), 0);
    }
    folder_write("plain", SPAN("x\n"));
    folder_write("token", SPAN("from-the-file\n"));
    folder_write("root/r.git/token", SPAN("from-the-file\n"));
}

static struct gate_config *config_of(const char *name, const struct set *sets) {
    struct gate_config *config = NULL;

    assert_int_equal(gate_config_new(&config), 0);
    for (; sets->name; sets++) {
        expect_int(name, gate_config_set(config, sets->name, sets->value, NULL), 0);
    }
    return config;
}

#define TOKEN                                                                                                          \
    { "token", "hunter2-hunter2-hunter2" }
#define TCP                                                                                                            \
    { "listen", "127.0.0.1:0" }
#define REPOSITORY                                                                                                     \
    {"mirror-root", "root"}, {                                                                                         \
        "scope", "r"                                                                                                   \
    }
#define ALL REPOSITORY, TCP, TOKEN

#define NAME_OF_250                                                                                                    \
    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeaaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"             \
    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeaaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"             \
    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"

static const struct {
    const char *name;
    struct set sets[MAX_SET];
    const char *words[2]; /* a part of the sentence */
} refused_cases[] = {
    {"nothing at all", {{0}}, {"--mirror-root", "--scope"}},
    {"no repository", {TCP, TOKEN}, {"--mirror-root", "--scope"}},
    {"no mirror root", {{"scope", "r"}, TCP, TOKEN}, {"--mirror-root"}},
    {"no scope", {{"mirror-root", "root"}, TCP, TOKEN}, {"--scope"}},
    {"mirror root that is not there", {{"mirror-root", "none"}, {"scope", "r"}, TCP, TOKEN}, {"--mirror-root=none"}},
    {"mirror root that is a broken link", {{"mirror-root", "broken"}, {"scope", "r"}, TCP, TOKEN}, {"--mirror-root"}},
    {"mirror root that is a file",
     {{"mirror-root", "plain"}, {"scope", "r"}, TCP, TOKEN},
     {"--mirror-root=plain", "Not a directory"}},
    {"scope with a slash", {{"mirror-root", "root"}, {"scope", "a/b"}, TCP, TOKEN}, {"--scope=a/b"}},
    {"scope up", {{"mirror-root", "root"}, {"scope", "../r"}, TCP, TOKEN}, {"--scope=../r"}},
    {"scope with a space", {{"mirror-root", "root"}, {"scope", "a b"}, TCP, TOKEN}, {"--scope=a b"}},
    {"scope with a star", {{"mirror-root", "root"}, {"scope", "r*"}, TCP, TOKEN}, {"--scope=r*"}},
    {"scope of two stars", {{"mirror-root", "root"}, {"scope", "**"}, TCP, TOKEN}, {"--scope=**"}},
    {"all and a scope",
     {{"mirror-root", "root"}, {"scope", "*"}, {"scope", "r"}, TCP, TOKEN},
     {"--scope=* serves all"}},
    {"a scope and all",
     {{"mirror-root", "root"}, {"scope", "r"}, {"scope", "*"}, TCP, TOKEN},
     {"--scope=* serves all"}},
    {"a bad scope behind a good one",
     {{"mirror-root", "root"}, {"scope", "r"}, {"scope", "a/b"}, TCP, TOKEN},
     {"--scope=a/b"}},
    {"a scope twice",
     {{"mirror-root", "root"}, {"scope", "r"}, {"scope", "a"}, {"scope", "r"}, TCP, TOKEN},
     {"--scope=r is given twice"}},
    {"scope of UTF-8", {{"mirror-root", "root"}, {"scope", "\xc3\xa4"}, TCP, TOKEN}, {"--scope"}},
    {"scope of 251 bytes", {{"mirror-root", "root"}, {"scope", NAME_OF_250 "x"}, TCP, TOKEN}, {"--scope"}},
    {"no transport", {REPOSITORY, TOKEN}, {"--socket", "--listen"}},
    {"socket and TCP", {ALL, {"socket", "s"}}, {"--socket", "--listen"}},
    {"TCP and inherited", {ALL, {"listen-fd", "3"}}, {"--socket", "--listen"}},
    {"socket and inherited", {REPOSITORY, TOKEN, {"socket", "s"}, {"listen-fd", "0"}}, {"--socket", "--listen"}},
    {"all three", {ALL, {"socket", "s"}, {"listen-fd", "3"}}, {"--socket", "--listen"}},
    {"an address for a socket",
     {REPOSITORY, TOKEN, {"socket", "127.0.0.1:9418"}},
     {"--socket=127.0.0.1:9418", "--listen=127.0.0.1:9418"}},
    {"a socket for an address",
     {REPOSITORY, TOKEN, {"listen", "/run/gate.sock"}},
     {"--listen=/run/gate.sock", "--socket"}},
    {"mode without a socket", {ALL, {"socket-mode", "0660"}}, {"--socket-mode", "--socket makes"}},
    {"group without a socket", {ALL, {"socket-group", "0"}}, {"--socket-group", "--socket makes"}},
    {"mode of an inherited socket",
     {REPOSITORY, TOKEN, {"listen-fd", "0"}, {"socket-mode", "0600"}},
     {"--socket-mode", "SocketMode="}},
    {"no such group", {REPOSITORY, TOKEN, {"socket", "s"}, {"socket-group", "no such"}}, {"--socket-group=no such"}},
    {"no group's number",
     {REPOSITORY, TOKEN, {"socket", "s"}, {"socket-group", "4294967295"}},
     {"--socket-group=4294967295"}},
    {"too large for a group",
     {REPOSITORY, TOKEN, {"socket", "s"}, {"socket-group", "4294967296"}},
     {"--socket-group=4294967296"}},
    {"no token", {REPOSITORY, TCP}, {"--token-file"}},
    {"a path for a token", {REPOSITORY, TCP, {"token", "/proc/self/token"}}, {"the token is the path", "token-file"}},
    {"two tokens", {ALL, {"token-file", "token"}}, {"token-file"}},
    {"token file that is not there", {REPOSITORY, TCP, {"token-file", "none"}}, {"--token-file names", "No such file"}},
    {"token file that is a folder", {REPOSITORY, TCP, {"token-file", "home"}}, {"--token-file names", "a folder"}},
    {"home that is not there", {ALL, {"home", "none"}}, {"--home=none", "No such file"}},
    {"home that is a file", {ALL, {"home", "plain"}}, {"--home=plain", "Not a directory"}},
    {"hooks that are not there", {ALL, {"hooks-path", "none"}}, {"--hooks-path=none", "No such file"}},
    {"hooks that are a file", {ALL, {"hooks-path", "plain"}}, {"--hooks-path=plain", "Not a directory"}},
    {"hooks of the repository", {ALL, {"hooks-path", "root/r.git/hooks"}}, {"--hooks-path"}},
    {"hooks are the repository", {ALL, {"hooks-path", "root/r.git"}}, {"--hooks-path"}},
    {"hooks of the repository, roundabout", {ALL, {"hooks-path", "root/../hooks/../root/r.git/"}}, {"--hooks-path"}},
    {"hooks of the repository, by a link", {ALL, {"hooks-path", "link-to-hooks"}}, {"--hooks-path"}},
    {"home in the repository", {ALL, {"home", "root/r.git/hooks"}}, {"--home", "inside what is served"}},
    {"home that is the repository", {ALL, {"home", "root/r.git"}}, {"--home", "inside what is served"}},
    {"home in the repository, by a link", {ALL, {"home", "link-to-hooks"}}, {"--home", "inside what is served"}},
    {"home in the mirror root, all served",
     {{"mirror-root", "root"}, {"scope", "*"}, TCP, TOKEN, {"home", "root"}},
     {"--home", "inside what is served"}},
    {"socket in the repository",
     {REPOSITORY, TOKEN, {"socket", "root/r.git/s"}},
     {"--socket", "inside what is served"}},
    {"socket in the repository, by a link",
     {REPOSITORY, TOKEN, {"socket", "link-to-hooks/s"}},
     {"--socket", "inside what is served"}},
    {"socket in a folder of the repository that is to be made",
     {REPOSITORY, TOKEN, {"socket", "root/r.git/a/b/s"}},
     {"--socket", "inside what is served"}},
    {"socket in the mirror root, all served",
     {{"mirror-root", "root"}, {"scope", "*"}, TOKEN, {"socket", "root/s"}},
     {"--socket", "inside what is served"}},
    {"hooks of the repository, by a link to the root",
     {ALL, {"hooks-path", "link-to-root/r.git/hooks"}},
     {"--hooks-path"}},
    {"hooks of the repository, under a root that is a link",
     {{"mirror-root", "link-to-root"}, {"scope", "r"}, TCP, TOKEN, {"hooks-path", "root/r.git/hooks"}},
     {"--hooks-path"}},
    {"hooks of a repository that is a link",
     {{"mirror-root", "root"}, {"scope", "linked"}, TCP, TOKEN, {"hooks-path", "root/linked.git/hooks"}},
     {"--hooks-path"}},
    {"hooks of a repository that is a link, by its own name",
     {{"mirror-root", "root"}, {"scope", "linked"}, TCP, TOKEN, {"hooks-path", "away.git/hooks"}},
     {"--hooks-path"}},
    {"hooks of any repository",
     {{"mirror-root", "root"}, {"scope", "*"}, TCP, TOKEN, {"hooks-path", "root/other.git/hooks"}},
     {"--hooks-path"}},
    {"hooks of any repository that is a link",
     {{"mirror-root", "root"}, {"scope", "*"}, TCP, TOKEN, {"hooks-path", "root/linked.git/hooks"}},
     {"--hooks-path"}},
    {"hooks below a root of all",
     {{"mirror-root", "/"}, {"scope", "*"}, TCP, TOKEN, {"hooks-path", "hooks"}},
     {"--hooks-path"}},
    {"writable path that is not there", {ALL, {"allow-path", "none:rw"}}, {"--allow-path=none:rw", "No such file"}},
    {"mark without a path", {ALL, {"allow-path", ":rw"}}, {"--allow-path=:rw", "No such file"}},
    {"hooks that are writable", {ALL, {"hooks-path", "hooks"}, {"allow-path", "hooks:rw"}}, {"--hooks-path", ":rw"}},
    {"hooks below a writable path, the second",
     {ALL, {"allow-path", "home"}, {"allow-path", "./home/..:rw"}, {"hooks-path", "hooks"}},
     {"--hooks-path", ":rw"}},
    {"hook that is a link to a writable file",
     {ALL, {"allow-path", "plain:rw"}, {"hooks-path", "hooks-of-links"}},
     {"--hooks-path", "holds a link"}},
    {"home that is writable", {ALL, {"home", "home"}, {"allow-path", "home:rw"}}, {"--home", ":rw"}},
    {"socket in a writable path",
     {REPOSITORY, TOKEN, {"socket", "home/a/s"}, {"allow-path", "home:rw"}},
     {"--socket", ":rw"}},
    {"writable path among the hooks",
     {ALL, {"hooks-path", "hooks"}, {"allow-path", "hooks/below:rw"}},
     {"--allow-path=", "inside --hooks-path"}},
    {"writable path where no hook runs",
     {ALL, {"read-only", "yes"}, {"allow-path", "home:rw"}},
     {"--allow-path=home:rw", "--read-only"}},
    {"name that ends in the mark", {ALL, {"allow-path", "home:rw/"}}, {"--allow-path=home:rw/", "rename it"}},
    {"name that ends in the mark, writable",
     {ALL, {"allow-path", "home:rw:rw"}},
     {"--allow-path=home:rw:rw", "rename"}},
    {"token in the repository",
     {REPOSITORY, TCP, {"token-file", "root/r.git/token"}},
     {"--token-file=", "inside what is served"}},
    {"token in the repository, by a link",
     {REPOSITORY, TCP, {"token-file", "link-to-hooks/../token"}},
     {"--token-file=", "inside what is served"}},
    {"token in a writable path",
     {REPOSITORY, TCP, {"token-file", "token"}, {"allow-path", ".:rw"}},
     {"--token-file=token", ":rw"}},
    {"git setting without a value", {ALL, {"git-config", "a.b"}}, {"--git-config=a.b"}},
    {"git setting without a section", {ALL, {"git-config", "a=b"}}, {"--git-config=a=b"}},
    {"git setting with the dot in its value", {ALL, {"git-config", "a=b.c"}}, {"--git-config=a=b.c"}},
    {"git setting of an empty section", {ALL, {"git-config", ".a=b"}}, {"--git-config=.a=b"}},
    {"hidden name that is no prefix of a reference", {ALL, {"hide-refs", "heads"}}, {"--hide-refs=heads"}},
    {"second hidden name", {ALL, {"hide-refs", "refs/a"}, {"hide-refs", "!b"}}, {"--hide-refs=!b"}},
    {"second git setting", {ALL, {"git-config", "a.b=c"}, {"git-config", "d"}}, {"--git-config=d"}},
    {"rules and old history",
     {ALL, {"rules", "/dev/null"}, {"fsck", "warn"}},
     {"--rules needs --fsck=strict", "malformed objects"}},
    {"rules and no check", {ALL, {"rules", "/dev/null"}, {"fsck", "off"}}, {"--rules needs --fsck=strict"}},
    {"user with a newline", {ALL, {"remote-user", "a\nb"}}, {"--remote-user"}},
    {"user with a delete", {ALL, {"remote-user", "a\x7f"}}, {"--remote-user"}},
    {"user with a bracket", {ALL, {"remote-user", "a<b"}}, {"--remote-user"}},
    {"user with the other bracket", {ALL, {"remote-user", "a>b"}}, {"--remote-user"}},
};

static void test_refused(void **state) {
    (void)state;
    make_files();
    for (size_t i = 0; i < ARRAY_SIZE(refused_cases); i++) {
        const char *name = refused_cases[i].name;
        struct gate_config *config = config_of(name, refused_cases[i].sets);
        struct gate_error error = {0};

        expect_int(name, config_resolve(config, &error), GATE_E_USAGE);
        expect_int(name, error.code, GATE_E_USAGE);
        for (size_t j = 0; j < ARRAY_SIZE(refused_cases[i].words) && refused_cases[i].words[j]; j++) {
            if (!strstr(error.message, refused_cases[i].words[j])) {
                fail_msg("%s: no '%s' in '%s'", name, refused_cases[i].words[j], error.message);
            }
        }
        expect_true(name, !strstr(error.message, "hunter2") && !strstr(error.message, "from-the-file"));
        expect_int(name, config_resolve(config, NULL), GATE_E_USAGE);
        gate_config_free(config);
    }
}

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
        IN_FOLDER(test_refused), IN_FOLDER(test_good),        IN_FOLDER(test_settings),
        IN_FOLDER(test_label),   IN_FOLDER(test_allow_paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
