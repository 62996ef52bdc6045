/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "http/reason.h"

struct conversation;

/* These functions change the state and may fill the wire. A bool result says whether anything moved. */

/** conversation_begin_request() - begin a request when its first bytes have come */
void conversation_begin_request(struct conversation *conversation);

/** conversation_judge() - check a request whose head is whole, and refuse it or go on. The head leaves the input. */
bool conversation_judge(struct conversation *conversation);

/** conversation_look_ahead() - check the body ahead, and admit the request when enough of it has come */
bool conversation_look_ahead(struct conversation *conversation);

/** conversation_refuse_body() - reply with @code, start no process for this body, and read no more of it */
bool conversation_refuse_body(struct conversation *conversation, enum reason code, const char *reason);

/** conversation_leave_queue() - stop waiting for a process, and reply with @code */
void conversation_leave_queue(struct conversation *conversation, enum reason code, const char *reason);
