/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* The default path of the gate's socket in a container. */
static const char dial_default_socket[] = "/run/git-gate/gate.sock";

/** dial_path() - the path in @text, which is PATH or, as a gate prints it, "unix:PATH". Return: within @text. */
const char *dial_path(const char *text);

/**
 * dial_open() - connect to the Unix socket of a gate, without waiting
 * @fdp: receives the connection, non-blocking; the caller owns it
 * @path: or vsock:CID:PORT, see vsock_open(); the same for the functions below
 *
 * Return: 0 or a negative errno of connect(2), for example -EAGAIN when the listen backlog is full, or -ENAMETOOLONG.
 */
int dial_open(int *fdp, const char *path);

/**
 * dial_is_early() - whether @r, the result of dial_open(), means that no gate listens on @path yet
 *
 * Then the socket is missing and its folder exists, or the socket is left from a gate that has ended.
 */
bool dial_is_early(int r, const char *path);

/** dial_may_pass() - whether @r, the result of dial_open(), may pass soon: a gate starts, or a resource is short */
bool dial_may_pass(int r, const char *path);

/**
 * dial_explain() - say why connecting to @path failed, and what to do
 * @cause: an errno, positive
 * @names: how to name another socket, for example "--socket=PATH or GIT_GATE_SOCKET"
 *
 * Return: GATE_E_INTERNAL, or GATE_E_USAGE for a path that is too long for a socket.
 */
int dial_explain(const char *path, int cause, const char *names, struct gate_error *error);
