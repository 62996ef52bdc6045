/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/**
 * shell_quote() - write @text as one word for a shell, in single quotes
 * @quoted: receives the word and its terminator
 * @size: of @quoted; four times the length of @text plus three is enough
 *
 * Return: whether it fits. A word that does not fit is cut, and must not be shown.
 */
bool shell_quote(char *quoted, size_t size, const char *text);
