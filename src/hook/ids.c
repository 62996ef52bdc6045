/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Remembers ids of objects, up to a fixed number. It is a hash table with linear probing, at most half full. A pusher
 * chooses the ids, so the hash has random keys: no choice of ids makes the table slow.
 */

#include "hook/ids.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    SLOTS_MIN = 1024,
};

int ids_init(struct ids *ids, size_t max_entries) {
    *ids = (struct ids){.max_entries = max_entries};
    return getrandom(ids->keys, sizeof(ids->keys), 0) == (ssize_t)sizeof(ids->keys) ? 0 : -EIO;
}

void ids_deinit(struct ids *ids) {
    free(ids->slots);
    ids->slots = NULL;
    ids->n_slots = ids->n_entries = 0;
}

/* Return: the slot that has the id, or that it would get. There is an empty one. */
static struct ids_slot *find(const struct ids *ids, const char *id) {
    const size_t size = strlen(id);
    uint64_t sum = 0;

    for (size_t i = 0; 4 * i + 4 <= size; i++) {
        uint32_t word;

        memcpy(&word, id + 4 * i, sizeof(word));
        sum += ids->keys[i % IDS_N_KEYS] * word;
    }
    for (size_t at = (size_t)(sum >> 32);; at++) {
        struct ids_slot *slot = &ids->slots[at & (ids->n_slots - 1)];

        if (!*slot->id || strcmp(slot->id, id) == 0) {
            return slot;
        }
    }
}

static int grow(struct ids *ids) {
    struct ids larger = *ids;

    larger.n_slots = ids->n_slots ? 2 * ids->n_slots : SLOTS_MIN;
    larger.slots = calloc(larger.n_slots, sizeof(*larger.slots));
    if (!larger.slots) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < ids->n_slots; i++) {
        if (*ids->slots[i].id) {
            *find(&larger, ids->slots[i].id) = ids->slots[i];
        }
    }
    free(ids->slots);
    *ids = larger;
    return 0;
}

int ids_add(struct ids *ids, const char *id) {
    const size_t size = strlen(id);
    struct ids_slot *slot;

    if (size == 0 || size >= IDS_ID_MAX) {
        return -EINVAL;
    }
    if (ids->n_entries >= ids->max_entries) {
        return IDS_FULL;
    }
    if (2 * ids->n_entries >= ids->n_slots) {
        int r = grow(ids);

        if (r) {
            return r;
        }
    }
    slot = find(ids, id);
    if (!*slot->id) {
        memcpy(slot->id, id, size + 1);
        ids->n_entries++;
    }
    return 0;
}

bool ids_take(struct ids *ids, const char *id) {
    struct ids_slot *slot = ids->n_slots > 0 ? find(ids, id) : NULL;

    if (!slot || !*slot->id) {
        return false;
    }
    slot->is_taken = true;
    return true;
}

int ids_write_rest(const struct ids *ids, FILE *to) {
    for (size_t i = 0; i < ids->n_slots; i++) {
        if (*ids->slots[i].id && !ids->slots[i].is_taken && fprintf(to, "%s\n", ids->slots[i].id) < 0) {
            return -EIO;
        }
    }
    return 0;
}
