/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Landlock, landlock(7), limits the files that the calling thread, and every process it starts, may open. A right that
 * a ruleset denies is denied everywhere, except below the paths that the ruleset allows.
 */

enum {
    LANDLOCK_ABI_MIN = 2,   /* Linux 5.19; before, no file could move to another folder, as git needs for pushes */
    LANDLOCK_ABI_SCOPE = 6, /* Linux 6.12; keeps signals and abstract sockets inside the ruleset */
    LANDLOCK_E_KERNEL = 1,  /* the kernel, or the caller's own confinement, rejects a rule: errno says why */
};

/** enum landlock_access - what may be done with a path and everything below it */
enum landlock_access {
    LANDLOCK_READ,   /* read files and list folders */
    LANDLOCK_RUN,    /* LANDLOCK_READ, and execute */
    LANDLOCK_CHANGE, /* read, write; make, move, remove files and folders; no symbolic links, sockets, pipes, devices */
    LANDLOCK_REMOVE, /* remove files */
    LANDLOCK_ACCESS_COUNT,
};

/**
 * struct landlock - a ruleset under construction
 * @fd: owned; -1 for none
 * @denied: the LANDLOCK_ACCESS_FS_* rights that the ruleset denies
 */
struct landlock {
    int fd;
    uint64_t denied;
};

#define LANDLOCK_NONE ((struct landlock){.fd = -1})

/**
 * landlock_abi() - the Landlock ABI of the running kernel
 *
 * Return: LANDLOCK_ABI_MIN or more; -EOPNOTSUPP when the ABI is older or switched off; another negative errno when the
 * kernel has no Landlock or the caller may not use it.
 */
int landlock_abi(void);

/**
 * landlock_deny_all() - begin a ruleset that denies everything the kernel can deny
 * @abi: from landlock_abi()
 *
 * The ruleset denies files, TCP, abstract sockets of processes outside it, and signals to them.
 *
 * Return: 0 or a negative errno.
 */
int landlock_deny_all(struct landlock *landlock, int abi);

/**
 * landlock_deny_parents() - begin a ruleset that denies a child those rights that only its parent needs
 * @abi: from landlock_abi()
 * @denies_reading: the parent may read what the child may not
 *
 * The ruleset denies removing files, signals to processes outside it, and with @denies_reading reading files and
 * folders.
 *
 * Return: 0 or a negative errno.
 */
int landlock_deny_parents(struct landlock *landlock, int abi, bool denies_reading);

/**
 * landlock_allow_fd() - allow @access to the file or folder that @fd has open; O_PATH suffices
 *
 * Rights that the ruleset does not deny are left out.
 *
 * Return: 0; LANDLOCK_E_KERNEL; a negative errno when @fd is not open.
 */
int landlock_allow_fd(const struct landlock *landlock, int fd, enum landlock_access access);

/**
 * landlock_allow() - landlock_allow_fd() for a path
 * @path: symbolic links are followed now; what they lead to later is not allowed
 *
 * Return: 0; LANDLOCK_E_KERNEL; -ENOENT when the path does not exist; another negative errno when it cannot be opened.
 */
int landlock_allow(const struct landlock *landlock, const char *path, enum landlock_access access);

/**
 * landlock_enforce() - put the calling thread under the ruleset for good; no_new_privs must be set
 *
 * Return: 0 or a negative errno.
 */
int landlock_enforce(const struct landlock *landlock);

/** landlock_deinit() - close the ruleset; a ruleset that is enforced stays in force */
void landlock_deinit(struct landlock *landlock);
