/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/**
 * limits_keep_privileges() - the calling thread, and all that it starts, gets no privilege that it does not have: no
 * set-user-ID program raises any (no_new_privs, PR_SET_NO_NEW_PRIVS(2const))
 *
 * Return: 0 or a negative errno.
 */
int limits_keep_privileges(void);

/**
 * limits_drop_capabilities() - empty all five sets of capabilities of the calling thread, capabilities(7), for good
 * @hadp: whether there were any
 * @callp: receives the system call that failed, on failure
 *
 * To be called under no_new_privs, or the user with the id 0 would have them back behind the next execve(2).
 *
 * Return: 0 or a negative errno.
 */
int limits_drop_capabilities(bool *hadp, const char **callp);

/**
 * limits_hide_process() - nobody but root may look into the memory of the calling process, and it leaves no core
 * @callp: receives the system call that failed, on failure
 *
 * Of the whole process, all of its threads.
 *
 * Return: 0 or a negative errno.
 */
int limits_hide_process(const char **callp);

/**
 * limits_close_inherited() - close, by close_range(2), what the process that started this one left open, from @first on
 *
 * Of the whole process. Return: 0 or a negative errno.
 */
int limits_close_inherited(int first);
