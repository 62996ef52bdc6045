/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "backend/environ.h"

/*
 * The files that determine the capability advertisement of git's protocol version 2: gitprotocol-v2(5). The
 * advertisement contains no references or objects. So git's answer stays the same as long as these files do.
 */

enum {
    DEPENDENCIES_COUNT = 15,
    DEPENDENCIES_CONFIG_MAX_BYTES = 64 * 1024, /* of a configuration file that is searched */
    DEPENDENCIES_SETTLED_S = 1, /* after a change; a second change within it may not show in the file's times */
};

/**
 * struct identity - tells whether a file is still the same, with the same content
 * @is_there: if false, nothing else is set
 *
 * A folder's size is always 0 here, because it tells nothing.
 */
struct identity {
    bool is_there;
    dev_t device;
    ino_t inode;
    mode_t mode;
    uid_t owner;
    off_t size;
    struct timespec modified; /* mtime: content, or the names in a folder */
    struct timespec changed;  /* ctime: anything, including the file's place */
};

/** struct dependencies - all files that one repository's advertisement depends on, as they were at one moment */
struct dependencies {
    struct identity files[DEPENDENCIES_COUNT];
};

/**
 * dependencies_look() - record the present state of the files
 * @repository: its name, without .git
 *
 * Return: whether each file is of its expected kind. If not, only git can tell what it would answer.
 */
bool dependencies_look(struct dependencies *dependencies, const struct environ_settings *settings,
                       const char *repository);

/**
 * dependencies_equal() - whether everything that an answer depends on is unchanged
 *
 * Other files in the folders may have come and gone, as they do in pushes.
 */
bool dependencies_equal(const struct dependencies *a, const struct dependencies *b);

/**
 * dependencies_settled() - whether the last change is old enough that another one would show in a file's times
 * @now: the time of day
 */
bool dependencies_settled(const struct dependencies *dependencies, time_t now);

/**
 * dependencies_undisturbed() - whether nothing at all has changed between two looks
 * @before: must be settled
 *
 * Unlike dependencies_equal(), it compares the times of the folders, too, so it sees files that came and went.
 */
bool dependencies_undisturbed(const struct dependencies *before, const struct dependencies *now);

/**
 * dependencies_suffice() - whether the answer depends on no other files
 *
 * This reads the files, which takes longer. It is false if a setting includes other files (include, includeIf) or makes
 * every answer different (transfer.advertiseSID). It is also false if one of git's programs is a script.
 */
bool dependencies_suffice(const struct dependencies *dependencies, const struct environ_settings *settings,
                          const char *repository);

/**
 * dependencies_allow() - whether an answer depends on these files alone, in spite of a setting
 * @setting: KEY=VALUE of --git-config
 */
bool dependencies_allow(const char *setting);
