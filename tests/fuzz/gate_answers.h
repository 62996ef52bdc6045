/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gate_client.h"

/**
 * gate_answers_check() - check everything that a client has read
 *
 * It must be whole answers, one for each request. Behind them may be one that can be told from a whole one.
 */
void gate_answers_check(const struct client *client);
