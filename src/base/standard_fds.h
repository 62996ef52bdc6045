/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * standard_fds_open() - make sure that no descriptor opened from now on becomes 0, 1 or 2
 *
 * Each closed one is replaced by /dev/null, open for reading only, so that printing to it fails. Programs that are
 * executed later do not inherit it.
 *
 * Return: 0, or a negative errno when /dev/null cannot be opened.
 */
int standard_fds_open(void);
