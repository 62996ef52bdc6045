/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/socket.h>

#include "cli/answer.h"

enum {
    PROBE_STEP_MS = 5000,   /* for the connection, and for each wait for bytes */
    PROBE_TOTAL_MS = 10000, /* for all of them */
};

/**
 * struct probe_target - the address, the repository and the credentials of a probe
 * @address, @address_size: a Unix or a TCP socket
 * @host: for the Host field
 * @repository: without ".git"
 * @credentials: what token_encode() has made
 */
struct probe_target {
    struct sockaddr_storage address;
    socklen_t address_size;
    const char *host;
    const char *repository;
    const char *credentials;
};

enum {
    PROBE_E_CONNECT = 1, /* see cause */
    PROBE_E_BACKLOG,     /* nobody took the connection in time */
    PROBE_E_SILENT,      /* connected, and no byte came in time */
    PROBE_E_STALLED,     /* some bytes came, and then none in time */
    PROBE_E_SLOW,        /* bytes kept coming until the time for all of them was over */
    PROBE_E_HUNG_UP,     /* the connection ended without a byte */
    PROBE_E_CUT,         /* the connection ended in the middle of the response */
    PROBE_E_NONSENSE,    /* the answer is not HTTP */
    PROBE_E_TOO_LARGE,   /* longer than ANSWER_MAX_BYTES */
};

/**
 * struct probe - the result of a probe
 * @is_connected: the kernel has made the connection; the server may not have accepted it yet
 * @cause: errno, for PROBE_E_CONNECT
 * @answer: whole when probe_run() succeeds, whatever its status
 * @duration_ms: from the beginning to the last byte
 */
struct probe {
    bool is_connected;
    int cause;
    struct answer answer;
    unsigned duration_ms;
};

/**
 * probe_run() - ask for the advertisement of a fetch, as a git client does
 *
 * Waits, but no longer than the times above. Return: 0, PROBE_E_*, or a negative errno of this system.
 */
int probe_run(struct probe *probe, const struct probe_target *target);
