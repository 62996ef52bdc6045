/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"
#include "serve/settings.h"

/**
 * descriptors_provide() - see that as many open files are allowed as the settings need
 * @may_raise: the limit is this program's own to raise
 *
 * When that cannot be had, @settings->max_connections is lowered to what there is room for, and the log says so.
 */
void descriptors_provide(struct server_settings *settings, struct log *log, bool may_raise);

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
