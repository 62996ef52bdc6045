/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "backend/environ.h"

/*
 * What the capability advertisement of git's protocol version 2 depends on: gitprotocol-v2(5). It tells nothing of
 * references and objects, so as long as these files are the same, so is what git-http-backend answers.
 */

enum {
    DEPENDENCIES_COUNT = 15,
    DEPENDENCIES_CONFIG_MAX_BYTES = 64 * 1024, /* of a file of settings that is looked into */
    DEPENDENCIES_SETTLED_S = 1, /* since the last change of a file, before which another one may not be told from it */
};

/**
 * struct identity - by which a file is known to be the same, with the same content
 * @is_there: nothing else is set when it is not
 *
 * A folder has no size: that says nothing.
 */
struct identity {
    bool is_there;
    dev_t device;
    ino_t inode;
    mode_t mode;
    uid_t owner;
    off_t size;
    struct timespec modified; /* content, of a folder the names in it: mtime */
    struct timespec changed;  /* anything, also where it is: ctime */
};

/** struct dependencies - all files that an advertisement of one repository depends on, as they were */
struct dependencies {
    struct identity files[DEPENDENCIES_COUNT];
};

/**
 * dependencies_look() - see how they are now
 * @repository: its name, without .git
 *
 * Return: whether all of them are of the kind that is understood: what git does otherwise is for git to say.
 */
bool dependencies_look(struct dependencies *dependencies, const struct environ_settings *settings,
                       const char *repository);

/**
 * dependencies_equal() - whether nothing has changed that an answer depends on
 *
 * Other files may have come and gone in the folders, as they do in pushes.
 */
bool dependencies_equal(const struct dependencies *a, const struct dependencies *b);

/**
 * dependencies_settled() - whether all has been as it is for so long that the next change will be told from the last one
 * @now: the time of day
 */
bool dependencies_settled(const struct dependencies *dependencies, time_t now);

/**
 * dependencies_undisturbed() - whether nothing at all has happened between two looks, of which the first saw all settled
 *
 * Other than by dependencies_equal(), by the times of the folders what came and went in between is seen, too.
 */
bool dependencies_undisturbed(const struct dependencies *before, const struct dependencies *now);

/**
 * dependencies_suffice() - whether nothing else is to be looked at
 *
 * Looks into the files, which takes longer: no setting may draw in other files (include, includeIf) or make each answer
 * another one (transfer.advertiseSID), and git's programs must not be scripts.
 */
bool dependencies_suffice(const struct dependencies *dependencies, const struct environ_settings *settings,
                          const char *repository);

/** dependencies_allow() - whether a setting of --git-config, KEY=VALUE, leaves it at these files */
bool dependencies_allow(const char *setting);
