/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * check_mirror_print() - print on standard output, one line each, whether DIR/NAME.git is safe to serve, whether it is
 *                        a partial clone, and the lock files that make pushes fail
 * @root: DIR
 * @repository: NAME
 */
void check_mirror_print(const char *root, const char *repository);
