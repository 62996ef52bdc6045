/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

enum {
    SECCOMP_E_KERNEL = 1, /* the kernel, or the caller's own confinement, rejects the filter: errno says why */
};

/**
 * seccomp_enforce() - refuse system calls that git never needs, for the calling thread and every process it starts; for
 * good
 * @session_key: setsid(2) takes no arguments, but the filter refuses it unless this key is passed. A process that does
 *               not know the key cannot leave its process group.
 *
 * The filter refuses new sockets, access to other processes, mounts, namespaces, keys, modules, clocks and the like;
 * seccomp.c has the list. A refused call fails and the program goes on. The call sets no_new_privs. Other threads are
 * not filtered.
 *
 * Return: 0; SECCOMP_E_KERNEL; a negative errno when the filter cannot be built.
 */
int seccomp_enforce(unsigned long session_key);
