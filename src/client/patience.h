/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum {
    PATIENCE_S = 30,            /* the default of GIT_GATE_WAIT, for a gate that does not listen yet */
    PATIENCE_MAX_S = 24 * 3600, /* its maximum */
    PATIENCE_RETRY_MS = 100,    /* between two attempts to connect */
    PATIENCE_TELL_MS = 1000,    /* of waiting, until a person is told about it */
};

/**
 * patience_find() - read how long to wait for a gate from GIT_GATE_WAIT
 * @wait_msp: set on success; PATIENCE_S without the variable, 0 for no wait
 *
 * Return: 0 or GATE_E_USAGE.
 */
int patience_find(int64_t *wait_msp, struct gate_error *error);

/**
 * patience_dial() - connect as dial_open() does, and wait for a gate that does not listen yet
 * @fdp: receives the connection; the caller owns it
 * @wait_ms: how long to wait, while dial_is_early() holds
 * @program: the name of this program, for patience_tell()
 * @watched: a descriptor whose hang-up ends the wait; -1 for none
 *
 * Return: as dial_open().
 */
int patience_dial(int *fdp, const char *path, int64_t wait_ms, const char *program, int watched);

/**
 * patience_tell() - tell a person what @program waits for, once PATIENCE_TELL_MS have passed
 * @waited_ms: how long it has waited
 * @wait_ms: how long it will
 *
 * It prints only if standard error is a terminal. Return: whether it has told.
 */
bool patience_tell(const char *program, const char *path, int64_t waited_ms, int64_t wait_ms);
