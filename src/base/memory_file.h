/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/span.h"

/*
 * A file in memory alone: what is to be a program's standard input as a whole. It is a descriptor like any other,
 * owned by whoever opened it, and counts as that process's memory.
 */

/** memory_file_open() - an empty one. Return: a descriptor, which does not survive execve(2), or a negative errno. */
int memory_file_open(void);

/** memory_file_append() - write all of @bytes behind what is there. Return: 0 or a negative errno. */
int memory_file_append(int fd, struct span bytes);

/** memory_file_finish() - nobody can change it any more, and it is read from its beginning. Return: 0 or a negative errno. */
int memory_file_finish(int fd);
