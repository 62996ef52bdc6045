/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/**
 * limits_keep_privileges() - keep the calling thread, and every process it starts, from gaining privileges
 *
 * A set-user-ID program then raises none: no_new_privs, PR_SET_NO_NEW_PRIVS(2const).
 *
 * Return: 0 or a negative errno.
 */
int limits_keep_privileges(void);

/**
 * limits_drop_capabilities() - empty all five capability sets of the calling thread for good: capabilities(7)
 * @hadp: whether there were any
 * @callp: receives the system call that failed, on failure
 *
 * Set no_new_privs first. Without it, a user with the id 0 gets the capabilities back at the next execve(2).
 *
 * Return: 0 or a negative errno.
 */
int limits_drop_capabilities(bool *hadp, const char **callp);

/**
 * limits_hide_process() - let only root look into the calling process's memory, and switch off its core dumps
 * @callp: receives the system call that failed, on failure
 *
 * This holds for the whole process with all its threads.
 *
 * Return: 0 or a negative errno.
 */
int limits_hide_process(const char **callp);

/**
 * limits_close_inherited() - close every descriptor from @first on, by close_range(2)
 *
 * The process that started this one may have left them open. The call is for the whole process.
 *
 * Return: 0 or a negative errno.
 */
int limits_close_inherited(int first);
