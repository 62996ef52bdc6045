/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct connection;

/** deadline_of() - when the connection's time is up if nothing moves until then, on the clock of the loop; microseconds */
uint64_t deadline_of(const struct connection *connection);

/** deadline_is_of_request() - whether the current request has taken longer than --request-timeout allows */
bool deadline_is_of_request(const struct connection *connection);
