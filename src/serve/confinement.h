/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct gate;

/**
 * confinement_enter() - confine the calling thread to what the server needs from now on, and say in the log what is in
 * force
 *
 * Nothing is confined when it is switched off. To be called last of all before clients are accepted.
 *
 * Return: 0, GATE_E_*.
 */
int confinement_enter(struct gate *gate, struct gate_error *error);

/**
 * confinement_has_lost() - whether the one repository that is served is another folder now than it was at start, which
 * confined processes cannot open
 */
bool confinement_has_lost(const struct gate *gate);
