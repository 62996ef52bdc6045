/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct conversation;

enum {
    DEADLINE_LINGER_TIMEOUT_S = 2, /* a refused client's time to read the reason before the socket closes */
    DEADLINE_DRAIN_GRACE_MS = 100, /* at drain, from accept(2) or the last response, for a request on its way */
    DEADLINE_SHUT_TIMEOUT_S = 5,   /* without progress, after a client has stopped sending: it may be gone */
};

/**
 * struct deadline_marks - the times of the last progress, on the loop's clock
 * @progress_us: of any progress, or of the last change of state
 * @work_us: the same, but without git's keep-alives during a push: exchange_is_idle()
 */
struct deadline_marks {
    uint64_t progress_us;
    uint64_t work_us;
};

/** deadline_of() - the time on the loop's clock at which the conversation times out if nothing moves until then */
uint64_t deadline_of(const struct conversation *conversation, const struct deadline_marks *marks);

/** deadline_is_of_request() - whether the current request has taken longer than --request-timeout allows */
bool deadline_is_of_request(const struct conversation *conversation);
