/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "serve/settings.h"

/*
 * Whoever takes over git or a hook may write to what is served. These look whether something lies there that such a one
 * must not replace. The mirror root, the hooks' path and the home are absolute and without links.
 */

/** served_check_folders() - of the hooks' path and the home. Return: 0, GATE_E_USAGE. */
int served_check_folders(const struct server_settings *settings, struct gate_error *error);

/** served_check_socket() - of the Unix socket, which need not be there yet. Return: 0, GATE_E_USAGE. */
int served_check_socket(const struct server_settings *settings, struct gate_error *error);
