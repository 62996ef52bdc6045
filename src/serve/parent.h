/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "serve/loop.h"

/**
 * struct parent - the process that started this one, while it is watched; all of it is parent.c's own
 * @fd: a pidfd; -1 for none
 */
struct parent {
    int fd;
    struct loop_io io;
    struct loop_task task;
    void (*on_end)(void *userdata);
    void *userdata;
};

#define PARENT_NONE ((struct parent){.fd = -1})

/**
 * parent_watch() - have @on_end called once when the process that started this one ends
 * @parent: PARENT_NONE
 * @loop: it is watched by; parent_unwatch() ends that
 * @pid: of the process, as it was when this one began; 0 when that one is in another PID namespace
 * @error: filled on failure
 *
 * The end of that process counts, not that of its thread which forked. When it has ended before, @on_end is called as
 * soon as the loop runs; so it is when the parent is process 1, to which orphans fall, unless this is systemd and says
 * that it started this very process. Whoever else has adopted this process before it began to run, by
 * PR_SET_CHILD_SUBREAPER, is taken for the parent.
 *
 * A parent in another PID namespace has no number here, and cannot be watched.
 *
 * To be called before the thread is confined.
 *
 * Return: 0; GATE_E_START when the parent cannot be watched; GATE_E_INTERNAL.
 */
int parent_watch(struct parent *parent, struct loop *loop, pid_t pid, void (*on_end)(void *userdata), void *userdata,
                 struct gate_error *error);

/** parent_unwatch() - the opposite; nothing happens if it is not watched */
void parent_unwatch(struct parent *parent);
