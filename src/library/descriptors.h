/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/**
 * descriptors_separate() - give the calling thread a table of descriptors that it shares with no other one
 * @kept: what stays open in it besides standard error, by the same numbers; -1 is none
 *
 * The table of the other threads stays as it is. The thread's own ends with it, descriptors_close_all() or not.
 *
 * Return: 0, or a negative errno; then the thread shares its table still, and must close nothing in it.
 */
int descriptors_separate(const int kept[], size_t n_kept);

/**
 * descriptors_close_all() - close all that the calling thread has in a table of its own
 *
 * pthread_join(3) returns before the kernel does so for a thread that ends.
 */
void descriptors_close_all(void);
