/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "library/config.h"

/**
 * token_source_take_environment() - take the token from GIT_GATE_TOKEN, if that is set and @config has none yet
 * @file_option: what would take a file, as "--token-file", for whoever has set the path of one
 *
 * Return: 0, also when there is none; GATE_E_USAGE, GATE_E_INTERNAL.
 */
int token_source_take_environment(struct gate_config *config, const char *file_option, struct gate_error *error);

/**
 * token_source_forget_environment() - take GIT_GATE_TOKEN out of the environment, where /proc/PID/environ would go on
 * showing it, however often it stands there
 */
void token_source_forget_environment(void);

/**
 * token_source_take_credentials() - take the token from systemd's credential, if there is one and @config has none yet
 *
 * Return: 0, also when there is none; GATE_E_USAGE, GATE_E_INTERNAL.
 */
int token_source_take_credentials(struct gate_config *config, struct gate_error *error);
