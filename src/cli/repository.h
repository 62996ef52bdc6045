/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "library/config.h"

/**
 * repository_take() - take the argument REPOSITORY of serve for --mirror-root and --scope
 * @repository: a path DIR/NAME.git, which may be a link to a repository of another name
 *
 * Looks at the repository and changes nothing. The sentence for one that cannot be served says how it can.
 *
 * Return: 0, GATE_E_USAGE, GATE_E_INTERNAL.
 */
int repository_take(struct gate_config *config, const char *repository, struct gate_error *error);
