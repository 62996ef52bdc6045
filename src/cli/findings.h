/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "cli/probe.h"

/**
 * struct findings_subject - what was asked
 * @address: as people know it: "unix:PATH" or "http://HOST:PORT"
 * @socket_path: NULL when it was a port
 * @secrets: user and password; one of them is the token. Neither is shown, even if the server repeats it
 */
struct findings_subject {
    const struct probe_target *target;
    const char *address;
    const char *socket_path;
    const char *secrets[2];
};

/**
 * findings_print() - print on standard output what a probe found, one finding a line
 * @r: what probe_run() returned
 * @error: says why a client would not be served
 *
 * Return: 0 when a client would be served, GATE_E_INTERNAL when not.
 */
int findings_print(const struct findings_subject *subject, const struct probe *probe, int r, struct gate_error *error);
