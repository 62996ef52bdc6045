/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

struct process_limits;

/**
 * rules_file_read() - read a rules file by git's parser, and check every key and value
 * @textp: the value of RULES_VARIABLE, which begins with RULES_VERSION_LINE; to be freed
 * @path: of the file
 * @exec_path: folder of git's programs
 * @limits: of git; NULL for none
 *
 * It waits for git: some milliseconds, or ten seconds if git does nothing. It may be called again at any time; earlier
 * texts stay valid.
 *
 * Return: 0, GATE_E_USAGE with the key and its line, GATE_E_START, GATE_E_INTERNAL.
 */
int rules_file_read(char **textp, const char *path, const char *exec_path, const struct process_limits *limits,
                    struct gate_error *error);
