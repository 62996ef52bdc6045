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
 * struct config_exposure - a file of the token that others than this user and root may read or change
 * @words: what is wrong with it, and what mends it; NULL when there is no such file
 * @path: as it was given, its end if it is long
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
 * struct gate_config - the settings before they are a server's
 * @settings: each value checked on its own; config_resolve() makes them what a server takes. Their memory is the
 *            configuration's
 * @is_given: by gate_config_set(), and not only by default; in the order of config_options()
 * @exposure: of the file that the token was read from
 */
struct gate_config {
    struct server_settings settings;
    bool is_given[CONFIG_NAMES_MAX];
    struct config_exposure exposure;
};

/* gate_config_new(), gate_config_set() and gate_config_free() are declared in gitgate.h. */

/** config_unset() - make @name, the name of an option that takes a text, one that has none */
void config_unset(struct gate_config *config, const char *name);

/** config_copy() - all that was set, in memory of its own. Return: 0 or -ENOMEM. */
int config_copy(struct gate_config **copyp, const struct gate_config *config);

/**
 * config_set_token_from() - read the token from the first line of a file
 * @path: "-" for standard input
 * @option: what stands before the path when a sentence names the source, as "--token-file="; of a file that is not there,
 *          only this is named
 *
 * Fills config->exposure as well. Return: 0, GATE_E_USAGE, GATE_E_INTERNAL.
 */
int config_set_token_from(struct gate_config *config, const char *path, const char *option, struct gate_error *error);

/** config_warn() - log what is unwise about how the configuration is kept: a token's file that others may read or change */
void config_warn(const struct gate_config *config, struct log *log);

/**
 * config_resolve() - check the settings as a whole, make paths absolute, read the token's file
 * @error: filled on failure
 *
 * On success, config->settings are what a server takes.
 *
 * Return: 0, GATE_E_USAGE, GATE_E_INTERNAL.
 */
int config_resolve(struct gate_config *config, struct gate_error *error);
