/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/span.h"

/*
 * A file that exists only in memory, to become the whole standard input of a program. The caller of memory_file_open()
 * owns the descriptor, and the bytes count as memory of its process.
 */

/** memory_file_open() - an empty one. Return: a descriptor, which does not survive execve(2), or a negative errno. */
int memory_file_open(void);

/** memory_file_append() - append all of @bytes. Return: 0 or a negative errno. */
int memory_file_append(int fd, struct span bytes);

/** memory_file_finish() - forbid all further changes, and go back to the first byte. Return: 0 or a negative errno. */
int memory_file_finish(int fd);
