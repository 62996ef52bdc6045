/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    CONFIG_NAMES_MAX = 64, /* options, and room in lists for --help and the end */
};

/** enum config_kind - the kind of value that an option takes */
enum config_kind {
    CONFIG_TEXT,   /* any text that is not empty */
    CONFIG_LIST,   /* the same, repeatable; the first value given replaces the default */
    CONFIG_FLAG,   /* "yes" or "no"; on the command line, its presence */
    CONFIG_SWITCH, /* "yes" or "no", on the command line, too */
    CONFIG_NUMBER, /* a number within the option's bounds */
    CONFIG_BYTES,  /* the same, with an optional unit K, M or G: powers of 1024 */
    CONFIG_CHOICE, /* one of the words in the option's argument */
    CONFIG_MODE,   /* an octal file mode without write permission for others */
    CONFIG_FD,     /* a descriptor */
};

/**
 * struct config_option - a row of serve/option_table.h
 * @name: as on the command line, without dashes
 * @kind: of its value
 * @offset: of its field in struct server_settings
 * @argument: the name of the value in the help; NULL for flags
 * @default_value: as for gate_config_set(); NULL for none
 * @help: one or two lines
 * @minimum, @maximum: bounds of a number
 * @is_internal: not on the command line
 */
struct config_option {
    const char *name;
    enum config_kind kind;
    size_t offset;
    const char *argument;
    const char *default_value;
    const char *help;
    uint64_t minimum;
    uint64_t maximum;
    bool is_internal;
};

/** config_options() - the table. Return: its first row; *n_optionsp is their number. */
const struct config_option *config_options(size_t *n_optionsp);

/**
 * config_option_names() - the names of the options, without dashes, ended by NULL
 * @with_internal: include those that the command line lacks
 *
 * Return: their number.
 */
size_t config_option_names(const char *names[CONFIG_NAMES_MAX], bool with_internal);

/** config_option_refuse() - say which values @option takes. Return: GATE_E_USAGE. */
int config_option_refuse(const struct config_option *option, const char *wanted, struct gate_error *error);
