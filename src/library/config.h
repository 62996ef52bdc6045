/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "access/token.h"
#include "base/error.h"
#include "base/log.h"
#include "serve/settings.h"

enum {
    CONFIG_LIST_MAX = 64,          /* values of one repeatable option */
    CONFIG_VALUE_MAX_BYTES = 4096, /* of one value */
    SELINUX_TYPE_MAX_BYTES = 255,  /* of a type in a label */
    CONFIG_COUNT_MAX = 65536,      /* connections, processes */
    CONFIG_NAMES_MAX = 64,         /* options, with --help and the end of a list */
    CONFIG_EXPOSED_PATH_MAX = 128, /* bytes of a path in a warning, with terminator */
};

/** enum config_kind - what an option takes */
enum config_kind {
    CONFIG_TEXT,    /* any text that is not empty */
    CONFIG_LIST,    /* the same, repeatable; the first value given replaces the default */
    CONFIG_FLAG,    /* "yes" or "no"; on the command line, its presence */
    CONFIG_COUNT,   /* a number from 1 to CONFIG_COUNT_MAX */
    CONFIG_BYTES,   /* a number with K, M or G behind it or not (powers of 1024), 0 for no bound */
    CONFIG_SIZE,    /* the same, of at least 1 */
    CONFIG_SECONDS, /* a number of seconds of at least 1 */
    CONFIG_DRAIN,   /* a number of seconds, or 0, which the option gives a meaning */
    CONFIG_CHOICE,  /* one of the words in the help's argument, in the order of an enum */
    CONFIG_FD,      /* a descriptor */
};

/**
 * struct config_option - one line of the table that the command line, its help and the library share
 * @name: as on the command line, without dashes
 * @kind: what it takes
 * @argument: how the help calls the value, NULL for flags
 * @default_value: as gate_config_set() takes it, NULL for none
 * @help: one or two lines
 * @is_internal: not on the command line
 * @offset: of the value in struct gate_config
 */
struct config_option {
    const char *name;
    enum config_kind kind;
    const char *argument;
    const char *default_value;
    const char *help;
    bool is_internal;
    size_t offset;
};

/** struct config_list - the values of a repeatable option, NULL behind the last */
struct config_list {
    char *values[CONFIG_LIST_MAX + 1];
    size_t n_values;
    bool is_default;
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

/** struct gate_config - what was set, each value checked on its own. @exposure: of the file that the token was read from */
struct gate_config {
    char *mirror_root;
    char *scope;
    char *socket;
    char *listen;
    int listen_fd;
    char *token_file;
    char *token;
    struct config_exposure exposure;
    bool read_only;
    char *hooks_path;
    char *home;
    char *remote_user;
    struct config_list git_config;
    struct config_list hide_refs;
    bool trust_owner;
    uint64_t confine;
    struct config_list allow_path;
    struct config_list alternates;
    uint64_t advertisement_cache;
    bool die_with_parent;
    char *selinux_type;
    uint64_t max_connections;
    uint64_t max_backends;
    uint64_t queue_timeout;
    uint64_t max_push_bytes;
    uint64_t max_negotiation_bytes;
    uint64_t header_timeout;
    uint64_t idle_timeout;
    uint64_t stall_timeout;
    uint64_t backend_timeout;
    uint64_t request_timeout;
    uint64_t drain_timeout;
    int log_fd;
    uint64_t log_level;
    uint64_t log_format;
};

/* gate_config_new(), gate_config_set() and gate_config_free() are declared in gitgate.h. */

/** config_options() - the table. Return: its first line; *n_optionsp is their number. */
const struct config_option *config_options(size_t *n_optionsp);

/**
 * config_option_names() - the names of the options, without dashes, NULL behind the last
 * @with_internal: those that are not on the command line as well
 *
 * Return: their number.
 */
size_t config_option_names(const char *names[CONFIG_NAMES_MAX], bool with_internal);

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
 * config_resolve() - check the configuration as a whole, make paths absolute, read the token's file
 * @settings: filled on success; its strings belong to @config
 * @error: filled on failure
 *
 * Return: 0, GATE_E_USAGE, GATE_E_INTERNAL.
 */
int config_resolve(struct gate_config *config, struct server_settings *settings, struct gate_error *error);
