/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "hook/child.h"
#include "hook/findings.h"
#include "hook/questions.h"

/**
 * struct headers - collects commits whose headers are to be judged, until there are enough for one process
 */
struct headers {
    const struct child_git *git;
    struct findings *findings;
    struct questions questions;
};

/** headers_init() - begin without commits */
void headers_init(struct headers *headers, const struct child_git *git, struct findings *findings);

/** headers_add() - have the header of a commit judged, now or later. Return: 0 or a negative errno. */
int headers_add(struct headers *headers, const char *commit);

/** headers_finish() - judge all commits that are left. Return: 0 or a negative errno. */
int headers_finish(struct headers *headers);

/** headers_deinit() - forget the commits that were not judged */
void headers_deinit(struct headers *headers);
