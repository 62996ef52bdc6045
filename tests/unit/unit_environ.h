/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* git's environment: settings and a request to make one, and checks that hold for all. */

#include "unit.h"

#include <stdio.h>

#include "backend/environ.h"

/* Variables in the gate's own environment that git must not get. */
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

static inline int set_hostile(void **state) {
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

static const struct environ_request refs = {"GET", "r", "/info/refs", "service=git-upload-pack", NULL, NULL, "unix"};

static inline const char *value_of(char *const *variables, const char *name) {
    size_t size = strlen(name);

    for (; *variables; variables++) {
        if (strncmp(*variables, name, size) == 0 && (*variables)[size] == '=') {
            return *variables + size + 1;
        }
    }
    return NULL;
}

/* Each name occurs once, and no value is one of the gate's own. Return: the number of names, without settings. */
static inline size_t check_sound(const char *name, char *const *variables) {
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
