/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/span.h"

struct descent;

/**
 * descent_new() - begin to search a pack for a chain of commits from @new_id back to @old_id
 * @old_id, @new_id: 40 or 64 hexadecimal digits, equally many in both
 *
 * Return: 0, -ENOMEM.
 */
int descent_new(struct descent **descentp, const char *old_id, const char *new_id);

/** descent_free() - free it. Return: NULL. */
struct descent *descent_free(struct descent *descent);

/** descent_feed() - look at the next bytes of the pack; they may be cut anywhere */
void descent_feed(struct descent *descent, struct span bytes);

/** descent_is_shown() - whether the pack has shown that @old_id is an ancestor of @new_id; once true, it stays true */
bool descent_is_shown(const struct descent *descent);
