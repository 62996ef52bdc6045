/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * demo_environ_new() - the environment of the processes of git-gate demo
 *
 * Return: an array for free(3), of strings that belong to the process; NULL when out of memory.
 */
char **demo_environ_new(void);
