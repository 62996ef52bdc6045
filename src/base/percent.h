/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/span.h"

/* Percent-encoding: RFC 3986, 2.1. */

/**
 * percent_decode() - decode @text
 * @decoded: receives the bytes, any of 0 to 255, and a terminator, which the result does not count
 * @size: of @decoded
 *
 * Return: the number of bytes, -EINVAL for a "%" without two hexadecimal digits after it, -ENOBUFS.
 */
ssize_t percent_decode(char *decoded, size_t size, struct span text);

/**
 * percent_encode() - encode every byte but the unreserved ones (RFC 3986, 2.3), which are safe in a URL and in a shell
 * @encoded: receives the text and its terminator
 * @size: of @encoded; three times the length of @text plus one is enough
 *
 * Text that does not fit is cut.
 */
void percent_encode(char *encoded, size_t size, const char *text);
