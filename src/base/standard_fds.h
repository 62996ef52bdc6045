/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * standard_fds_open() - see to it that no descriptor that is opened from here on becomes 0, 1 or 2
 *
 * What stands in for one that was closed can only be read, so that whoever prints learns that nobody sees it. A program
 * that is executed later does not get it.
 *
 * Return: 0, or a negative errno when /dev/null cannot be opened.
 */
int standard_fds_open(void);
