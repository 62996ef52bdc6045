/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "library/config.h"

/**
 * reload() - read again, on SIGHUP, what a running gate can: the file of the token
 * @config: its settings are those of the running server, and change between two rounds of the loop
 * @log: tells what was read, and what is at fault
 *
 * A fault in a file keeps what was in force.
 */
void reload(struct gate_config *config, struct log *log);
