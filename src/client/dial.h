/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* Where a container finds the socket of its gate, unless it is told otherwise. */
static const char dial_default_socket[] = "/run/git-gate/gate.sock";

/** dial_path() - the path in @text, which may also be "unix:PATH", as a gate prints it. Return: within @text. */
const char *dial_path(const char *text);

/**
 * dial_open() - connect to the Unix socket of a gate, without waiting
 * @fdp: receives the connection, non-blocking, the caller's from there on
 *
 * Return: 0 or a negative errno of connect(2): among them -EAGAIN, when too many others wait to be accepted, and
 * -ENAMETOOLONG.
 */
int dial_open(int *fdp, const char *path);

/** dial_may_pass() - whether what dial_open() returned may be better in a moment: a gate that starts, or a shortage */
bool dial_may_pass(int r);

/**
 * dial_explain() - say why @path could not be connected to, and what to do
 * @cause: an errno, positive
 * @names: what names another socket, as "--socket=PATH or GIT_GATE_SOCKET"
 *
 * Return: GATE_E_INTERNAL, or GATE_E_USAGE for a path that can be none.
 */
int dial_explain(const char *path, int cause, const char *names, struct gate_error *error);
