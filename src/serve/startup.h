/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

struct gate;

/**
 * startup_examine() - find git, and look at the repositories
 * @gate: its git, policy, served and rules are filled
 * @error: filled on failure
 *
 * Return: 0, GATE_E_*.
 */
int startup_examine(struct gate *gate, struct gate_error *error);

/**
 * startup_read_rules() - read --rules, which must be given, for the first time or again
 * @error: filled on failure, which leaves the rules as they were
 *
 * It waits for a git, which is confined if the gate is already: rules_file_read() says how long.
 *
 * Return: 0, GATE_E_*.
 */
int startup_read_rules(struct gate *gate, struct gate_error *error);

/** startup_warn() - log what will fail or be ignored although the gate can serve */
void startup_warn(struct gate *gate);
