/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * check_hints_print() - print on standard output, one line each, what would make clones of a repository cheaper, with the
 *                       command that does it
 * @path: of the repository, absolute; it must be one that git may work in, see hostile_repository_examine()
 */
void check_hints_print(const char *path);
