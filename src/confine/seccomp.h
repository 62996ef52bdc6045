/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * seccomp_enforce() - refuse the calling thread, and all that it starts, system calls that git needs none of; for good
 *
 * No new sockets, no look into other processes, no mounts, namespaces, keys, modules, clocks and the like: seccomp.c
 * lists them. A refused call fails with EPERM and the program goes on. Sets no_new_privs. Other threads stay
 * free.
 *
 * Return: 0, or a negative errno when the kernel has no such filters or memory is short.
 */
int seccomp_enforce(void);
