/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "serve/connection.h"

/*
 * The moves between the states of a connection (see enum connection_state). They change the state and fill the wire;
 * the caller pumps afterwards. None of them frees the connection.
 */

/** conversation_step() - do what the state asks for with what has come. Return: whether anything moved. */
bool conversation_step(struct connection *connection);

/** conversation_time_out() - the state has lasted too long */
void conversation_time_out(struct connection *connection);

/** conversation_drain() - take no further request: end at once when none is running, else behind it */
void conversation_drain(struct connection *connection);
