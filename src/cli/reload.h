/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "library/config.h"

struct gate;

/**
 * reload() - on SIGHUP, read the token file and the rules file again
 * @config: its settings are those of the running server, and change between two rounds of the loop
 * @gate: gets the rules; its log tells which files were read, and their faults
 *
 * If a file has a fault, its old content stays in force. The loop waits for the git that reads the rules:
 * rules_file_read().
 */
void reload(struct gate_config *config, struct gate *gate);
