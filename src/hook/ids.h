/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    IDS_ID_MAX = 65, /* with terminator */
    IDS_N_KEYS = 16,
};

struct ids_slot {
    char id[IDS_ID_MAX];
    bool is_taken;
};

/**
 * struct ids - a set of object ids in hexadecimal
 * @n_slots: a power of two, or 0
 */
struct ids {
    struct ids_slot *slots;
    size_t n_slots;
    size_t n_entries;
    size_t max_entries;
    uint64_t keys[IDS_N_KEYS];
};

#define IDS_FULL 1

/**
 * ids_init() - make an empty set
 * @max_entries: what it has room for
 *
 * Return: 0 or a negative errno. ids_deinit() is safe in both cases.
 */
int ids_init(struct ids *ids, size_t max_entries);
void ids_deinit(struct ids *ids);

/** ids_add() - add one. Return: 0; IDS_FULL when there is no room for it; a negative errno. */
int ids_add(struct ids *ids, const char *id);

/** ids_take() - mark one as taken. Return: whether it is in the set. */
bool ids_take(struct ids *ids, const char *id);

/** ids_write_rest() - write those that are not taken, a line each. Return: 0 or a negative errno. */
int ids_write_rest(const struct ids *ids, FILE *to);
