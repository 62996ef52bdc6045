/* SPDX-License-Identifier: Apache-2.0 */

/* The body of a push. The forecast does not depend on the cut. */

#include "fuzz.h"

#include "backend/foresight.h"

static bool look(struct span body, size_t step) {
    struct foresight *foresight;
    bool loses_nothing;

    require(foresight_new(&foresight) == 0);
    for (size_t at = 0; at < body.size; at += step) {
        foresight_feed(foresight, fuzz_prefix(fuzz_behind(body, at), step));
    }
    loses_nothing = foresight_loses_nothing(foresight);
    require(!foresight_free(foresight));
    return loses_nothing;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *copy = fuzz_copy((struct span){(const char *)data, size});
    const struct span body = {copy, size};
    const bool loses_nothing = look(body, size + 1);

    require(look(body, 1) == loses_nothing);
    require(look(body, fuzz_hash(body) % 64 + 1) == loses_nothing);
    free(copy);
    return 0;
}
