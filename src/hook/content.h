/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct child;
struct push;

/**
 * content_judge() - apply the rules about commits, paths and files to every commit that the repository does not have yet
 *
 * Return: 0, or a negative errno when it could not be judged.
 */
int content_judge(struct push *push);

/**
 * content_start_list() - start a git that lists the commits that the repository does not have yet
 * @merges: merges alone, with their parents
 *
 * Return: 0 or a negative errno.
 */
int content_start_list(struct child *list, const struct push *push, bool merges);

/**
 * content_start_changes() - start a git that tells the changes of commits, for changes_next()
 * @input: their ids; what follows an id on its line is taken for its parents
 *
 * Return: 0 or a negative errno.
 */
int content_start_changes(struct child *diff, const struct push *push, int input);
