/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "backend/pushed.h"

enum {
    MOVE_KINDS_MAX_BYTES = 64 * 1024, /* that are read of what git-gate-hook tells: what a pipe holds */
};

/**
 * move_kinds_take() - note in the moves of a push what git-gate-hook tells of them: variables.h
 * @text: lines in the order of the moves; it may be cut anywhere, and moves may be missing
 */
void move_kinds_take(struct pushed *pushed, struct span text);
