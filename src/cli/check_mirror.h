/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * check_mirror_print() - say on standard output what is to be known of DIR/NAME.git, one line each: whether it is safe to
 *                        serve, whether it is a partial clone, and which lock files make pushes fail
 * @root: DIR
 * @repository: NAME
 */
void check_mirror_print(const char *root, const char *repository);
