/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum {
    ARGUMENT_HINT_MAX = 96,   /* with terminator */
    ARGUMENT_OPTIONS_MAX = 8, /* options of any verb but serve */
};

/**
 * argument_take() - whether argv[*ip] is the option @name, which takes a value: --name=VALUE or --name VALUE
 * @argv: ended by NULL
 * @ip: index into @argv; on return, the index of the last argument that belongs to the option
 * @valuep: the value, when the option is @name; NULL when the value is missing
 */
bool argument_take(const char *name, char *argv[], int *ip, char **valuep);

/**
 * argument_check_once() - refuse an option that is given twice; each takes one value
 * @argv: its first argument is the verb's name; ended by NULL
 * @names: the options, with dashes, at most ARGUMENT_OPTIONS_MAX, ended by NULL
 * @verb: named in the message, which also gives the positions of both arguments
 *
 * Return: 0, GATE_E_USAGE.
 */
int argument_check_once(char *argv[], const char *const *names, const char *verb, struct gate_error *error);

/** argument_name_size() - size of an option's name in bytes, without "=" and the value, which may be a secret */
int argument_name_size(const char *argument);

/**
 * argument_hint() - write ": did you mean 'NAME'?" with the most similar name, or the empty string if none is similar
 * @word, @size: the argument as given; leading dashes are ignored
 * @names: the known names without dashes, ended by NULL
 * @dashes: printed before the name, for example "--"
 */
void argument_hint(char hint[ARGUMENT_HINT_MAX], const char *word, size_t size, const char *const *names,
                   const char *dashes);

/**
 * argument_refuse() - refuse an unknown option, with a hint; for --token, say where a token goes instead
 * @argument: as given; the message repeats only its name or one letter, since it may hold a token
 * @names: the known options without dashes, ended by NULL
 * @dashes: printed before the name in the hint, for example "--"
 * @command: the command with these options, for example "git-gate serve"
 *
 * Return: GATE_E_USAGE.
 */
int argument_refuse(const char *argument, const char *const *names, const char *dashes, const char *command,
                    struct gate_error *error);
