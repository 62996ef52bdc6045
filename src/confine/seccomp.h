/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

enum {
    SECCOMP_E_KERNEL = 1, /* the kernel, or who confines the caller, does not take the filter: errno says why */
};

/**
 * seccomp_enforce() - refuse the calling thread, and all that it starts, system calls that git needs none of; for good
 * @session_key: what has to be given to setsid(2), which has no arguments otherwise, or it is refused. Who does not
 *               know the key cannot leave the group of processes that it was started in.
 *
 * No new sockets, no look into other processes, no mounts, namespaces, keys, modules, clocks and the like: seccomp.c
 * lists them. A refused call fails and the program goes on. Sets no_new_privs. Other threads stay free.
 *
 * Return: 0, SECCOMP_E_KERNEL, or a negative errno when the filter cannot be made.
 */
int seccomp_enforce(unsigned long session_key);
