/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/**
 * argument_take() - whether argv[*ip] is the option @name, which takes a value: --name=VALUE or --name VALUE
 * @argv: NULL behind the last
 * @ip: of the last argument that belongs to the option, on return
 * @valuep: set when it is; NULL when the value is missing
 */
bool argument_take(const char *name, char *argv[], int *ip, char **valuep);

/** argument_name_size() - of how many bytes the name of an option is, without what may be a secret behind "=" */
int argument_name_size(const char *argument);
