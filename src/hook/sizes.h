/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "hook/child.h"
#include "hook/findings.h"
#include "hook/questions.h"

/**
 * struct sizes - collects files whose sizes git has to tell, until there are enough for one process
 */
struct sizes {
    const struct child_git *git;
    struct findings *findings;
    uint64_t max_file_bytes;
    struct questions questions;
};

/** sizes_init() - begin without files */
void sizes_init(struct sizes *sizes, const struct child_git *git, struct findings *findings, uint64_t max_file_bytes);

/**
 * sizes_add() - have a file's size judged, now or later
 * @id: the blob's id
 * @quoted: its path, as words_quote() writes it
 *
 * Return: 0 or a negative errno.
 */
int sizes_add(struct sizes *sizes, const char *commit, const char *id, const char *quoted);

/** sizes_finish() - judge all files that are left. Return: 0 or a negative errno. */
int sizes_finish(struct sizes *sizes);

/** sizes_deinit() - forget the files that were not judged */
void sizes_deinit(struct sizes *sizes);
