/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A push and its report. The first two bytes are the length of the request, and the answer follows it. The result does
 * not depend on the cut, and is bounded.
 */

#include "fuzz.h"

#include "backend/move_kinds.h"
#include "backend/pushed.h"

static struct pushed *pushed_of(struct span request, struct span answer, size_t step) {
    struct pushed *pushed = calloc(1, sizeof(*pushed));

    require(pushed);
    for (size_t at = 0; at < request.size; at += step) {
        require(pushed_feed_request(pushed, fuzz_prefix(fuzz_behind(request, at), step)) == 0);
    }
    for (size_t at = 0; at < answer.size; at += step) {
        pushed_feed_answer(pushed, fuzz_prefix(fuzz_behind(answer, at), step));
    }
    return pushed;
}

static void free_pushed(struct pushed *pushed) {
    pushed_deinit(pushed);
    free(pushed);
}

static bool is_id(const char *id) {
    size_t size = strlen(id);

    return (size == 40 || size == 64) && strspn(id, "0123456789abcdefABCDEF") == size;
}

static void check(const struct pushed *pushed) {
    require(pushed->n_moves <= PUSHED_LISTED_MAX);
    require(pushed->n_moves == (pushed->n_commands < PUSHED_LISTED_MAX ? pushed->n_commands : PUSHED_LISTED_MAX));
    for (size_t i = 0; i < pushed->n_moves; i++) {
        const struct pushed_move *move = &pushed->moves[i];

        require(is_id(move->old_id) && is_id(move->new_id) && strlen(move->ref) <= PUSHED_LINE_MAX);
        require(move->result == PUSHED_REFUSED || !move->reason[0]);
    }
}

static void compare(const struct pushed *a, const struct pushed *b) {
    require(a->n_commands == b->n_commands && a->n_moves == b->n_moves && a->is_broken == b->is_broken);
    require(a->n_ok == b->n_ok && a->n_refused == b->n_refused);
    for (size_t i = 0; i < a->n_moves; i++) {
        require(strcmp(a->moves[i].ref, b->moves[i].ref) == 0 && a->moves[i].result == b->moves[i].result);
        require(strcmp(a->moves[i].reason, b->moves[i].reason) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t n_request = size < 2 ? 0 : ((size_t)data[0] << 8 | data[1]) % (size - 1);
    struct span bytes = {(const char *)data + (size < 2 ? size : 2), size < 2 ? 0 : size - 2};
    char *request = fuzz_copy(fuzz_prefix(bytes, n_request));
    char *answer = fuzz_copy(fuzz_behind(bytes, n_request));
    struct span parts[2] = {{request, n_request}, {answer, bytes.size - n_request}};
    struct pushed *whole = pushed_of(parts[0], parts[1], size + 1);
    struct pushed *by_byte = pushed_of(parts[0], parts[1], 1);
    struct pushed *in_pieces = pushed_of(parts[0], parts[1], fuzz_hash(bytes) % 64 + 1);

    check(whole);
    compare(whole, by_byte);
    compare(whole, in_pieces);
    move_kinds_take(whole, parts[1]); /* as if git-gate-hook had told it */
    compare(whole, by_byte);
    free_pushed(whole);
    free_pushed(by_byte);
    free_pushed(in_pieces);
    free(request);
    free(answer);
    return 0;
}
