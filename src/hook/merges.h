/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "hook/changes.h"
#include "hook/push.h"

/**
 * merges_visit_file - called for each path whose change in one parent a merge undoes or leaves out
 * @commit: the merge
 * @file: the path as that parent has it
 *
 * Return: 0 to go on; anything else ends merges_judge().
 */
typedef int merges_visit_file(const char *commit, const struct changes_file *file, void *userdata);

enum {
    MERGES_PARENTS_MAX = 16, /* of one merge */
    MERGES_TOO_WIDE = 1,
};

/**
 * merges_judge() - find the changes that the merges of a push drop
 * @tips: as for walk_start_merges()
 * @wide: receives the merge for MERGES_TOO_WIDE
 *
 * Return: 0; MERGES_TOO_WIDE for a merge of more than MERGES_PARENTS_MAX commits; the value with which @visit ended it;
 * a negative errno.
 */
int merges_judge(const struct push *push, FILE *tips, char wide[CHANGES_ID_MAX], merges_visit_file *visit,
                 void *userdata);
