/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/error.h"

enum {
    DENIAL_FACTS_MAX = 256, /* with terminator; a long path loses its beginning */
    DENIAL_REMEDY_MAX = 64, /* with terminator */
};

/**
 * struct denial - why this process may not use a path, in words
 * @facts: the cause, its owner and this process's user: "'/srv' belongs to uid 0 and has mode 0700, and this is uid
 *         1000"
 * @remedy: what to do, for example "run git-gate as its owner, uid 0"
 * @owner: the cause's owner, or (uid_t)-1 when it is not known
 * @group: its group, if the mode lets the group enter the folder or write to the file; (gid_t)-1 otherwise
 */
struct denial {
    char facts[DENIAL_FACTS_MAX];
    char remedy[DENIAL_REMEDY_MAX];
    uid_t owner;
    gid_t group;
};

/**
 * denial_find() - find the cause of EACCES or EPERM on @path: the first folder that may not be entered, or @path itself
 * @program: the program to run as another user, for example "git-gate"
 */
void denial_find(struct denial *denial, const char *path, const char *program);

/**
 * denial_refuse() - the same as a whole sentence
 * @what: the action that is denied, for example "read the repository"
 *
 * Return: GATE_E_USAGE.
 */
int denial_refuse(const char *what, const char *path, const char *program, struct gate_error *error);
