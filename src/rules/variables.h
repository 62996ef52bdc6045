/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The environment of git-gate-hook, by which a gate tells it what to do. A push cannot change these variables. */

/** RULES_VARIABLE - all rules: RULES_VERSION_LINE, then a line for each key and a line for each value */
#define RULES_VARIABLE "GIT_GATE_RULES"
#define RULES_VERSION_LINE "git-gate " GIT_GATE_VERSION "\n"

/** TELL_VARIABLE - the number of a descriptor: a pipe to the gate, to which writes never block; move_kinds.h */
#define TELL_VARIABLE "GIT_GATE_TELL_FD"

/** TELL_FAST_FORWARD, TELL_FORCED - the beginning of a line in that pipe; "OLD NEW NAME" follows, as in pre-receive */
#define TELL_FAST_FORWARD "fast-forward "
#define TELL_FORCED "forced "

/** RULES_HOOKS_VARIABLE - the folder of the operator's hooks; not set without one */
#define RULES_HOOKS_VARIABLE "GIT_GATE_HOOKS_PATH"

/** KEEP_VARIABLE - set when git-gate-hook has to keep old tips: keep.h */
#define KEEP_VARIABLE "GIT_GATE_KEEP_OLD"

/** KEEP_PREFIX - the references that keep old tips are below it, hidden from clients */
#define KEEP_PREFIX "refs/gate/old"
