/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <limits.h>
#include <sys/types.h>

#include "base/span.h"

enum {
    REMOTE_CONFIG_MAX_BYTES = 16 * 1024,  /* of what git prints */
    REMOTE_CONFIG_TIMEOUT_MS = 10 * 1000, /* for git to print some of it */
};

/** struct remote_config - what git's configuration says of gates; a text is empty when it says nothing */
struct remote_config {
    char socket[PATH_MAX];
    char token_file[PATH_MAX];
};

/**
 * remote_config_read() - ask git for gate.socket and gate.tokenFile, of whichever file or option has the last word
 *
 * Runs "git config" and waits for it. Return: 0, -EMSGSIZE when there is too much of it, -ETIMEDOUT, -ENOEXEC when git
 * cannot be run or cannot read its configuration, of which it has told the user, an errno of the system.
 */
int remote_config_read(struct remote_config *config);

/**
 * remote_config_parse() - the same for what git printed: NAME, a newline, VALUE, a NUL byte, and so on
 *
 * Return: 0, -EMSGSIZE when a value is longer than a path.
 */
int remote_config_parse(struct remote_config *config, struct span printed);
