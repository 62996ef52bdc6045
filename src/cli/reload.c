/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads the token file and the rules file of a running gate again. The files are independent: a fault in one changes
 * nothing, and the other is read all the same. Requests that have passed their checks go on unchanged, and a push keeps
 * its rules once its git has started. It must not show a token.
 */

#include "cli/reload.h"

#include "access/token.h"
#include "serve/gate.h"
#include "serve/startup.h"

static size_t count_tokens(const struct gate_config *config) {
    size_t n = 0;

    for (size_t i = 0; i < TOKEN_COUNT_MAX; i++) {
        n += config->settings.policy.tokens[i] != NULL;
    }
    return n;
}

static void reload_tokens(struct gate_config *config, struct log *log) {
    const char *path = config->settings.token_file;
    struct gate_error error;

    if (!path) {
        log_message(log, LOG_LEVEL_NOTICE,
                    "there is no token to read again, as it did not come from a file; start git-gate anew with another "
                    "one, or with --token-file");
        return;
    }
    if (config_reload_tokens(config, &error) != 0) {
        log_record(log, LOG_LEVEL_ERROR,
                   "the token stays as it was, as its file is at fault; mend it, and send SIGHUP again",
                   LOG_FIELDS(log_string("token_file", path), log_string("error", error.message)));
        return;
    }
    log_record(log, LOG_LEVEL_NOTICE, "the file of the token was read again",
               LOG_FIELDS(log_string("token_file", path), log_number("tokens", count_tokens(config))));
    config_warn(config, log);
}

static void reload_rules(struct gate *gate) {
    const char *path = gate->settings->rules_file;
    struct gate_error error;

    if (!path) {
        return;
    }
    if (startup_read_rules(gate, &error) != 0) {
        log_record(&gate->log, LOG_LEVEL_ERROR,
                   "the rules stay as they were, as their file is at fault; mend it, and send SIGHUP again",
                   LOG_FIELDS(log_string("rules", path), log_string("error", error.message)));
        return;
    }
    log_record(&gate->log, LOG_LEVEL_NOTICE, "the file of the rules was read again",
               LOG_FIELDS(log_string("rules", path)));
}

void reload(struct gate_config *config, struct gate *gate) {
    reload_tokens(config, &gate->log);
    reload_rules(gate);
}
