/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "library/config.h"

/**
 * serve_defaults_complete() - complete the settings that no option gave
 * @repository: the argument REPOSITORY; NULL for none
 * @mintedp: set when the token was just minted
 *
 * Removes the token from the environment. Return: 0, GATE_E_USAGE, GATE_E_INTERNAL.
 */
int serve_defaults_complete(struct gate_config *config, const char *repository, bool *mintedp,
                            struct gate_error *error);
