/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct gate;

/**
 * confinement_enter() - confine the calling thread to the paths and calls that a serving gate needs, and log the result
 *
 * With --confine=off it only logs. Call it last, right before clients are accepted.
 *
 * Return: 0, GATE_E_*.
 */
int confinement_enter(struct gate *gate, struct gate_error *error);

/**
 * confinement_has_lost() - whether another folder has replaced a repository of --scope since start
 * @repository: its name
 *
 * Confined processes cannot open the new folder. With --scope=* it is always false: then the whole mirror root is open.
 */
bool confinement_has_lost(const struct gate *gate, const char *repository);
