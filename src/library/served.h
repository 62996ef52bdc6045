/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "serve/settings.h"

/*
 * Hostile code that controls git or a hook may write to the served repositories, and to the paths of --allow-path with
 * ":rw". These functions refuse paths there that it must not be able to replace. The mirror root, the hooks' path, the
 * home and the allowed paths are absolute and without links.
 */

/** served_check_folders() - check the hooks and their folder, the home, the rules file. Return: 0, GATE_E_USAGE. */
int served_check_folders(const struct server_settings *settings, struct gate_error *error);

/** served_check_token() - check the file of the token, if it can be read again. Return: 0, GATE_E_USAGE. */
int served_check_token(const struct server_settings *settings, struct gate_error *error);

/** served_check_socket() - check the path of the Unix socket, which need not exist yet. Return: 0, GATE_E_USAGE. */
int served_check_socket(const struct server_settings *settings, struct gate_error *error);
