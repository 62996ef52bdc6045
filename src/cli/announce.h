/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "serve/server.h"

/**
 * announce() - print on standard output the address for clients
 * @minted: the token was just minted, and only the gate knows it: prints a clone command, too, as on a terminal
 *
 * A supervisor that does not read standard output, or has closed it, does not stop the gate.
 */
void announce(const struct server *server, bool minted);
