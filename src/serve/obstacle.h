/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "http/reason.h"

struct request;
struct gate;

/**
 * obstacle_find() - find a reason not to start git for a request that has passed the verdict's checks
 * @reasonp: receives a static sentence for the client
 * @pushes: the request is a push, so the hooks are checked, too
 *
 * Details for the operator are logged. Each request is checked anew, because files change while the gate serves.
 *
 * Return: REASON_NONE when git may be started.
 */
enum reason obstacle_find(const char **reasonp, struct gate *gate, const struct request *request, bool pushes);
