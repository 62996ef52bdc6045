/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any answer to git-gate check. The outcome does not depend on the cut, an end stays one, and kept bytes have a
 * terminator within their bound. Packets without HTTP around them are tried as well.
 */

#include "fuzz.h"

#include "cli/answer.h"

enum {
    OUTCOME_OPEN = 100, /* stands for a need of more bytes */
};

static bool is_end(enum advertisement_state state) {
    return state >= ADVERTISEMENT_WHOLE;
}

static void check_advertisement(const struct advertisement *advertisement) {
    require(advertisement->state < ADVERTISEMENT_STATE_COUNT);
    require(strnlen(advertisement->agent, sizeof(advertisement->agent)) < sizeof(advertisement->agent));
    if (advertisement->state == ADVERTISEMENT_REFUSED) {
        require(strnlen(advertisement->line, sizeof(advertisement->line)) < sizeof(advertisement->line));
    }
}

static bool same_advertisement(const struct advertisement *a, const struct advertisement *b) {
    return a->state == b->state && a->has_ls_refs == b->has_ls_refs && a->has_fetch == b->has_fetch &&
           strcmp(a->agent, b->agent) == 0 && (a->state != ADVERTISEMENT_REFUSED || strcmp(a->line, b->line) == 0);
}

/* Feeds it whole, in two parts, and byte by byte. After an end, only nonsense may follow. */
static void check_packets(struct span bytes) {
    size_t cut = fuzz_hash(bytes) % (bytes.size + 1);
    struct advertisement whole = {0};
    struct advertisement in_two = {0};
    struct advertisement by_byte = {0};

    advertisement_feed(&whole, bytes);
    check_advertisement(&whole);
    advertisement_feed(&in_two, fuzz_prefix(bytes, cut));
    advertisement_feed(&in_two, fuzz_behind(bytes, cut));
    for (size_t i = 0; i < bytes.size; i++) {
        enum advertisement_state before = by_byte.state;

        advertisement_feed(&by_byte, (struct span){bytes.data + i, 1});
        require(!is_end(before) || by_byte.state == (before == ADVERTISEMENT_WHOLE ? ADVERTISEMENT_NONSENSE : before));
    }
    require(same_advertisement(&whole, &in_two) && same_advertisement(&whole, &by_byte));
}

/* Each piece has its own memory. */
static int feed(struct answer *answer, struct span bytes) {
    char *copy = fuzz_copy(bytes);
    int r = answer_feed(answer, (struct span){copy, bytes.size});

    free(copy);
    return r;
}

static int outcome(struct answer *answer, int r) {
    require(r == 0 || r == ANSWER_E_NONSENSE || r == ANSWER_E_TOO_LARGE);
    require(!r || !answer->is_whole);
    require(answer->text_size <= sizeof(answer->text) && (answer->status == 0 || answer->status >= 200));
    for (size_t i = 0; i < ANSWER_FIELD_COUNT; i++) {
        require(strnlen(answer->field[i], sizeof(answer->field[i])) <= ANSWER_VALUE_MAX);
    }
    check_advertisement(&answer->advertisement);
    if (!r) {
        answer_finish(answer);
    }
    return r ? r : answer->is_whole ? 0 : OUTCOME_OPEN;
}

static void check_answer(struct span bytes) {
    size_t cut = fuzz_hash(bytes) % (bytes.size + 1);
    struct answer whole;
    struct answer in_two;
    struct answer by_byte;
    int second;
    int third = 0;
    int r;

    answer_init(&whole);
    r = outcome(&whole, feed(&whole, bytes));
    answer_init(&in_two);
    second = feed(&in_two, fuzz_prefix(bytes, cut));
    second = outcome(&in_two, second ? second : feed(&in_two, fuzz_behind(bytes, cut)));
    answer_init(&by_byte);
    for (size_t i = 0; i < bytes.size && !third; i++) {
        third = feed(&by_byte, (struct span){bytes.data + i, 1});
    }
    third = outcome(&by_byte, third);
    if (bytes.size <= ANSWER_MAX_BYTES) {
        require(second == r && third == r);
    }
    if (r == 0 && second == 0 && third == 0) {
        require(in_two.status == whole.status && by_byte.status == whole.status);
        require(same_advertisement(&whole.advertisement, &in_two.advertisement));
        require(same_advertisement(&whole.advertisement, &by_byte.advertisement));
        require(fuzz_same((struct span){whole.text, whole.text_size}, (struct span){by_byte.text, by_byte.text_size}));
        for (size_t i = 0; i < ANSWER_FIELD_COUNT; i++) {
            require(strcmp(whole.field[i], by_byte.field[i]) == 0 && strcmp(whole.field[i], in_two.field[i]) == 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *copy = fuzz_copy((struct span){(const char *)data, size});

    check_answer((struct span){copy, size});
    check_packets((struct span){copy, size});
    free(copy);
    return 0;
}
