/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "client/bridge.h"

/**
 * remote_port_open() - listen on the loopback port for git's HTTP helper
 * @bridge: made by bridge_init(), and without a listener
 * @error: filled on failure; names the obstacle and the remedy
 *
 * Return: 0 or GATE_E_INTERNAL.
 */
int remote_port_open(struct bridge *bridge, struct gate_error *error);
