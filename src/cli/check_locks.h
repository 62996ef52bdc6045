/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * check_locks_print() - say on standard output which lock files in DIR/NAME.git make pushes fail, one line each
 * @root: DIR
 * @repository: NAME
 */
void check_locks_print(const char *root, const char *repository);
