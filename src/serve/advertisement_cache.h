/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "access/route.h"
#include "backend/dependencies.h"
#include "base/span.h"

enum {
    ADVERTISEMENT_CACHE_MAX = 16,         /* repositories; the next one replaces the oldest entry */
    ADVERTISEMENT_CACHE_MAX_BYTES = 4096, /* of one output with its head; git writes about 400 */
};

struct request;

/** struct cached_advertisement - the output for a repository, with its CGI head, and the files that it depends on */
struct cached_advertisement {
    char repository[ROUTE_REPOSITORY_MAX_BYTES + 1];
    struct dependencies dependencies;
    size_t size;
    char bytes[ADVERTISEMENT_CACHE_MAX_BYTES];
};

/**
 * struct advertisement_cache - the advertisements in memory
 * @settings: the gate's, kept by the caller
 * @is_enabled: whether anything may be kept
 * @entries, @n_entries: each entry is allocated when it is first needed
 * @next_victim: the index of the entry to overwrite next, when all are in use
 */
struct advertisement_cache {
    const struct environ_settings *settings;
    bool is_enabled;
    struct cached_advertisement *entries[ADVERTISEMENT_CACHE_MAX];
    size_t n_entries;
    size_t next_victim;
};

/**
 * advertisement_cache_init() - begin with an empty cache
 * @settings: the gate's, with the exec path; kept by the caller
 * @is_wanted: if false, nothing is ever kept
 *
 * The cache also stays empty if a setting of --git-config makes the output depend on anything that the cache does not
 * look at.
 */
void advertisement_cache_init(struct advertisement_cache *cache, const struct environ_settings *settings,
                              bool is_wanted);

/** advertisement_cache_deinit() - free all entries */
void advertisement_cache_deinit(struct advertisement_cache *cache);

/** advertisement_cache_covers() - whether the output for @request, which has passed all checks, may be kept */
bool advertisement_cache_covers(const struct advertisement_cache *cache, const struct request *request);

/**
 * advertisement_cache_lookup() - find the output that git would write now
 *
 * Return: the output, valid until the next advertisement_cache_store(); data is NULL when there is none, or a
 * dependency has changed.
 */
struct span advertisement_cache_lookup(struct advertisement_cache *cache, const char *repository);

/**
 * advertisement_cache_prepare() - look at all dependencies, before git reads them
 *
 * Return: an argument for advertisement_cache_store(), which frees it; free(3) frees it as well. NULL when the output
 * will not be kept.
 */
struct dependencies *advertisement_cache_prepare(const struct advertisement_cache *cache, const char *repository);

/**
 * advertisement_cache_store() - keep @output unless a dependency has changed
 * @before: from advertisement_cache_prepare(), called before git was started; it is freed. With NULL nothing is kept.
 * @output: the whole output of a git that has succeeded, with its CGI head
 */
void advertisement_cache_store(struct advertisement_cache *cache, const char *repository, struct dependencies *before,
                               struct span output);
