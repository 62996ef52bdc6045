/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "access/token.h"
#include "base/error.h"
#include "client/remote_url.h"

enum {
    REMOTE_TIMEOUT_S = 300 + 60,      /* the default of GIT_GATE_TIMEOUT: a gate may queue a request for 300 s */
    REMOTE_TIMEOUT_MAX_S = 24 * 3600, /* its maximum */
};

/**
 * struct remote_settings - the socket and the token of the gate
 * @socket: from the URL, GIT_GATE_SOCKET, gate.socket in git's configuration, or the default, in this order
 * @token: GIT_GATE_TOKEN, or the first line of the file GIT_GATE_TOKEN_FILE, or of gate.tokenFile, in this order
 * @token_source: where the token was found
 * @timeout_ms: how long a gate that was asked something may neither send nor take a byte
 * @wait_ms: how long to wait for a gate that does not listen yet
 */
struct remote_settings {
    char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];
    char token[TOKEN_MAX_BYTES + 1];
    const char *token_source;
    int64_t timeout_ms;
    int64_t wait_ms;
};

/**
 * remote_settings_find() - look in all these places; git's configuration is asked only when needed
 * @url: may name a socket only when a user gave it, and not a submodule: GIT_PROTOCOL_FROM_USER in git(1)
 * @error: filled on failure; says where to set the missing value
 *
 * Return: 0, GATE_E_USAGE, GATE_E_INTERNAL.
 */
int remote_settings_find(struct remote_settings *settings, const struct remote_url *url, struct gate_error *error);

/** remote_settings_deinit() - overwrite the token */
void remote_settings_deinit(struct remote_settings *settings);
