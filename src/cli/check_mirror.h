/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * check_mirror_print() - print on standard output what git-gate check finds in DIR/NAME.git
 * @root: DIR
 * @repository: NAME
 *
 * The lines tell whether it is safe to serve, whether it is a partial clone, and which lock files make pushes fail.
 */
void check_mirror_print(const char *root, const char *repository);
