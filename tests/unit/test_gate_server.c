/* SPDX-License-Identifier: Apache-2.0 */

/* The library as a program uses it: early refusals, many rounds, and many servers. */

#include "unit_library.h"

enum {
    ROUNDS = 1000,
    WARM_UP_ROUNDS = 100, /* of warming up: libraries and the allocator take the memory that they keep */
    LIVES = 60,
    WARM_UP_LIVES = 20,
    MAX_GROWN_BYTES = 16, /* in each counted round: half of the least that malloc(3) takes */
    /* In all rounds. A sanitizer keeps up to one for each former thread; a leaked stack is ten. */
    MAX_GROWN_PAGES = IS_SANITIZED ? 2 * (ROUNDS - WARM_UP_ROUNDS) : 128,
};

#ifdef __SANITIZE_ADDRESS__
const char *__asan_default_options(void); /* NOLINT(bugprone-reserved-identifier): the sanitizer's own */

/* The sanitizer keeps 256 MiB of freed memory, which would hide leaked pages. */
__attribute__((visibility("default"))) const char *__asan_default_options(void) {
    return "quarantine_size_mb=1:thread_local_quarantine_size_kb=64";
}
#endif

/* ---- options ---- */

static const struct {
    const char *name;
    const char *value;
    const char *word; /* in the sentence */
} bad_options[] = {
    {"no-such", "x", "no-such"},
    {"", "x", "--"},
    {"--socket", "/x", "--help"},
    {"socket", "", "--socket"},
    {"socket", NULL, "--socket"},
    {"read-only", "true", "--read-only"},
    {"confine", "maybe", "auto|require|off"},
    {"max-backends", "0", "--max-backends"},
    {"max-push-bytes", "1T", "--max-push-bytes"},
    {"drain-timeout", "-1", "--drain-timeout"},
    {"listen-fd", "x", "--listen-fd"},
    {"log-fd", "99999999999", "--log-fd"},
    {"token", "a b", "mint"},
    {"token", "pass:word", "mint"},
};

static void test_bad_options(void **state) {
    struct gate_config *config = config_begin();
    struct gate_server *server;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad_options); i++) {
        struct gate_error error = {0};

        expect_int(bad_options[i].word, gate_config_set(config, bad_options[i].name, bad_options[i].value, &error),
                   GATE_E_USAGE);
        expect_int(bad_options[i].word, error.code, GATE_E_USAGE);
        expect_true(error.message, strstr(error.message, bad_options[i].word) != NULL);
        expect_true(error.message, !strstr(error.message, "a b") && !strstr(error.message, "pass:word"));
        expect_int("no error wanted", gate_config_set(config, bad_options[i].name, bad_options[i].value, NULL),
                   GATE_E_USAGE);
    }
    set(config, "listen", "127.0.0.1:0"); /* the configuration has not changed, so a server still starts */
    server = server_of(config);
    start(server);
    assert_int_equal(ask(gate_server_address(server), "repo0", CREDENTIALS), 200);
    assert_null(gate_server_free(server));
    assert_null(gate_config_free(NULL));
    assert_null(gate_server_free(NULL));
}

static const struct {
    const char *settings[8][2];
    const char *word; /* in the sentence */
} bad_wholes[] = {
    {{{"token", TOKEN}, {"listen", "127.0.0.1:0"}}, "--mirror-root"},
    {{{"mirror-root", "."}, {"token", TOKEN}, {"listen", "127.0.0.1:0"}}, "--scope"},
    {{{"mirror-root", "."}, {"scope", "repo0"}, {"listen", "127.0.0.1:0"}}, "token"},
    {{{"mirror-root", "."}, {"scope", "repo0"}, {"token", TOKEN}}, "transport"},
    {{{"mirror-root", "."}, {"scope", "repo0"}, {"token", TOKEN}, {"listen", "127.0.0.1:0"}, {"socket", "s"}},
     "transport"},
    {{{"mirror-root", "."}, {"scope", "repo0"}, {"token", TOKEN}, {"listen-fd", "0"}, {"socket", "s"}}, "transport"},
    {{{"mirror-root", "none"}, {"scope", "repo0"}, {"token", TOKEN}, {"socket", "s"}}, "--mirror-root=none"},
    {{{"mirror-root", "."}, {"scope", "../x"}, {"token", TOKEN}, {"socket", "s"}}, "--scope=../x"},
    {{{"mirror-root", "."}, {"scope", "repo0"}, {"token", TOKEN}, {"token-file", "f"}, {"socket", "s"}}, "two tokens"},
    {{{"mirror-root", "."}, {"scope", "repo0"}, {"token-file", "none"}, {"socket", "s"}}, "--token-file names"},
    {{{"mirror-root", "."}, {"scope", "repo0"}, {"token", TOKEN}, {"socket", "s"}, {"hooks-path", "repo0.git/hooks"}},
     "--hooks-path="},
    {{{"mirror-root", "."}, {"scope", "repo0"}, {"token", TOKEN}, {"socket", "s"}, {"home", "none"}}, "--home=none"},
    {{{"mirror-root", "."}, {"scope", "repo0"}, {"token", TOKEN}, {"socket", "s"}, {"allow-path", "none"}},
     "--allow-path=none"},
    {{{"mirror-root", "."}, {"scope", "repo0"}, {"token", TOKEN}, {"socket", "s"}, {"git-config", "x"}},
     "--git-config=x"},
    {{{"mirror-root", "."}, {"scope", "repo0"}, {"token", TOKEN}, {"socket", "s"}, {"hide-refs", "heads"}},
     "--hide-refs=heads"},
    {{{"mirror-root", "."}, {"scope", "repo0"}, {"token", TOKEN}, {"socket", "s"}, {"remote-user", "<>"}},
     "--remote-user"},
};

