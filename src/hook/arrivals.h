/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

#include "hook/ids.h"

struct push;

/**
 * struct arrivals - the objects that came with a push, also those that no reference leads to
 * @commits: commits, as many as there is room for
 * @small: blobs of a size that the rules allow, the same
 * @strays: for walk_start_changes(): the other commits; after arrivals_gather_strays(), all that may not be judged yet
 * @large: the ids of the other blobs, one a line
 */
struct arrivals {
    const struct push *push;
    struct ids commits;
    struct ids small;
    FILE *strays;
    FILE *large;
};

/** arrivals_init() - make an empty one. Return: 0 or a negative errno. arrivals_deinit() is safe in both cases. */
int arrivals_init(struct arrivals *arrivals, const struct push *push);
void arrivals_deinit(struct arrivals *arrivals);

/** arrivals_find() - go through the objects. Return: 0 or a negative errno. */
int arrivals_find(struct arrivals *arrivals);

/**
 * arrivals_gather_strays() - find the commits to which no reference of the push may lead
 *
 * All others must have been taken from @commits.
 *
 * Return: 1 if there are some, 0, or a negative errno.
 */
int arrivals_gather_strays(struct arrivals *arrivals);

/**
 * arrivals_judge() - refuse each large blob that the repository did not have before
 *
 * Return: 0 or a negative errno.
 */
int arrivals_judge(const struct arrivals *arrivals);
