/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

struct child;
struct push;

/**
 * walk_start_changes() - start a git that prints the changes of each commit that the repository does not have yet
 * @tips: from child_input_open(): the commits to begin with, one a line; it stays the caller's
 *
 * Its output is for changes_next().
 *
 * Return: 0 or a negative errno.
 */
int walk_start_changes(struct child *child, const struct push *push, FILE *tips);

/**
 * walk_start_merges() - start a git that lists the merges among these commits, each with its parents on one line
 * @tips: as for walk_start_changes()
 *
 * Return: 0 or a negative errno.
 */
int walk_start_merges(struct child *child, const struct push *push, FILE *tips);

/**
 * walk_start_comparison() - start a git that compares commits with other commits, as if these were their parents
 * @input: one line for each commit: its id, then the ids of the others; it stays the caller's
 *
 * Its output is for changes_next().
 *
 * Return: 0 or a negative errno.
 */
int walk_start_comparison(struct child *child, const struct push *push, int input);
