/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

/**
 * secret_read() - read a file that holds secrets
 * @bytes: receives the file's bytes, or the first @size of them
 * @fd: of a regular file
 *
 * Leaves no other copy of the bytes. On failure, @bytes has none of them either.
 *
 * Return: the number of bytes, which is @size, too, if the file has more; or a negative errno of read(2).
 */
ssize_t secret_read(char *bytes, size_t size, int fd);

/**
 * secret_read_line() - read the first line of a file that holds a secret
 * @line: receives its bytes, without newline or terminator; any byte may be among them
 * @size: of @line: the longest wanted line, and one byte for its newline
 * @fd: blocking; bytes after the line may be read, too, and are lost
 *
 * Leaves the line in @line, and no other copy of any byte. On failure, @line has none either.
 *
 * Return: the number of bytes, -EMSGSIZE if the line is longer than @size allows, or a negative errno of read(2).
 */
ssize_t secret_read_line(char *line, size_t size, int fd);
