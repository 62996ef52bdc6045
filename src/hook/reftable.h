/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/span.h"

enum {
    REFTABLE_NAME_MAX = 4096, /* of a reference, with terminator: what fits into a block of the usual size */
};

/**
 * reftable_find_symbolic() - find the symbolic references of a table, wherever they lead
 * @bytes: of its file
 * @visit: gets the name of each, in the order of names, until it returns something else than 0
 *
 * A newer table may have replaced or removed what is found.
 *
 * Return: 0; what @visit has returned; -EINVAL for bytes that are not understood as a whole.
 */
int reftable_find_symbolic(struct span bytes, int (*visit)(const char *name, void *userdata), void *userdata);
