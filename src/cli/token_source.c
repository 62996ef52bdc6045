/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds the token in the environment and in systemd's credentials, for the verbs that need one. The verb decides the
 * order. The token goes to the configuration, and is never shown.
 */

#include "cli/token_source.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/token_words.h"

static const char credential_name[] = "git-gate.token";

static bool has_token(const struct gate_config *config) {
    return config->settings.token_file || config->settings.policy.tokens[0];
}

int token_source_take_environment(struct gate_config *config, const char *file_option, struct gate_error *error) {
    const char *token = getenv("GIT_GATE_TOKEN");
    int r;

    if (!token || has_token(config)) {
        return 0;
    }
    r = token_words_refuse_path(token, "GIT_GATE_TOKEN", file_option, error);
    if (r) {
        return r;
    }
    r = gate_config_set(config, "token", token, error);
    return r == GATE_E_USAGE
               ? gate_error_set(error, GATE_E_USAGE,
                                "GIT_GATE_TOKEN is not 1 to 255 printable ASCII characters without space and colon; "
                                "'git-gate mint' makes one")
               : r;
}

void token_source_forget_environment(void) {
    static const char name[] = "GIT_GATE_TOKEN=";

    for (char **variable = environ; variable && *variable; variable++) {
        if (strncmp(*variable, name, strlen(name)) == 0) {
            explicit_bzero(*variable + strlen(name), strlen(*variable + strlen(name)));
        }
    }
    (void)unsetenv("GIT_GATE_TOKEN");
}

/* An unreadable credential is an error: no client would know the token that the gate would mint instead. */
int token_source_take_credentials(struct gate_config *config,
                                  int (*take)(struct gate_config *config, const char *path, const char *option,
                                              struct gate_error *error),
                                  struct gate_error *error) {
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    char path[PATH_MAX];

    if (!folder || has_token(config)) {
        return 0;
    }
    errno = ENAMETOOLONG;
    if (snprintf(path, sizeof(path), "%s/%s", folder, credential_name) < (int)sizeof(path) && access(path, R_OK) == 0) {
        return take(config, path, "the credential git-gate.token=", error);
    }
    return errno == ENOENT ? 0
                           : gate_error_set(error, GATE_E_USAGE,
                                            "cannot read %s in the folder of CREDENTIALS_DIRECTORY: %s; it holds the "
                                            "token, unless --token-file is given",
                                            credential_name, strerror(errno));
}
