/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backend/pushed.h"
#include "base/log.h"

/**
 * struct push_log - a running push, whose records are written at its end
 * @repository: its name, without .git
 * @id: the id of the request
 * @loses_nothing: every update is a fast-forward; the caller sets it
 */
struct push_log {
    struct pushed pushed;
    char *repository;
    uint64_t id;
    bool loses_nothing;
};

/** push_log_new() - begin to follow a push; @repository is copied. Return: NULL when memory has run out. */
struct push_log *push_log_new(const char *repository, uint64_t id);

/** push_log_hear() - read how references moved from @fd, git-gate-hook's non-blocking pipe; -1 for none */
void push_log_hear(struct push_log *push, int fd);

/**
 * push_log_write() - write the records of a push that has ended, one for each reference that it asks to move
 * @with_repository: each record names the repository, for a log that has no record of the request
 *
 * If some references have no record, or the commands could not all be read, a last record says so.
 */
void push_log_write(struct log *log, const struct push_log *push, bool with_repository);

/** push_log_free() - free @push, which may be NULL. Return: NULL. */
struct push_log *push_log_free(struct push_log *push);
