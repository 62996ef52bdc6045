/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/span.h"

struct foresight;

/** foresight_new() - begin to look at the body of a push. Return: 0, -ENOMEM. */
int foresight_new(struct foresight **foresightp);

/** foresight_free() - Return: NULL. */
struct foresight *foresight_free(struct foresight *foresight);

/** foresight_feed() - look at the next decoded bytes of the body; they may be cut anywhere */
void foresight_feed(struct foresight *foresight, struct span bytes);

/**
 * foresight_loses_nothing() - whether what was seen shows that every reference of the push keeps its tip, or has it
 * behind its new one
 *
 * It relies on git to refuse commands whose old values are not true, and objects that are not what their ids say. A
 * false answer means nothing: more of the body would have to be seen, or the repository.
 */
bool foresight_loses_nothing(const struct foresight *foresight);
