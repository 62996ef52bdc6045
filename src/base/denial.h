/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

enum {
    DENIAL_FACTS_MAX = 256, /* with terminator; of a long path, its end is in it */
    DENIAL_REMEDY_MAX = 64, /* with terminator */
};

/**
 * struct denial - why this process is kept from a path, in words
 * @facts: what is in the way, whose it is and who this is, as "'/srv' belongs to uid 0 and has mode 0700, and this is uid
 *         1000"
 * @remedy: what to do, as "run git-gate as its owner, uid 0"
 */
struct denial {
    char facts[DENIAL_FACTS_MAX];
    char remedy[DENIAL_REMEDY_MAX];
};

/**
 * denial_find() - look for what keeps this process from @path: the first folder that it may not enter, or @path itself
 * @program: whom to run as another user, as "git-gate"
 *
 * To be called when the kernel has said EACCES or EPERM.
 */
void denial_find(struct denial *denial, const char *path, const char *program);

/**
 * denial_refuse() - the same as a whole sentence
 * @what: that is denied, as "read the repository"
 *
 * Return: GATE_E_USAGE.
 */
int denial_refuse(const char *what, const char *path, const char *program, struct gate_error *error);
