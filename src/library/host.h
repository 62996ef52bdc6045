/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/** host_check() - whether a server can run in the calling program. Return: 0, GATE_E_START. */
int host_check(struct gate_error *error);
