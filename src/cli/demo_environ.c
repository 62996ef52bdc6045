/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Makes the environment of git and of the gate in git-gate demo. It is the user's, without the variables that change
 * what git or the gate does. So the demo is the same for everybody.
 */

#include "cli/demo_environ.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const own_variables[] = {
    "HOME=/nonexistent",           "GIT_CONFIG_NOSYSTEM=1",
    "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0",
    "GIT_AUTHOR_NAME=A task",      "GIT_AUTHOR_EMAIL=task@example.org",
    "GIT_COMMITTER_NAME=A task",   "GIT_COMMITTER_EMAIL=task@example.org",
    "no_proxy=127.0.0.1",
};

/* How the variables begin that change what git or the gate does. */
static const char *const foreign_variables[] = {
    "GIT_",      "HOME=",          "XDG_CONFIG_HOME=", "no_proxy=",
    "NO_PROXY=", "NOTIFY_SOCKET=", "LISTEN_",          "CREDENTIALS_DIRECTORY=",
};

enum {
    N_OWN_VARIABLES = sizeof(own_variables) / sizeof(own_variables[0]),
    N_FOREIGN_VARIABLES = sizeof(foreign_variables) / sizeof(foreign_variables[0]),
};

static bool begins_with(const char *text, const char *beginning) {
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static bool is_foreign(const char *variable) {
    for (size_t i = 0; i < N_FOREIGN_VARIABLES; i++) {
        if (begins_with(variable, foreign_variables[i])) {
            return !begins_with(variable, "GIT_EXEC_PATH=");
        }
    }
    return false;
}

char **demo_environ_new(void) {
    size_t n = 0;
    char **variables;

    while (environ[n]) {
        n++;
    }
    variables = calloc(n + N_OWN_VARIABLES + 1, sizeof(*variables));
    if (!variables) {
        return NULL;
    }
    n = 0;
    for (char **variable = environ; *variable; variable++) {
        if (!is_foreign(*variable)) {
            variables[n++] = *variable;
        }
    }
    for (size_t i = 0; i < N_OWN_VARIABLES; i++) {
        variables[n++] = (char *)own_variables[i]; /* execve(2) changes none of them */
    }
    return variables;
}
