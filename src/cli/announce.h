/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "serve/server.h"

/**
 * announce() - say on standard output where clients connect to
 * @minted: the token is a new one, which nobody else knows: a command to clone with follows, as it does on a terminal
 *
 * A supervisor that does not read, or has closed, standard output is no reason to stop.
 */
void announce(const struct server *server, bool minted);
