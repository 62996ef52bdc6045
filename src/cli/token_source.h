/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "library/config.h"

/**
 * token_source_take_environment() - take the token from GIT_GATE_TOKEN, if it is set and @config has no token yet
 * @file_option: the option that takes a file, for example "--token-file", for the error about a path
 *
 * Return: 0, even if there is none; GATE_E_USAGE, GATE_E_INTERNAL.
 */
int token_source_take_environment(struct gate_config *config, const char *file_option, struct gate_error *error);

/**
 * token_source_forget_environment() - remove each GIT_GATE_TOKEN from the environment, and overwrite its value, since
 * /proc/PID/environ would go on showing it
 */
void token_source_forget_environment(void);

/**
 * token_source_take_credentials() - take the token from systemd's credential, if there is one and @config has none yet
 * @take: config_set_tokens_from() for a gate, config_set_token_from() for a client
 *
 * Return: 0, also when there is none; GATE_E_USAGE, GATE_E_INTERNAL.
 */
int token_source_take_credentials(struct gate_config *config,
                                  int (*take)(struct gate_config *config, const char *path, const char *option,
                                              struct gate_error *error),
                                  struct gate_error *error);
