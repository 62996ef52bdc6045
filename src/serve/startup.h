/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

struct gate;

/**
 * startup_examine() - find git, and look at the repository
 * @gate: its git, policy and is_partial are filled
 * @error: filled on failure
 *
 * Return: 0, GATE_E_*.
 */
int startup_examine(struct gate *gate, struct gate_error *error);

/** startup_warn() - say in the log what will fail, or be passed over, although serving can begin */
void startup_warn(struct gate *gate);
