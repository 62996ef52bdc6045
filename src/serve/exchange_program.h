/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "serve/exchange_process.h"

/**
 * exchange_program_start() - start git for an exchange that has all but a process, and watch it
 * @input: as for process_spawn()
 *
 * Return: 0; a negative errno, and then nothing runs, and process.failed_call is the system call that failed, if one did.
 */
int exchange_program_start(struct exchange *exchange, int input);

/**
 * exchange_program_log_failure() - write the record of a process that could not be started
 * @call: the system call that failed; NULL when it was none
 * @cause: an errno
 */
void exchange_program_log_failure(struct gate *gate, const struct request *request, const char *call, int cause);
