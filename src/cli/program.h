/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "library/config.h"

/**
 * program_run() - serve until a signal or the end of the parent; SIGHUP reloads
 * @config: resolved; its settings are lowered to the limits of this process, and SIGHUP changes its tokens
 * @minted: as in announce()
 *
 * Return: 0, GATE_E_USAGE, GATE_E_START, GATE_E_INTERNAL.
 */
int program_run(struct gate_config *config, bool minted, struct gate_error *error);
