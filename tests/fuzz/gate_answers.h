/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gate_client.h"

/**
 * gate_answers_check() - what a client has read is what it may be told
 *
 * That is whole answers, one for each request, and behind them at the most one that can be told from a whole one.
 */
void gate_answers_check(const struct client *client);
