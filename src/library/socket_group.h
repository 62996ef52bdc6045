/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "library/config.h"

/**
 * socket_group_resolve() - check --socket-mode and --socket-group, and find the group's number
 *
 * Return: 0, GATE_E_USAGE, GATE_E_INTERNAL.
 */
int socket_group_resolve(struct gate_config *config, struct gate_error *error);
