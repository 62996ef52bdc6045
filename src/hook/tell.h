/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "hook/push.h"

/** tell_begin() - take the descriptor of TELL_VARIABLE, so that no other hook gets it, nor what it starts */
void tell_begin(void);

/**
 * tell_kinds() - tell the gate how references move, as far as it is known: for its records
 *
 * Never waits. What there is no room for stays untold.
 */
void tell_kinds(const struct push *push);
