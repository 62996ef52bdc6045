/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

/**
 * secret_read() - read a file that holds secrets
 * @bytes: receives the file's bytes, or the first @size of them
 * @fd: of a regular file
 *
 * Leaves no other copy of them, and after a failure not even that.
 *
 * Return: the number of bytes, @size also when there are more; or an errno of read(2).
 */
ssize_t secret_read(char *bytes, size_t size, int fd);

/**
 * secret_read_line() - read the first line of a file that holds a secret
 * @line: receives its bytes, without newline or terminator; any byte may be among them
 * @size: of @line: the longest wanted line, and one byte for its newline
 * @fd: blocking; bytes behind the line may be read too, and are lost
 *
 * Leaves no copy of the bytes but the line in @line, and after a failure not even that.
 *
 * Return: the number of bytes, -EMSGSIZE when the line is longer than @size allows, or an errno of read(2).
 */
ssize_t secret_read_line(char *line, size_t size, int fd);
