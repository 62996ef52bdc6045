/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct gate;

/** left_locks_warn() - name the lock files in what is served that are older than this start, and what removes them */
void left_locks_warn(struct gate *gate);
