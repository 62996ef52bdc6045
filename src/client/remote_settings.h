/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "access/token.h"
#include "base/error.h"
#include "client/remote_url.h"

enum {
    REMOTE_TIMEOUT_S = 60,            /* for a gate's first answer; GIT_GATE_TIMEOUT says otherwise */
    REMOTE_TIMEOUT_MAX_S = 24 * 3600, /* of that */
};

/**
 * struct remote_settings - how to get to the gate, and into it
 * @socket: of the URL, or else of GIT_GATE_SOCKET, gate.socket in git's configuration, or the default
 * @token: GIT_GATE_TOKEN, or else on the first line of GIT_GATE_TOKEN_FILE, or of gate.tokenFile
 * @token_source: which of these it was
 * @timeout_ms: how long a gate may take for its first answer
 */
struct remote_settings {
    char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];
    char token[TOKEN_MAX_BYTES + 1];
    const char *token_source;
    int64_t timeout_ms;
};

/**
 * remote_settings_find() - look in all these places, of which git's configuration is asked only when it has to be
 * @url: may name a socket only when it is the user's own, and not that of a submodule: GIT_PROTOCOL_FROM_USER in git(1)
 * @error: filled on failure; names where to set what is missing
 *
 * Return: 0, GATE_E_USAGE, GATE_E_INTERNAL.
 */
int remote_settings_find(struct remote_settings *settings, const struct remote_url *url, struct gate_error *error);

/** remote_settings_deinit() - overwrite the token */
void remote_settings_deinit(struct remote_settings *settings);
