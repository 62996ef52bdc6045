/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "library/config.h"

/**
 * serve_defaults_complete() - take what the options did not say from elsewhere
 * @repository: the argument REPOSITORY, NULL for none
 * @mintedp: set when the token is a new one, which nobody else knows
 *
 * Takes the token out of the environment. Return: 0, GATE_E_USAGE, GATE_E_INTERNAL.
 */
int serve_defaults_complete(struct gate_config *config, const char *repository, bool *mintedp,
                            struct gate_error *error);
