/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "library/config.h"

/**
 * program_run() - serve until a signal or the parent's end stops it
 * @config: resolved; its settings become those that this process can have
 * @minted: as in announce()
 *
 * Return: 0, GATE_E_USAGE, GATE_E_START, GATE_E_INTERNAL.
 */
int program_run(struct gate_config *config, bool minted, struct gate_error *error);
