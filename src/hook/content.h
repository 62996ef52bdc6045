/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct push;

/**
 * content_judge() - apply the rules about commits, paths and files to every commit that the repository does not have yet
 *
 * Return: 0, or a negative errno when it could not be judged.
 */
int content_judge(struct push *push);
