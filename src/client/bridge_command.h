/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/**
 * bridge_command() - run "git-gate bridge", which is also the program git-gate-bridge
 * @program: the name used in the help and in messages
 * @argv: begins with the name of the verb or program, ended by NULL
 * @error: filled on failure, for the caller to print
 *
 * Serves until SIGTERM or SIGINT. Return: the exit status: 0 or one of enum gate_error_code.
 */
int bridge_command(const char *program, char *argv[], struct gate_error *error);
