/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Completes the configuration of serve where options are missing: the repository, the transport, the token. It reads
 * the environment, takes sockets and credentials from systemd, and mints a token when there is none.
 */

#include "cli/serve_defaults.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "access/token.h"
#include "base/log.h"
#include "cli/repository.h"
#include "cli/systemd_environ.h"
#include "cli/token_source.h"

static_assert(TOKEN_MAX_BYTES == 255, "the sentences below say this number");

/* Takes the socket that systemd opened before this program started: sd_listen_fds(3). */
static int take_inherited_socket(struct gate_config *config, struct gate_error *error) {
    int n = systemd_environ_take_sockets();
    char fd[16];

    if (n == -EINVAL) {
        return gate_error_set(error, GATE_E_USAGE,
                              "LISTEN_PID and LISTEN_FDS are not the numbers that systemd sets: unset both, or mend "
                              "what starts git-gate");
    }
    if (n < 0) {
        return gate_error_set(error, GATE_E_USAGE,
                              "the socket that LISTEN_FDS announces cannot be taken over: %s; unset LISTEN_FDS, or "
                              "hand over a socket as descriptor %d",
                              strerror(-n), SYSTEMD_ENVIRON_LISTEN_FD);
    }
    if (n > 1) {
        return gate_error_set(error, GATE_E_USAGE, "one socket can be inherited, not %d; give the .socket unit one", n);
    }
    if (n == 0) {
        return 0;
    }
    (void)snprintf(fd, sizeof(fd), "%d", SYSTEMD_ENVIRON_LISTEN_FD);
    return gate_config_set(config, "listen-fd", fd, error);
}

static int mint_token(struct gate_config *config, bool *mintedp, struct gate_error *error) {
    char token[TOKEN_MAX_BYTES + 1];
    int r;

    if (config->settings.token_file || config->settings.policy.tokens[0]) {
        return 0;
    }
    if (log_is_journal(STDOUT_FILENO)) { /* the journal keeps it for long, and others can read it */
        return gate_error_set(
            error, GATE_E_USAGE,
            "there is no token, and a fresh one would be printed to the journal; give --token-file, or "
            "the credential git-gate.token");
    }
    r = token_mint(token, sizeof(token), token_default_prefix);
    if (r) {
        return gate_error_set(error, GATE_E_INTERNAL, "no random bytes for a token: %s", strerror(-r));
    }
    *mintedp = true;
    r = gate_config_set(config, "token", token, error);
    explicit_bzero(token, sizeof(token));
    return r;
}

int serve_defaults_complete(struct gate_config *config, const char *repository, bool *mintedp,
                            struct gate_error *error) {
    const struct listener_settings *listener = &config->settings.listener;
    int r = repository ? repository_take(config, repository, error) : 0;

    r = r ? r : take_inherited_socket(config, error);
    if (!r && repository && !listener->socket_path && !listener->tcp_address && listener->inherited_fd < 0) {
        r = gate_config_set(config, "listen", "127.0.0.1:0", error);
    }
    r = r ? r : token_source_take_environment(config, "--token-file", error);
    token_source_forget_environment();
    r = r ? r : token_source_take_credentials(config, config_set_tokens_from, error);
    return r ? r : mint_token(config, mintedp, error);
}
