/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "serve/exchange_process.h"

/**
 * exchange_program_start() - start git for an exchange that lacks only a process, and watch it
 * @input: as for process_spawn()
 *
 * Return: 0 or a negative errno. On failure nothing runs, and process.failed_call names the failed system call, if
 * there was one.
 */
int exchange_program_start(struct exchange *exchange, int input);

/**
 * exchange_program_log_failure() - log that a process could not be started
 * @call: the failed system call; NULL for none
 * @cause: an errno
 */
void exchange_program_log_failure(struct gate *gate, const struct request *request, const char *call, int cause);
