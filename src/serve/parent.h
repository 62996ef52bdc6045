/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "serve/loop.h"

/**
 * struct parent - the watched process that started this one; all members are private to parent.c
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
 * parent_watch() - call @on_end once, when the process that started this one ends
 * @parent: PARENT_NONE
 * @loop: the loop that watches, until parent_unwatch()
 * @pid: the parent's number when this process began; 0 when the parent is in another PID namespace
 * @error: filled on failure
 *
 * The end of the whole parent process counts, not the end of the thread that forked. If the parent has ended already,
 * @on_end is called in the loop's next round. The same happens if the parent is process 1, which adopts orphans, unless
 * it is systemd and its variable says that it started this process. If another process adopted this one by
 * PR_SET_CHILD_SUBREAPER before this one began to run, that process counts as the parent.
 *
 * A parent in another PID namespace has no number here, and cannot be watched.
 *
 * Call this before the thread is confined.
 *
 * Return: 0; GATE_E_START when the parent cannot be watched; GATE_E_INTERNAL.
 */
int parent_watch(struct parent *parent, struct loop *loop, pid_t pid, void (*on_end)(void *userdata), void *userdata,
                 struct gate_error *error);

/** parent_unwatch() - stop watching; does nothing if nothing is watched */
void parent_unwatch(struct parent *parent);
