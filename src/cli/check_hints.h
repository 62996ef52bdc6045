/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * check_hints_print() - print on standard output the reasons why clones of a repository are expensive, one a line
 * @path: of the repository, absolute; hostile_repository_examine() must have found that git may work in it
 *
 * Each line has the command that helps.
 */
void check_hints_print(const char *path);
