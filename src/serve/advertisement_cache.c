/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Keeps capability advertisements in memory, so that git need not be started to repeat one. Before each use, the cache
 * looks at every file that the advertisement depends on. After any change, git is started again. The cache must not
 * keep an advertisement if one of these files changed while git made it.
 */

#include "serve/advertisement_cache.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "serve/request_log.h"

void advertisement_cache_init(struct advertisement_cache *cache, const struct environ_settings *settings,
                              bool is_wanted) {
    *cache = (struct advertisement_cache){.settings = settings, .is_enabled = is_wanted};
    for (char *const *setting = settings->git_config; *setting; setting++) {
        cache->is_enabled = cache->is_enabled && dependencies_allow(*setting);
    }
}

void advertisement_cache_deinit(struct advertisement_cache *cache) {
    while (cache->n_entries > 0) {
        free(cache->entries[--cache->n_entries]);
    }
}

/* Covers protocol version 2 alone. git itself handles every other value of Git-Protocol, present and future. */
bool advertisement_cache_covers(const struct advertisement_cache *cache, const struct request *request) {
    const struct route *route = request->route;

    return cache->is_enabled && route->query && !route->pushes && strcmp(request->git_protocol, "version=2") == 0;
}

static struct cached_advertisement **find_entry(struct advertisement_cache *cache, const char *repository) {
    for (size_t i = 0; i < cache->n_entries; i++) {
        if (strcmp(cache->entries[i]->repository, repository) == 0) {
            return &cache->entries[i];
        }
    }
    return NULL;
}

struct span advertisement_cache_lookup(struct advertisement_cache *cache, const char *repository) {
    struct cached_advertisement **entry = find_entry(cache, repository);
    struct dependencies now;

    if (!entry || !dependencies_look(&now, cache->settings, repository) ||
        !dependencies_equal(&now, &(*entry)->dependencies)) {
        return (struct span){NULL, 0};
    }
    return (struct span){(*entry)->bytes, (*entry)->size};
}

struct dependencies *advertisement_cache_prepare(const struct advertisement_cache *cache, const char *repository) {
    struct dependencies *before = malloc(sizeof(*before));

    if (before &&
        !(dependencies_look(before, cache->settings, repository) && dependencies_settled(before, time(NULL)))) {
        free(before);
        return NULL;
    }
    return before;
}

/* Finds the repository's entry, makes a new one, or reuses the oldest one. Return: NULL when out of memory. */
static struct cached_advertisement *make_entry(struct advertisement_cache *cache, const char *repository) {
    struct cached_advertisement **entry = find_entry(cache, repository);

    if (!entry && cache->n_entries < ADVERTISEMENT_CACHE_MAX) {
        cache->entries[cache->n_entries] = malloc(sizeof(struct cached_advertisement));
        return cache->entries[cache->n_entries] ? cache->entries[cache->n_entries++] : NULL;
    }
    if (!entry) {
        entry = &cache->entries[cache->next_victim];
        cache->next_victim = (cache->next_victim + 1) % ADVERTISEMENT_CACHE_MAX;
    }
    return *entry;
}

void advertisement_cache_store(struct advertisement_cache *cache, const char *repository, struct dependencies *before,
                               struct span output) {
    struct cached_advertisement *entry;
    struct dependencies now;

    if (before && output.size <= ADVERTISEMENT_CACHE_MAX_BYTES &&
        dependencies_look(&now, cache->settings, repository) && dependencies_undisturbed(before, &now) &&
        dependencies_suffice(&now, cache->settings, repository) && (entry = make_entry(cache, repository))) {
        memcpy(entry->repository, repository, strlen(repository) + 1);
        entry->dependencies = now;
        entry->size = output.size;
        memcpy(entry->bytes, output.data, output.size);
    }
    free(before);
}
