/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/log.h"
#include "library/config_option.h"
#include "serve/settings.h"

enum {
    CONFIG_VALUE_MAX_BYTES = 4096, /* of one value */
    SELINUX_TYPE_MAX_BYTES = 255,  /* of a type in a label */
    CONFIG_EXPOSED_PATH_MAX = 128, /* bytes of a path in a warning, with terminator */
};

/**
 * struct config_exposure - a token file that users other than this one and root may read or change
 * @words: the fault and its remedy; NULL when there is no such file
 * @path: as given; only its end if it is long
 * @owner: its user
 * @mode: its permission bits
 */
struct config_exposure {
    const char *words;
    char path[CONFIG_EXPOSED_PATH_MAX];
    uid_t owner;
    unsigned mode;
};

/**
 * struct gate_config - the settings while they are set and checked
 * @settings: each value is checked; config_resolve() completes them for a server. The configuration owns their memory
 * @is_given: which options gate_config_set() has set, in the order of config_options()
 * @exposure: of the token file
 * @has_read_tokens: the tokens come from a file, and settings.token_file is set if it can be read again
 * @token_option: how that file was named, for messages
 */
struct gate_config {
    struct server_settings settings;
    bool is_given[CONFIG_NAMES_MAX];
    struct config_exposure exposure;
    bool has_read_tokens;
    const char *token_option;
};

/* gate_config_new(), gate_config_set() and gate_config_free() are declared in gitgate.h. */

/** config_is_given() - whether gate_config_set() has set @name, an option of the table */
bool config_is_given(const struct gate_config *config, const char *name);

/** config_unset() - remove the value of @name, an option that takes a text */
void config_unset(struct gate_config *config, const char *name);

/** config_copy() - make a deep copy. Return: 0 or -ENOMEM. */
int config_copy(struct gate_config **copyp, const struct gate_config *config);

/**
 * config_set_token_from() - read the token from the first line of a file, as a client does
 * @path: "-" for standard input
 * @option: printed before the path in messages, for example "--token-file="; about a missing file, without the path
 *
 * Also fills config->exposure. Return: 0, GATE_E_USAGE, GATE_E_INTERNAL.
 */
int config_set_token_from(struct gate_config *config, const char *path, const char *option, struct gate_error *error);

/**
 * config_set_tokens_from() - the same for a gate, with a second token on the second line of a regular file, if any
 * @path: may be the configuration's own token-file
 * @option: static
 *
 * Of a pipe or standard input only the first line is read, since a pipe may stay open. Afterwards token-file is set if
 * the file can be read again, and config_resolve() does not read it.
 *
 * Return: 0, GATE_E_USAGE, GATE_E_INTERNAL. A failure leaves the tokens as they were.
 */
int config_set_tokens_from(struct gate_config *config, const char *path, const char *option, struct gate_error *error);

/**
 * config_reload_tokens() - read token-file again, after config_set_tokens_from()
 *
 * It refuses anything but a regular file, since that could make it wait.
 *
 * Return: 0, GATE_E_USAGE, GATE_E_INTERNAL. A failure leaves the tokens as they were.
 */
int config_reload_tokens(struct gate_config *config, struct gate_error *error);

/** config_warn() - log a warning for a token file that others may read or change, and for a token that is short */
void config_warn(const struct gate_config *config, struct log *log);

/**
 * config_resolve() - check the settings as a whole, make paths absolute, read the token file
 * @error: filled on failure
 *
 * On success, a server can use config->settings.
 *
 * Return: 0, GATE_E_USAGE, GATE_E_INTERNAL.
 */
int config_resolve(struct gate_config *config, struct gate_error *error);
