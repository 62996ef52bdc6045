/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct push;

/**
 * content_judge() - apply the rules about commits, paths and files to every commit that the repository does not have yet
 *
 * If the push moves one reference, and a commit on the way tells of it, the kind of its command says fast-forward then.
 *
 * Return: 0, or a negative errno when it could not be judged.
 */
int content_judge(struct push *push);
