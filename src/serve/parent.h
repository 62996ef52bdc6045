/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

struct server;

/**
 * parent_watch() - stop the server, as server_stop() does, when the process that started this one ends
 * @server: whose loop it is watched by; parent_unwatch() ends that
 * @error: filled on failure
 *
 * The end of that process counts, not that of its thread which forked. When it has ended before, the server stops as
 * soon as the loop runs; so does it when the parent is process 1, to which orphans fall, unless this is systemd and
 * says that it started this very process. Whoever else has adopted this process before it began to run, by
 * PR_SET_CHILD_SUBREAPER, is taken for the parent.
 *
 * A parent in another PID namespace has no number here, and cannot be watched.
 *
 * To be called before the thread is confined.
 *
 * Return: 0; GATE_E_START when the parent cannot be watched; GATE_E_INTERNAL.
 */
int parent_watch(struct server *server, struct gate_error *error);

/**
 * parent_unwatch() - the opposite
 * @server: nothing happens if its parent is not watched
 */
void parent_unwatch(struct server *server);

/**
 * parent_ended() - what is done then, for whoever has learnt of it in another way
 * @server: a stop that is under way goes on as it is
 */
void parent_ended(struct server *server);
