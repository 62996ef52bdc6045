/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backend/pushed.h"
#include "base/log.h"

/**
 * struct push_log - a push under way, whose records are written at its end
 * @repository: its name, without .git
 * @id: of the request
 * @loses_nothing: to be set if every update is a fast-forward
 */
struct push_log {
    struct pushed pushed;
    char *repository;
    uint64_t id;
    bool loses_nothing;
};

/** push_log_new() - begin to follow a push; @repository is copied. Return: NULL without memory. */
struct push_log *push_log_new(const char *repository, uint64_t id);

/** push_log_hear() - take what git-gate-hook has told, from a pipe that does not block; -1 for none */
void push_log_hear(struct push_log *push, int fd);

/**
 * push_log_write() - the records of a push that has ended: one for each reference that it asks to move
 * @with_repository: they name it, for a log in which the request has no record
 *
 * Where not all references have a record of their own, or may not have one, a last record says so.
 */
void push_log_write(struct log *log, const struct push_log *push, bool with_repository);

/** push_log_free() - forget it. Return: NULL. */
struct push_log *push_log_free(struct push_log *push);
