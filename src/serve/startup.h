/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

struct gate;

/**
 * startup_examine() - find git, and check the repositories and the rules
 * @gate: its members git, policy, served, rules and rule_hooks are filled
 * @error: filled on failure
 *
 * Return: 0, GATE_E_*.
 */
int startup_examine(struct gate *gate, struct gate_error *error);

/**
 * startup_read_rules() - read the file of --rules, for the first time or again; the option must be given
 * @error: filled on failure, which leaves the rules as they were
 *
 * It waits for a git that reads the file; rules_file_read() has the time. That git is confined if the gate already is.
 *
 * Return: 0, GATE_E_*.
 */
int startup_read_rules(struct gate *gate, struct gate_error *error);

/** startup_warn() - log faults with which the gate can serve, but some requests will fail or a setting is ignored */
void startup_warn(struct gate *gate);