static void test_bad_wholes(void **state) {
    char before[PATH_MAX];
    struct holdings holdings;

    (void)state;
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(place), 0);
    look(&holdings);
    for (size_t i = 0; i < ARRAY_SIZE(bad_wholes); i++) {
        const char *name = bad_wholes[i].word;
        struct gate_server *server = (struct gate_server *)&holdings; /* any address */
        struct gate_config *config = NULL;
        struct gate_error error = {0};

        assert_int_equal(gate_config_new(&config), 0);
        for (size_t j = 0; bad_wholes[i].settings[j][0]; j++) {
            set(config, bad_wholes[i].settings[j][0], bad_wholes[i].settings[j][1]);
        }
        expect_int(name, gate_server_new(&server, config, &error), GATE_E_USAGE);
        expect_int(name, gate_server_new(&server, config, NULL), GATE_E_USAGE);
        expect_true(name, server == (struct gate_server *)&holdings);
        expect_int(name, error.code, GATE_E_USAGE);
        if (!strstr(error.message, name) || strstr(error.message, TOKEN)) {
            fail_msg("not about %s: %s", name, error.message);
        }
        expect_true(name, gate_config_free(config) == NULL);
    }
    expect_held("bad wholes", &holdings);
    assert_int_equal(chdir(before), 0);
}

static void test_mint(void **state) {
    char token[GATE_TOKEN_MAX];
    char other[GATE_TOKEN_MAX];
    char small[16];

    (void)state;
    assert_int_equal(gate_mint_token(token, sizeof(token), NULL), 0);
    assert_int_equal(gate_mint_token(other, sizeof(other), NULL), 0);
    assert_int_equal(strlen(token), strlen("gate-") + 32);
    assert_int_equal(strncmp(token, "gate-", 5), 0);
    assert_string_not_equal(token, other);
    assert_int_equal(gate_mint_token(token, sizeof(token), "x"), 0);
    assert_int_equal(strlen(token), 33);
    assert_int_equal(gate_mint_token(token, sizeof(token), "x:"), -EINVAL);
    assert_int_equal(gate_mint_token(small, sizeof(small), ""), -ENOBUFS);
}

/* ---- rounds ---- */

/* A leak in each round shows on the heap, or in pages if it is a lost stack. */
static void expect_not_grown(const char *name, const struct holdings *before, int n_rounds) {
    struct holdings after;

    expect_held(name, before);
    look(&after);
    expect_true(name, after.heap_bytes - before->heap_bytes < n_rounds * MAX_GROWN_BYTES);
    expect_true(name, after.resident_pages - before->resident_pages < MAX_GROWN_PAGES);
}

static void test_rounds(void **state) {
    struct gate_server *server = server_with("socket", in_place("rounds/gate.sock"));
    struct holdings before = {0};

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        if (i == WARM_UP_ROUNDS) {
            look(&before);
        }
        start(server);
        assert_int_equal(gate_server_stop(server), 0);
        assert_int_equal(access(in_place("rounds/gate.sock"), F_OK), -1);
    }
    expect_not_grown("rounds", &before, ROUNDS - WARM_UP_ROUNDS);
    assert_null(gate_server_free(server));
}

/* Each round is a whole life: configuration, server, start, one answer, free. */
static void test_lives(void **state) {
    struct holdings before = {0};

    (void)state;
    for (int i = 0; i < LIVES; i++) {
        struct gate_server *server;

        if (i == WARM_UP_LIVES) {
            look(&before);
        }
        server = server_with("listen", "127.0.0.1:0");
        start(server);
        assert_int_equal(ask(gate_server_address(server), "repo0", CREDENTIALS), 200);
        assert_null(gate_server_free(server));
    }
    expect_not_grown("lives", &before, LIVES - WARM_UP_LIVES);
}

