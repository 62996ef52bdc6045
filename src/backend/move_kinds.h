/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "backend/pushed.h"

enum {
    MOVE_KINDS_MAX_BYTES = 64 * 1024, /* read from git-gate-hook; as much as a pipe holds */
};

/**
 * move_kinds_take() - set the kinds of a push's moves from the lines of git-gate-hook: variables.h
 * @text: lines in the order of the moves; it may be cut anywhere, and moves may be missing
 */
void move_kinds_take(struct pushed *pushed, struct span text);
