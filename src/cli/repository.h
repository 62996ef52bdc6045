/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "library/config.h"

/**
 * repository_take() - set --mirror-root and --scope from the argument REPOSITORY of serve
 * @repository: a path DIR/NAME.git, which may be a link to a repository of another name
 *
 * Reads the repository and changes nothing. When it cannot be served, the error says how it could be.
 *
 * Return: 0, GATE_E_USAGE, GATE_E_INTERNAL.
 */
int repository_take(struct gate_config *config, const char *repository, struct gate_error *error);
