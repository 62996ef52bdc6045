/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/**
 * descriptors_separate() - give the calling thread a descriptor table that it shares with no other thread
 * @kept: descriptors that stay open in it, besides standard error, with the same numbers; -1 for none
 *
 * The table of the other threads stays as it is. The thread's own ends with it, descriptors_close_all() or not.
 *
 * Return: 0 or a negative errno. After an error the thread still shares its table, and must close nothing in it.
 */
int descriptors_separate(const int kept[], size_t n_kept);

/**
 * descriptors_close_all() - close all descriptors of the calling thread, which has a table of its own
 *
 * The kernel closes them at the end of the thread only after pthread_join(3) has returned.
 */
void descriptors_close_all(void);
