/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Counts the packs and loose objects of a repository, and looks for bitmaps and commit-graphs. These decide how much
 * work a clone is for git. The repository is hostile: only names and sizes are read, up to a limit, and no link is
 * followed. Nothing is changed.
 */

#include "backend/upkeep.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/folder.h"

/* The index of a pack has a fan-out table, and for each object its id, a checksum and an offset: gitformat-pack(5). */
enum {
    INDEX_HEADER_BYTES = 8 + 256 * 4,
    INDEX_CHECKSUM_BYTES = 4,
    INDEX_OFFSET_BYTES = 4,
    SHA1_BYTES = 20,
    SHA256_BYTES = 32,
    LOOSE_FOLDERS = 256,
};

/* git gc --auto counts the loose objects of this folder, too. */
static const char loose_sample[] = "17";

/* How much was read, and until when more may be read. */
struct bounds {
    size_t n_entries;
    int64_t deadline_ms;
};

static struct dirent *next(struct bounds *bounds, DIR *folder) {
    return bounds->n_entries++ < UPKEEP_ENTRIES_MAX && clock_now_ms() < bounds->deadline_ms ? readdir(folder) : NULL;
}

static bool ends_with(const char *name, const char *end) {
    size_t size = strlen(name);

    return size > strlen(end) && strcmp(name + size - strlen(end), end) == 0;
}

/* Counts the objects of an index. The length of the pack's name tells the length of their ids. */
static uint64_t count_objects(const char *name, off_t size) {
    const bool is_sha256 = strlen(name) == strlen("pack-.idx") + (size_t)SHA256_BYTES * 2;
    const off_t id = is_sha256 ? SHA256_BYTES : SHA1_BYTES;
    const off_t fixed = INDEX_HEADER_BYTES + 2 * id; /* two checksums are at the end */

    return size > fixed ? (uint64_t)((size - fixed) / (id + INDEX_CHECKSUM_BYTES + INDEX_OFFSET_BYTES)) : 0;
}

static void look_at_pack(struct upkeep *upkeep, int folder, const char *name) {
    struct stat status;

    if (ends_with(name, ".idx") && fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(status.st_mode)) {
        upkeep->n_packs++;
        upkeep->n_packed += count_objects(name, status.st_size);
    }
    upkeep->has_bitmap |= ends_with(name, ".bitmap");
    upkeep->has_pack_index |= strcmp(name, "multi-pack-index") == 0;
    upkeep->is_partial |= ends_with(name, ".promisor");
}

static void look_at_packs(struct upkeep *upkeep, struct bounds *bounds, int objects) {
    DIR *folder = folder_open_at(objects, "pack");

    if (!folder) {
        return;
    }
    for (struct dirent *entry = next(bounds, folder); entry; entry = next(bounds, folder)) {
        look_at_pack(upkeep, dirfd(folder), entry->d_name);
    }
    (void)closedir(folder);
}

static void look_at_loose(struct upkeep *upkeep, struct bounds *bounds, int objects) {
    DIR *folder = folder_open_at(objects, loose_sample);

    if (!folder) {
        return;
    }
    for (struct dirent *entry = next(bounds, folder); entry; entry = next(bounds, folder)) {
        size_t size = strlen(entry->d_name);

        upkeep->n_loose += size == SHA1_BYTES * 2 - 2 || size == SHA256_BYTES * 2 - 2 ? LOOSE_FOLDERS : 0;
    }
    (void)closedir(folder);
}

static bool exists(int objects, const char *name) {
    struct stat status;

    return fstatat(objects, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

bool upkeep_examine(struct upkeep *upkeep, const char *repository) {
    _cleanup_fd_ int fd = open(repository, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct bounds bounds = {.deadline_ms = clock_now_ms() + UPKEEP_TIME_MAX_MS};
    DIR *objects = fd < 0 ? NULL : folder_open_at(fd, "objects");

    *upkeep = (struct upkeep){0};
    if (!objects) {
        return false;
    }
    upkeep->has_commit_graph =
        exists(dirfd(objects), "info/commit-graph") || exists(dirfd(objects), "info/commit-graphs/commit-graph-chain");
    upkeep->borrows = exists(dirfd(objects), "info/alternates");
    look_at_loose(upkeep, &bounds, dirfd(objects));
    look_at_packs(upkeep, &bounds, dirfd(objects));
    (void)closedir(objects);
    return true;
}
