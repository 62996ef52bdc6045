/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

struct push;

/**
 * arrivals_find() - go through the objects that have come with a push, also those that no reference leads to
 * @tips: receives the id of each commit, a line each
 * @large: receives the ids of blobs that are larger than the rules allow, the same way
 *
 * Return: 0 or a negative errno.
 */
int arrivals_find(const struct push *push, FILE *tips, FILE *large);

/**
 * arrivals_judge() - refuse those of the large blobs that the repository did not have before
 * @large: from arrivals_find()
 *
 * Return: 0 or a negative errno.
 */
int arrivals_judge(const struct push *push, FILE *large);
