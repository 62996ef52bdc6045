/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    UPKEEP_ENTRIES_MAX = 20000, /* entries read, of all folders together */
    UPKEEP_TIME_MAX_MS = 300,   /* after this no further entry is read */
};

/**
 * struct upkeep - how well a repository's objects are prepared for clones
 * @n_packed: objects in packs, by the sizes of the packs' indices; an object in two packs counts twice
 * @n_packs: packs
 * @n_loose: objects in files of their own, estimated as git does: 256 times the number in one of the 256 folders
 * @has_bitmap: there is a bitmap, of one pack or of all packs together
 * @has_commit_graph: there is a commit-graph, in one file or several
 * @has_pack_index: one index covers several packs
 * @borrows: it borrows from other object stores
 * @is_partial: it is a partial clone, so objects may be missing
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
 * Files that cannot be read are not counted. When a limit is reached, the numbers are too low.
 *
 * Return: whether the folder of objects can be read.
 */
bool upkeep_examine(struct upkeep *upkeep, const char *repository);
