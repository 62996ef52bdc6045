/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    LINKS_ENTRIES_MAX = 200 * 1000, /* of all folders that are read for one repository: some 75 ms */
    LINKS_DEPTH_MAX = 64,           /* folders below each other */
};

/** links_lead_into() - whether what is at @path lies in @folder, once all links are followed; false for what is not there */
bool links_lead_into(const char *path, const char *folder);

/**
 * links_lead_nowhere() - whether @path is a link to a reference that is not there
 *
 * References were links once: git reads the text of such a link, and does not follow it.
 */
bool links_lead_nowhere(const char *path);

/**
 * links_find() - look for a link that leads out of a repository, among the names that are too many for a list
 * @found, @size: filled with its path, or with that of a folder where the search was given up for one of the bounds
 * @repository: absolute
 * @allowed: absolute paths that links may lead to; NULL at the end, or NULL
 * @in_objects: look at objects and packs, too, and not only at references, their logs, and work trees
 *
 * Return: whether there is something to refuse.
 */
bool links_find(char *found, size_t size, const char *repository, char *const *allowed, bool in_objects);
