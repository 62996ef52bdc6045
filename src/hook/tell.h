/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "hook/push.h"

/** tell_begin() - take over the descriptor of TELL_VARIABLE, so that no other hook or program gets it */
void tell_begin(void);

/**
 * tell_kinds() - tell the gate which updates are fast-forwards and which are forced, for its log
 *
 * It never waits. Lines that do not fit into the pipe are lost.
 */
void tell_kinds(const struct push *push);
