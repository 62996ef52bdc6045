/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum {
    ARGUMENT_HINT_MAX = 96, /* with terminator */
};

/**
 * argument_take() - whether argv[*ip] is the option @name, which takes a value: --name=VALUE or --name VALUE
 * @argv: NULL behind the last
 * @ip: of the last argument that belongs to the option, on return
 * @valuep: set when it is; NULL when the value is missing
 */
bool argument_take(const char *name, char *argv[], int *ip, char **valuep);

/** argument_name_size() - of how many bytes the name of an option is, without what may be a secret behind "=" */
int argument_name_size(const char *argument);

/**
 * argument_hint() - write ": did you mean 'NAME'?" of the name that was probably meant; the empty string when it is none
 * @word, @size: what was given; dashes before it do not count
 * @names: what there is, without dashes, NULL behind the last
 * @dashes: what stands before a name in the hint, as "--"
 */
void argument_hint(char hint[ARGUMENT_HINT_MAX], const char *word, size_t size, const char *const *names,
                   const char *dashes);

/**
 * argument_refuse() - refuse an option that does not exist, with a hint; of --token, say where a token goes instead
 * @argument: as it was given; no more than a name or one letter is repeated of it, as it may hold a token
 * @names: the options that there are, without dashes, NULL behind the last
 * @dashes: what stands before a name in the hint, as "--"
 * @command: whose they are, as "git-gate serve"
 *
 * Return: GATE_E_USAGE.
 */
int argument_refuse(const char *argument, const char *const *names, const char *dashes, const char *command,
                    struct gate_error *error);
