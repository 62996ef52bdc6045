/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns the capability advertisements that are kept in memory, so that git need not be started for what it has said before.
 * Each time they are used, all that they depend on is looked at; the first difference, and git is asked again.
 */

#include "serve/advertisement_cache.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "serve/request.h"

void advertisement_cache_init(struct advertisement_cache *cache, const struct environ_settings *settings,
                              bool is_wanted) {
    *cache = (struct advertisement_cache){.settings = settings, .is_on = is_wanted};
    for (char *const *setting = settings->git_config; *setting; setting++) {
        cache->is_on = cache->is_on && dependencies_allow(*setting);
    }
}

void advertisement_cache_deinit(struct advertisement_cache *cache) {
    while (cache->n_kept > 0) {
        free(cache->kept[--cache->n_kept]);
    }
}

/* Whatever else a Git-Protocol field may say, or mean one day, is for git to understand. */
bool advertisement_cache_concerns(const struct advertisement_cache *cache, const struct request *request) {
    const struct route *route = request->route;

    return cache->is_on && route->query && !route->pushes && strcmp(request->git_protocol, "version=2") == 0;
}

static struct advertisement **find_place(struct advertisement_cache *cache, const char *repository) {
    for (size_t i = 0; i < cache->n_kept; i++) {
        if (strcmp(cache->kept[i]->repository, repository) == 0) {
            return &cache->kept[i];
        }
    }
    return NULL;
}

struct span advertisement_cache_find(struct advertisement_cache *cache, const char *repository) {
    struct advertisement **place = find_place(cache, repository);
    struct dependencies now;

    if (!place || !dependencies_look(&now, cache->settings, repository) ||
        !dependencies_equal(&now, &(*place)->dependencies)) {
        return (struct span){NULL, 0};
    }
    return (struct span){(*place)->bytes, (*place)->size};
}

struct dependencies *advertisement_cache_watch(const struct advertisement_cache *cache, const char *repository) {
    struct dependencies *before = malloc(sizeof(*before));

    if (before && !dependencies_look(before, cache->settings, repository)) {
        free(before);
        return NULL;
    }
    return before;
}

/* The place of what was kept for this repository, or a new one, or the oldest. Return: NULL when memory is out. */
static struct advertisement *make_place(struct advertisement_cache *cache, const char *repository) {
    struct advertisement **place = find_place(cache, repository);

    if (!place && cache->n_kept < ADVERTISEMENT_CACHE_MAX) {
        cache->kept[cache->n_kept] = malloc(sizeof(struct advertisement));
        return cache->kept[cache->n_kept] ? cache->kept[cache->n_kept++] : NULL;
    }
    if (!place) {
        place = &cache->kept[cache->next];
        cache->next = (cache->next + 1) % ADVERTISEMENT_CACHE_MAX;
    }
    return *place;
}

void advertisement_cache_keep(struct advertisement_cache *cache, const char *repository, struct dependencies *before,
                              struct span output) {
    struct advertisement *place;
    struct dependencies now;

    if (before && output.size <= ADVERTISEMENT_CACHE_MAX_BYTES &&
        dependencies_look(&now, cache->settings, repository) && dependencies_equal(before, &now) &&
        dependencies_suffice(&now, cache->settings, repository, time(NULL)) &&
        (place = make_place(cache, repository))) {
        memcpy(place->repository, repository, strlen(repository) + 1);
        place->dependencies = now;
        place->size = output.size;
        memcpy(place->bytes, output.data, output.size);
    }
    free(before);
}
