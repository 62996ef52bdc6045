/* SPDX-License-Identifier: Apache-2.0 */

/* Owns what an option of a few looks like on a command line; the many of serve have a table: library/config.c. */

#include "base/argument.h"

#include <stddef.h>
#include <string.h>

bool argument_take(const char *name, char *argv[], int *ip, char **valuep) {
    char *argument = argv[*ip];
    size_t size = strlen(name);

    if (strncmp(argument, name, size) != 0 || (argument[size] != '=' && argument[size] != '\0')) {
        return false;
    }
    *valuep = argument[size] == '=' ? argument + size + 1 : argv[++*ip];
    return true;
}

int argument_name_size(const char *argument) {
    return (int)strcspn(argument, "=");
}
