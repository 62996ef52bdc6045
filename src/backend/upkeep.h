/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    UPKEEP_ENTRIES_MAX = 20000, /* entries of folders that are read, of all folders together */
    UPKEEP_TIME_MAX_MS = 300,   /* no further entry is read after it */
};

/**
 * struct upkeep - how well a repository's objects are kept for whoever clones it
 * @n_packed: objects in packs, by the sizes of the packs' indices; an object in two packs counts twice
 * @n_packs: packs
 * @n_loose: objects in files of their own, as git estimates them: 256 times those in one of the 256 folders
 * @has_bitmap: a pack, or all together, have a bitmap
 * @has_commit_graph: there is a commit-graph, in one file or several
 * @has_pack_index: one index covers several packs
 * @borrows: from other object stores
 * @is_partial: objects may be missing, for the repository is a partial clone
 */
struct upkeep {
    uint64_t n_packed;
    size_t n_packs;
    size_t n_loose;
    bool has_bitmap;
    bool has_commit_graph;
    bool has_pack_index;
    bool borrows;
    bool is_partial;
};

/**
 * upkeep_examine() - look at the names and sizes of a repository's files; none is opened, and no link is followed
 * @repository: absolute
 *
 * What cannot be read is not counted. Where a bound is reached, the numbers are lower than they should be.
 *
 * Return: whether there is a folder of objects that can be read.
 */
bool upkeep_examine(struct upkeep *upkeep, const char *repository);
