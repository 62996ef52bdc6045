/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Compares the files that git reads before it answers a request of protocol version 2, by a service or by
 * git-http-backend. The list is in git's order: the place of the repository (enter_repo() in git's path.c), the signs
 * of a repository, and its settings (git-config(1), FILES). Reports anything it does not recognise; such answers are
 * not cached. It changes no file.
 */

#include "backend/dependencies.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/fd.h"

enum folder {
    IN_REPOSITORY,
    IN_EXEC_PATH,
    IN_EXEC_PATH_OF_CGI, /* the same, for --backend=http-backend */
    IN_HOME,
};

enum kind {
    KIND_FOLDER,  /* must exist, with any contents */
    KIND_PLACE,   /* a folder that may exist */
    KIND_FILE,    /* must exist */
    KIND_CONFIG,  /* may exist */
    KIND_PROGRAM, /* must exist */
    KIND_NOTHING, /* must not exist, because it leads elsewhere */
};

static const struct {
    enum folder folder;
    const char *name;
    enum kind kind;
} files[] = {
    {IN_REPOSITORY, "", KIND_FOLDER},
    {IN_REPOSITORY, "/.git", KIND_NOTHING},
    {IN_REPOSITORY, "/commondir", KIND_NOTHING},
    {IN_REPOSITORY, "/HEAD", KIND_FILE},
    {IN_REPOSITORY, "/objects", KIND_FOLDER},
    {IN_REPOSITORY, "/refs", KIND_FOLDER},
    {IN_REPOSITORY, "/config", KIND_CONFIG},
    {IN_REPOSITORY, "/config.worktree", KIND_CONFIG},
    {IN_EXEC_PATH_OF_CGI, "/git-http-backend", KIND_PROGRAM},
    {IN_EXEC_PATH, "/git", KIND_PROGRAM},
    {IN_HOME, "", KIND_PLACE},
    {IN_HOME, "/.config", KIND_PLACE},
    {IN_HOME, "/.config/git", KIND_PLACE},
    {IN_HOME, "/.gitconfig", KIND_CONFIG},
    {IN_HOME, "/.config/git/config", KIND_CONFIG},
};
static_assert(sizeof(files) / sizeof(files[0]) == DEPENDENCIES_COUNT, "room for each of them");

static bool is_looked_for(size_t i, const struct environ_settings *settings) {
    switch (files[i].folder) {
    case IN_EXEC_PATH_OF_CGI:
        return settings->backend == ENVIRON_HTTP_BACKEND;
    case IN_HOME:
        return settings->home != NULL;
    default:
        return true;
    }
}

/* Return: false when the path is too long. */
static bool find(char path[PATH_MAX], size_t i, const struct environ_settings *settings, const char *repository) {
    int size = -1;

    switch (files[i].folder) {
    case IN_REPOSITORY:
        size = snprintf(path, PATH_MAX, "%s/%s.git%s", settings->mirror_root, repository, files[i].name);
        break;
    case IN_EXEC_PATH:
    case IN_EXEC_PATH_OF_CGI:
        size = snprintf(path, PATH_MAX, "%s%s", settings->exec_path, files[i].name);
        break;
    case IN_HOME:
        size = snprintf(path, PATH_MAX, "%s%s", settings->home, files[i].name);
        break;
    }
    return size > 0 && size < PATH_MAX;
}

/* ---- comparison ---- */

static bool is_understood(enum kind kind, const struct identity *identity) {
    switch (kind) {
    case KIND_FOLDER:
        return identity->is_there && S_ISDIR(identity->mode);
    case KIND_PLACE:
        return !identity->is_there || S_ISDIR(identity->mode);
    case KIND_FILE:
    case KIND_PROGRAM:
        return identity->is_there && S_ISREG(identity->mode);
    case KIND_CONFIG:
        return !identity->is_there || S_ISREG(identity->mode);
    case KIND_NOTHING:
        break;
    }
    return !identity->is_there;
}

/*
 * A link counts as none of these kinds. It can be changed and changed back without a trace, and git reads some links as
 * text instead of following them. Only git's programs may be links, because distributions ship some as links.
 */
static void identify(struct identity *identity, const char *path, enum kind kind) {
    struct stat status;
    int r = kind == KIND_PROGRAM ? stat(path, &status) : lstat(path, &status);

    *identity = (struct identity){.is_there = r == 0};
    if (identity->is_there) {
        identity->device = status.st_dev;
        identity->inode = status.st_ino;
        identity->mode = status.st_mode;
        identity->owner = status.st_uid;
        identity->size = S_ISDIR(status.st_mode) ? 0 : status.st_size;
        identity->modified = status.st_mtim;
        identity->changed = status.st_ctim;
    }
}

