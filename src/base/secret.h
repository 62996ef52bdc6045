/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

/**
 * secret_read_line() - read the first line of a file that holds a secret
 * @line: receives its bytes, without newline or terminator; any byte may be among them
 * @size: of @line: one more than the longest line that is wanted, for its newline
 * @fd: blocking; what it has to give behind the line may have been read, and is gone
 *
 * Nothing of what was read stays anywhere but the line in @line, and in a failure not even that.
 *
 * Return: the number of bytes, -EMSGSIZE when the line does not end in time, an errno of read(2).
 */
ssize_t secret_read_line(char *line, size_t size, int fd);
