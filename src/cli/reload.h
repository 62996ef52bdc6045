/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "library/config.h"

struct gate;

/**
 * reload() - read again, on SIGHUP, what a running gate can: the file of the token, and that of --rules
 * @config: its settings are those of the running server, and change between two rounds of the loop
 * @gate: gets the rules; its log tells what was read, and what is at fault
 *
 * A fault in a file keeps what was in force. The loop waits for the git that reads the rules: rules_file_read().
 */
void reload(struct gate_config *config, struct gate *gate);
