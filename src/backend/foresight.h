/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/span.h"

struct foresight;

/** foresight_new() - begin to look at the body of a push. Return: 0, -ENOMEM. */
int foresight_new(struct foresight **foresightp);

/** foresight_free() - free it. Return: NULL. */
struct foresight *foresight_free(struct foresight *foresight);

/** foresight_feed() - look at the next decoded bytes of the body; they may be cut anywhere */
void foresight_feed(struct foresight *foresight, struct span bytes);

/**
 * foresight_loses_nothing() - whether the bytes so far show that no reference of the push loses its tip: each is new,
 * or its old tip is an ancestor of the new one
 *
 * It relies on git to refuse commands with wrong old values, and objects that do not match their ids. If it is false, a
 * tip may or may not be lost: the rest of the body, or the repository, would tell.
 */
bool foresight_loses_nothing(const struct foresight *foresight);