bool dependencies_look(struct dependencies *dependencies, const struct environ_settings *settings,
                       const char *repository) {
    char path[PATH_MAX];
    bool all_understood = true;

    for (size_t i = 0; i < DEPENDENCIES_COUNT; i++) {
        struct identity *identity = &dependencies->files[i];

        *identity = (struct identity){0};
        if (!is_looked_for(i, settings)) {
            continue;
        }
        if (find(path, i, settings, repository)) {
            identify(identity, path, files[i].kind);
        }
        all_understood = all_understood && is_understood(files[i].kind, identity);
    }
    return all_understood;
}

static bool is_same_time(struct timespec a, struct timespec b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_same(const struct identity *a, const struct identity *b) {
    return a->is_there == b->is_there && a->device == b->device && a->inode == b->inode && a->mode == b->mode &&
           a->owner == b->owner && a->size == b->size;
}

static bool is_unchanged(const struct identity *a, const struct identity *b) {
    return is_same(a, b) && is_same_time(a->modified, b->modified) && is_same_time(a->changed, b->changed);
}

static bool is_folder(enum kind kind) {
    return kind == KIND_FOLDER || kind == KIND_PLACE;
}

bool dependencies_equal(const struct dependencies *a, const struct dependencies *b) {
    for (size_t i = 0; i < DEPENDENCIES_COUNT; i++) {
        bool (*is_equal)(const struct identity *, const struct identity *) =
            is_folder(files[i].kind) ? is_same : is_unchanged;

        if (!is_equal(&a->files[i], &b->files[i])) {
            return false;
        }
    }
    return true;
}

bool dependencies_undisturbed(const struct dependencies *before, const struct dependencies *now) {
    for (size_t i = 0; i < DEPENDENCIES_COUNT; i++) {
        if (!is_unchanged(&before->files[i], &now->files[i])) {
            return false;
        }
    }
    return true;
}

bool dependencies_settled(const struct dependencies *dependencies, time_t now) {
    for (size_t i = 0; i < DEPENDENCIES_COUNT; i++) {
        const struct identity *identity = &dependencies->files[i];

        if (identity->changed.tv_sec >= now - DEPENDENCIES_SETTLED_S ||
            identity->modified.tv_sec >= now - DEPENDENCIES_SETTLED_S) {
            return false;
        }
    }
    return true;
}

/* ---- completeness ---- */

/* Configuration files spell the names of sections and variables literally, in either case: git-config(1), Syntax. */
static bool mentions(struct span text, const char *word) {
    size_t size = strlen(word);

    for (size_t i = 0; i + size <= text.size; i++) {
        if (strncasecmp(text.data + i, word, size) == 0) {
            return true;
        }
    }
    return false;
}

static bool leaves_it_at_that(struct span text) {
    return !mentions(text, "include") && !mentions(text, "advertisesid");
}

bool dependencies_allow(const char *setting) {
    return leaves_it_at_that((struct span){setting, strcspn(setting, "=")});
}

/* Return: the beginning of the file, as much as fits; its size is 0 when the file cannot be read. */
static struct span read_file(struct buffer *buffer, const char *path) {
    _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    while (fd >= 0 && buffer_read(buffer, fd) > 0) {
    }
    return buffer_content(buffer);
}

/* Whether the whole file was searched and includes no other file. A file that is too large never passes. */
static bool is_plain_config(const char *path, const struct identity *identity) {
    _cleanup_(buffer_deinit) struct buffer buffer;
    struct span text;

    buffer_init(&buffer, DEPENDENCIES_CONFIG_MAX_BYTES);
    if (!identity->is_there || identity->size == 0) {
        return true;
    }
    text = read_file(&buffer, path);
    return text.size == (size_t)identity->size && leaves_it_at_that(text);
}

/* A script may answer anything. git's own programs are ELF files: elf(5). */
static bool is_plain_program(const char *path) {
    static const char magic[] = {0x7f, 'E', 'L', 'F'};
    _cleanup_(buffer_deinit) struct buffer buffer;
    struct span text;

    buffer_init(&buffer, sizeof(magic));
    text = read_file(&buffer, path);
    return text.size == sizeof(magic) && memcmp(text.data, magic, sizeof(magic)) == 0;
}

bool dependencies_suffice(const struct dependencies *dependencies, const struct environ_settings *settings,
                          const char *repository) {
    char path[PATH_MAX];

    for (size_t i = 0; i < DEPENDENCIES_COUNT; i++) {
        const struct identity *identity = &dependencies->files[i];

        if (!is_looked_for(i, settings) || !find(path, i, settings, repository)) {
            continue;
        }
        if ((files[i].kind == KIND_CONFIG && !is_plain_config(path, identity)) ||
            (files[i].kind == KIND_PROGRAM && !is_plain_program(path))) {
            return false;
        }
    }
    return true;
}