static void test_restart(void **state) {
    struct gate_server *server = server_with("listen", "127.0.0.1:0");
    char first[64];

    (void)state;
    assert_int_equal(gate_server_stop(server), 0); /* never started: nothing happens */
    for (int i = 0; i < 3; i++) {
        struct gate_error error = {0};

        start(server);
        (void)snprintf(first, sizeof(first), "%s", gate_server_address(server));
        assert_int_equal(ask(first, "repo0", CREDENTIALS), 200);
        assert_int_equal(gate_server_start(server, &error), GATE_E_USAGE);
        assert_non_null(strstr(error.message, "runs already"));
        assert_int_equal(gate_server_start(server, NULL), GATE_E_USAGE);
        assert_int_equal(ask(first, "repo0", CREDENTIALS), 200);
        assert_int_equal(gate_server_stop(server), 0);
        assert_null(gate_server_address(server));
        assert_int_equal(dial(first), -1);
        assert_int_equal(gate_server_stop(server), 0);
    }
    assert_null(gate_server_free(server));
}

/* The token's file is read once, as it may allow only one reader. */
static void test_token_file(void **state) {
    struct gate_config *config = NULL;
    struct gate_server *server;

    (void)state;
    run_shell("printf '%%s\\n' " TOKEN " >token");
    assert_int_equal(gate_config_new(&config), 0);
    set(config, "mirror-root", place);
    set(config, "scope", "repo0");
    set(config, "listen", "127.0.0.1:0");
    set(config, "token-file", in_place("token"));
    server = server_of(config);
    assert_int_equal(unlink(in_place("token")), 0);
    for (int i = 0; i < 2; i++) {
        start(server);
        assert_int_equal(ask(gate_server_address(server), "repo0", CREDENTIALS), 200);
        assert_int_equal(gate_server_stop(server), 0);
    }
    assert_null(gate_server_free(server));
}

/* ---- several at once ---- */

static const struct {
    const char *scope;
    const char *token;
    const char *credentials;
    const char *transport;
    const char *where; /* a Unix socket's is below the folder */
} several[N_REPOSITORIES] = {
    {"repo0", TOKEN, CREDENTIALS, "listen", "127.0.0.1:0"},
    {"repo1", "another-token-01", "YW5vdGhlci10b2tlbi0wMTo=", "socket", "several/a.sock"},
    {"repo2", "another-token-02", "YW5vdGhlci10b2tlbi0wMjo=", "socket", "several/b.sock"},
};

static void test_several(void **state) {
    struct gate_server *servers[N_REPOSITORIES];

    (void)state;
    for (int i = 0; i < N_REPOSITORIES; i++) {
        struct gate_config *config = config_of(several[i].scope);
        bool is_unix = strcmp(several[i].transport, "socket") == 0;

        set(config, "token", several[i].token);
        set(config, several[i].transport, is_unix ? in_place(several[i].where) : several[i].where);
        servers[i] = server_of(config);
        start(servers[i]);
    }
    for (int at = 0; at < N_REPOSITORIES; at++) {
        for (int with = 0; with < N_REPOSITORIES; with++) {
            const char *address = gate_server_address(servers[at]);

            expect_int(address, ask(address, several[at].scope, several[with].credentials), at == with ? 200 : 401);
            expect_int(address, ask(address, several[with].scope, several[at].credentials), at == with ? 200 : 403);
        }
    }
    for (int i = 0; i < N_REPOSITORIES; i++) {
        assert_int_equal(gate_server_stop(servers[i]), 0);
        for (int other = i + 1; other < N_REPOSITORIES; other++) {
            expect_int("another one",
                       ask(gate_server_address(servers[other]), several[other].scope, several[other].credentials), 200);
        }
        assert_null(gate_server_free(servers[i]));
    }
}

/* Each value of "scope" adds a repository. */
static void test_scopes(void **state) {
    struct gate_config *config = config_begin();
    struct gate_server *server;

    (void)state;
    set(config, "scope", "repo2");
    set(config, "listen", "127.0.0.1:0");
    server = server_of(config);
    start(server);
    for (int i = 0; i < N_REPOSITORIES; i++) {
        expect_int(several[i].scope, ask(gate_server_address(server), several[i].scope, CREDENTIALS),
                   i == 1 ? 403 : 200);
    }
    assert_null(gate_server_free(server));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_options), cmocka_unit_test(test_bad_wholes), cmocka_unit_test(test_mint),
        cmocka_unit_test(test_rounds),      cmocka_unit_test(test_lives),      cmocka_unit_test(test_restart),
        cmocka_unit_test(test_token_file),  cmocka_unit_test(test_several),    cmocka_unit_test(test_scopes),
    };

    return cmocka_run_group_tests(tests, place_begin, place_end);
}
