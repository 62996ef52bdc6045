/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/*
 * Landlock, landlock(7): which files the calling thread, and all that it starts, may open. What a ruleset denies it
 * denies everywhere but below the paths that it allows.
 */

enum {
    LANDLOCK_ABI_MIN = 2,   /* Linux 5.19: before, nothing could be moved to another folder, as git does in each push */
    LANDLOCK_ABI_SCOPE = 6, /* Linux 6.12: signals and abstract sockets do not reach beyond */
    LANDLOCK_E_KERNEL = 1,  /* the kernel, or who confines the caller, does not take a rule: errno says why */
};

/** enum landlock_access - what may be done with a path, and with all that is below it */
enum landlock_access {
    LANDLOCK_READ,   /* read files, list folders */
    LANDLOCK_RUN,    /* the same, and execute */
    LANDLOCK_CHANGE, /* read, write; make, move, remove files and folders, no symbolic links, sockets, pipes, devices */
    LANDLOCK_REMOVE, /* remove files */
    LANDLOCK_ACCESS_COUNT,
};

/**
 * struct landlock - a ruleset that is being made
 * @fd: owned; -1 for none
 * @denied: what it denies of LANDLOCK_ACCESS_FS_*
 */
struct landlock {
    int fd;
    uint64_t denied;
};

#define LANDLOCK_NONE ((struct landlock){.fd = -1})

/**
 * landlock_abi() - the ABI of the running kernel
 *
 * Return: LANDLOCK_ABI_MIN or more; a negative errno when there is none or it may not be used, -EOPNOTSUPP for an older
 * one or one that is switched off.
 */
int landlock_abi(void);

/**
 * landlock_deny_all() - begin a ruleset that denies all that the kernel can: files, TCP, and abstract sockets and
 * signals of whoever is not under it
 * @abi: of landlock_abi()
 *
 * Return: 0 or a negative errno.
 */
int landlock_deny_all(struct landlock *landlock, int abi);

/**
 * landlock_deny_parents() - begin a ruleset that denies a child what its parent alone needs: to remove files, and to
 * send signals to whoever is not under it
 * @abi: of landlock_abi()
 *
 * Return: 0 or a negative errno.
 */
int landlock_deny_parents(struct landlock *landlock, int abi);

/**
 * landlock_allow_fd() - of what the ruleset denies, allow @access to what @fd is open for, if only by O_PATH
 *
 * Return: 0, LANDLOCK_E_KERNEL, a negative errno when @fd is none.
 */
int landlock_allow_fd(const struct landlock *landlock, int fd, enum landlock_access access);

/**
 * landlock_allow() - the same for a path
 * @path: symbolic links are followed now; what they lead to later is not allowed
 *
 * Return: 0, LANDLOCK_E_KERNEL, -ENOENT when nothing is there, another negative errno when it cannot be opened.
 */
int landlock_allow(const struct landlock *landlock, const char *path, enum landlock_access access);

/**
 * landlock_enforce() - put the calling thread under the ruleset, for good; no_new_privs must be set
 *
 * Return: 0 or a negative errno.
 */
int landlock_enforce(const struct landlock *landlock);

/** landlock_deinit() - close the ruleset; what is enforced stays so */
void landlock_deinit(struct landlock *landlock);
