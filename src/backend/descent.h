/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/span.h"

struct descent;

/**
 * descent_new() - begin to look at a pack, for whether its commits lead from one to another
 * @old_id, @new_id: 40 or 64 hexadecimal digits, both as many
 *
 * Return: 0, -ENOMEM.
 */
int descent_new(struct descent **descentp, const char *old_id, const char *new_id);

/** descent_free() - Return: NULL. */
struct descent *descent_free(struct descent *descent);

/** descent_feed() - look at the next bytes of the pack; they may be cut anywhere */
void descent_feed(struct descent *descent, struct span bytes);

/** descent_is_shown() - whether @old_id has been seen to be behind @new_id; there is no way back from that */
bool descent_is_shown(const struct descent *descent);
