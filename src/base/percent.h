/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/span.h"

/* Percent-encoding: RFC 3986, 2.1. */

/**
 * percent_decode() - undo it
 * @decoded: receives the bytes, with a terminator, which does not count; any byte may be among them
 * @size: of @decoded
 *
 * Return: the number of bytes, -EINVAL for a "%" without two hexadecimal digits behind it, -ENOBUFS.
 */
ssize_t percent_decode(char *decoded, size_t size, struct span text);

/**
 * percent_encode() - encode every byte but the unreserved ones (RFC 3986, 2.3), which neither a URL nor a shell minds
 * @encoded: receives the text, with its terminator
 * @size: of @encoded; three times the length of @text, and one, is enough
 *
 * What does not fit is left out.
 */
void percent_encode(char *encoded, size_t size, const char *text);
