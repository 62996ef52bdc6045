/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "access/route.h"
#include "backend/dependencies.h"
#include "base/span.h"

enum {
    ADVERTISEMENT_CACHE_MAX = 16,         /* repositories; of more, the one that was kept first makes room */
    ADVERTISEMENT_CACHE_MAX_BYTES = 4096, /* of one output, its head included: git's have some 400 */
};

struct request;

/** struct cached_advertisement - git-http-backend's output for a repository, and what that depends on */
struct cached_advertisement {
    char repository[ROUTE_REPOSITORY_MAX_BYTES + 1];
    struct dependencies dependencies;
    size_t size;
    char bytes[ADVERTISEMENT_CACHE_MAX_BYTES];
};

/**
 * struct advertisement_cache - those that are kept
 * @settings: the server's, which keeps them
 * @is_enabled: something may be kept
 * @entries, @n_entries: each allocated when it is
 * @next_victim: whose entry is taken by the next one, when all are taken
 */
struct advertisement_cache {
    const struct environ_settings *settings;
    bool is_enabled;
    struct cached_advertisement *entries[ADVERTISEMENT_CACHE_MAX];
    size_t n_entries;
    size_t next_victim;
};

/**
 * advertisement_cache_init() - keep nothing yet
 * @settings: of the server, with its exec path; kept by the caller
 * @is_wanted: if not, nothing ever is; nor if a setting of --git-config makes the output depend on more than is looked at
 */
void advertisement_cache_init(struct advertisement_cache *cache, const struct environ_settings *settings,
                              bool is_wanted);

/** advertisement_cache_deinit() - free what is kept */
void advertisement_cache_deinit(struct advertisement_cache *cache);

/** advertisement_cache_covers() - whether the output for this request, which passed all checks, may be kept */
bool advertisement_cache_covers(const struct advertisement_cache *cache, const struct request *request);

/**
 * advertisement_cache_lookup() - what git-http-backend would write now
 *
 * Return: its output; data is NULL when nothing is kept that would still be true. Valid until anything is kept.
 */
struct span advertisement_cache_lookup(struct advertisement_cache *cache, const char *repository);

/**
 * advertisement_cache_prepare() - look at what the output depends on, before git does
 *
 * Return: for advertisement_cache_store(), which frees it, or free(3); NULL when it is not going to be kept.
 */
struct dependencies *advertisement_cache_prepare(const struct advertisement_cache *cache, const char *repository);

/**
 * advertisement_cache_store() - keep @output, a whole and good one of git-http-backend, unless something has changed
 * @before: what advertisement_cache_prepare() saw before git was started; NULL keeps nothing
 */
void advertisement_cache_store(struct advertisement_cache *cache, const char *repository, struct dependencies *before,
                               struct span output);
