/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "backend/pushed.h"
#include "base/log.h"

/**
 * struct push_log - a push under way, whose records are written at its end
 * @repository: its name, without .git
 * @id: of the request
 */
struct push_log {
    struct pushed pushed;
    char *repository;
    uint64_t id;
};

/** push_log_new() - begin to follow a push; @repository is copied. Return: NULL without memory. */
struct push_log *push_log_new(const char *repository, uint64_t id);

/**
 * push_log_write() - the records of a push that has ended: one for each reference that it asks to move
 *
 * Where not all references have a record of their own, or may not have one, a last record says so.
 */
void push_log_write(struct log *log, const struct push_log *push);

/** push_log_free() - forget it. Return: NULL. */
struct push_log *push_log_free(struct push_log *push);
