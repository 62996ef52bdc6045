/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How a gate tells git-gate-hook what it needs: by the environment, which a push cannot change. */

/** RULES_VARIABLE - all rules: RULES_VERSION_LINE, then each key and each value as a line of its own */
#define RULES_VARIABLE "GIT_GATE_RULES"
#define RULES_VERSION_LINE "git-gate " GIT_GATE_VERSION "\n"

/** TELL_VARIABLE - the number of a descriptor, a pipe to the gate that is never waited for: struct move_kinds */
#define TELL_VARIABLE "GIT_GATE_TELL_FD"

/** TELL_FAST_FORWARD, TELL_FORCED - begin a line there, which goes on as one of pre-receive: OLD NEW NAME */
#define TELL_FAST_FORWARD "fast-forward "
#define TELL_FORCED "forced "

/** RULES_HOOKS_VARIABLE - the folder of the operator's hooks; not set without one */
#define RULES_HOOKS_VARIABLE "GIT_GATE_HOOKS_PATH"

/** KEEP_VARIABLE - set when the tips that a push takes from references are to be kept: keep.h */
#define KEEP_VARIABLE "GIT_GATE_KEEP_OLD"

/** KEEP_PREFIX - below it are the references that keep old tips, hidden from clients */
#define KEEP_PREFIX "refs/gate/old"
