/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "backend/pushed.h"
#include "base/log.h"

/**
 * push_log_write() - the records of a push that has ended: one for each reference that it asks to move
 * @id: of the request
 *
 * Where not all references have a record of their own, or may not have one, a last record says so.
 */
void push_log_write(struct log *log, uint64_t id, const struct pushed *pushed);
