/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct conversation;

enum {
    DEADLINE_LINGER_TIMEOUT_S = 2, /* for a refused client to read why before the socket is gone */
    DEADLINE_SHUT_TIMEOUT_S = 5,   /* without progress, for a client that sends no more: it may be gone */
};

/**
 * struct deadline_marks - since when nothing has moved, on the clock of the loop
 * @progress_us: any progress, or the change of the state
 * @work_us: the same without git's word that a push is still being worked on: see exchange_is_idle()
 */
struct deadline_marks {
    uint64_t progress_us;
    uint64_t work_us;
};

/** deadline_of() - when the time of a conversation is up if nothing moves until then, on the clock of the loop */
uint64_t deadline_of(const struct conversation *conversation, const struct deadline_marks *marks);

/** deadline_is_of_request() - whether the current request has taken longer than --request-timeout allows */
bool deadline_is_of_request(const struct conversation *conversation);
