/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How a gate tells git-gate-hook what it needs: by the environment, which a push cannot change. */

/** RULES_VARIABLE - all rules: RULES_VERSION_LINE, then each key and each value as a line of its own */
#define RULES_VARIABLE "GIT_GATE_RULES"
#define RULES_VERSION_LINE "git-gate " GIT_GATE_VERSION "\n"

/** RULES_HOOKS_VARIABLE - the folder of the operator's hooks; not set without one */
#define RULES_HOOKS_VARIABLE "GIT_GATE_HOOKS_PATH"
