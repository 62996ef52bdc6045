/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct push;

/**
 * content_judge() - apply the rules about commits, paths and files to each commit that is new to the repository
 *
 * If the push moves only one reference, and a new commit has the old tip as its parent, the kind of its command becomes
 * fast-forward.
 *
 * Return: 0, or a negative errno when judging failed.
 */
int content_judge(struct push *push);
