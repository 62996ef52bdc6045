/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct gate;

/** left_locks_warn() - log each served repository's lock files older than this start, and the command to remove them */
void left_locks_warn(struct gate *gate);
