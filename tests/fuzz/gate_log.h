/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/span.h"

/**
 * gate_log_check() - check that the log consists of records, one a line, without the token
 * @secrets: texts that must not be in it; NULL behind the last
 *
 * Return: the number of records of requests.
 */
size_t gate_log_check(struct span log, bool is_json, const char *const secrets[]);
