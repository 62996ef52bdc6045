/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "http/reason.h"

struct conversation;

/* Each of them changes the state, and fills the wire if need be; those with a result return whether anything moved. */

/** conversation_begin_request() - its first bytes are there */
void conversation_begin_request(struct conversation *conversation);

/** conversation_judge() - the head is whole: decide what becomes of the request. Its bytes leave the input. */
bool conversation_judge(struct conversation *conversation);

/** conversation_look_ahead() - more of the body may be there: decide once enough of it is */
bool conversation_look_ahead(struct conversation *conversation);

/** conversation_refuse_body() - no process is started for this body: reply, and read no more of it */
bool conversation_refuse_body(struct conversation *conversation, enum reason code, const char *reason);

/** conversation_leave_queue() - wait no longer for a process: reply with @code */
void conversation_leave_queue(struct conversation *conversation, enum reason code, const char *reason);
