/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "http/reason.h"

struct request;
struct gate;

/**
 * obstacle_find() - why git must not be started for a request that has passed all checks of a verdict
 * @reasonp: receives the sentence for the client, which is static
 * @pushes: whether the request is a push, for which hooks run
 *
 * What the operator has to know is logged. Each request asks again, since files change while the gate serves.
 *
 * Return: REASON_NONE when nothing is in the way.
 */
enum reason obstacle_find(const char **reasonp, struct gate *gate, const struct request *request, bool pushes);
