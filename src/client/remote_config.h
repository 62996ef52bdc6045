/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <limits.h>
#include <sys/types.h>

#include "base/span.h"

enum {
    REMOTE_CONFIG_MAX_BYTES = 16 * 1024,  /* of git's output */
    REMOTE_CONFIG_TIMEOUT_MS = 10 * 1000, /* for each wait for some of it */
};

/** struct remote_config - the settings for gates in git's configuration; an unset one is the empty string */
struct remote_config {
    char socket[PATH_MAX];
    char token_file[PATH_MAX];
};

/**
 * remote_config_read() - ask git for gate.socket and gate.tokenFile
 *
 * Runs "git config" and waits for it. Return: 0; -EMSGSIZE when the output is too long; -ETIMEDOUT; -ENOEXEC when git
 * cannot be run, or has told the user that it cannot read its configuration; or another errno.
 */
int remote_config_read(struct remote_config *config);

/**
 * remote_config_parse() - parse the output of git: NAME, a newline, VALUE, a NUL byte, and so on
 *
 * Return: 0, -EMSGSIZE when a value is longer than a path.
 */
int remote_config_parse(struct remote_config *config, struct span printed);
