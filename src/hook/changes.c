/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads commits and their changed paths from git's output with CHANGES_FORMAT. It reads a piece at a time, so a message
 * or path of any length takes no more memory. Anything unexpected is an error, and an error must refuse the push.
 *
 * A commit is four texts: its id with the ids of its parents, author, committer and message. Two texts follow for each
 * path: git's record of it, which begins with a colon, and the path. Each text ends with a NUL, and git puts an empty
 * text or a newline between them.
 */

#include "hook/changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 1024, /* of a line of a message, with terminator */
};

static const char sign_off[] = "signed-off-by:";

/* Return: 1 when there is a byte to read, 0 at the end, or a negative errno. */
static int fill(struct changes *changes) {
    ssize_t size;

    if (changes->n_read < changes->n_bytes) {
        return 1;
    }
    do {
        size = read(changes->fd, changes->bytes, sizeof(changes->bytes));
    } while (size < 0 && errno == EINTR);
    changes->n_read = 0;
    changes->n_bytes = size > 0 ? (size_t)size : 0;
    return size < 0 ? -errno : size > 0;
}

/*
 * Reads up to @end or a NUL, and stores as much of the text as fits.
 * Return: the byte that ended it; -ENODATA at the end of the output with nothing before it; a negative errno.
 */
static int read_text(struct changes *changes, char end, char *store, size_t max, size_t *sizep) {
    size_t size = 0;

    for (;;) {
        int r = fill(changes);
        char c;

        if (r <= 0) {
            return r < 0 ? r : size == 0 ? -ENODATA : -EIO;
        }
        c = changes->bytes[changes->n_read++];
        if (c == '\0' || c == end) {
            store[size < max - 1 ? size : max - 1] = '\0';
            *sizep = size;
            return (unsigned char)c;
        }
        if (size < max - 1) {
            store[size] = c;
        }
        size++;
    }
}

static int read_whole(struct changes *changes, char *store, size_t max) {
    size_t size;
    int r = read_text(changes, '\0', store, max, &size);

    return r == -ENODATA ? -EIO : r;
}

static bool has_address(const char *line, const char *address) {
    const char *open = strrchr(line, '<');
    const size_t size = strlen(address);

    return open && size > 0 && strncasecmp(open + 1, address, size) == 0 && open[1 + size] == '>';
}

static int read_message(struct changes *changes) {
    struct changes_commit *commit = &changes->commit;
    char line[LINE_MAX_BYTES];
    size_t size;
    int end;

    commit->is_signed_off = false;
    do {
        end = read_text(changes, changes->with_message ? '\n' : '\0', line, sizeof(line), &size);
        if (end >= 0 && strncasecmp(line, sign_off, strlen(sign_off)) == 0 &&
            (has_address(line, commit->author) || has_address(line, commit->committer))) {
            commit->is_signed_off = true;
        }
    } while (end == '\n');
    return end == -ENODATA ? -EIO : end;
}

static bool is_id(const char *text) {
    const size_t size = strspn(text, "0123456789abcdef");

    return (size == 40 || size == 64) && !text[size];
}

/* @ids: the ids of the commit and its parents, which have been read */
static int read_commit(struct changes *changes, char *ids) {
    struct changes_commit *commit = &changes->commit;
    const char *id = strsep(&ids, " ");
    int r;

    commit->parents = ids ? ids : "";
    commit->is_merge = strchr(commit->parents, ' ') != NULL;
    if (!is_id(id)) {
        return -EIO;
    }
    memcpy(commit->id, id, strlen(id) + 1);
    r = read_whole(changes, commit->author, sizeof(commit->author));
    r = r ? r : read_whole(changes, commit->committer, sizeof(commit->committer));
    r = r ? r : read_message(changes);
    return r ? r : CHANGES_COMMIT;
}

/*
 * @meta: ":MODE MODE ID ID STATUS", and for a merge of two commits "::MODE MODE MODE ID ID ID STATUS". The modes and
 *        ids of the parents come first, those of the commit last.
 */
static int read_meta(struct changes_file *file, char *meta) {
    const size_t n_parents = strspn(meta, ":");
    char *rest = meta + n_parents;
    char *word = NULL;

    file->was_executable = false;
    for (size_t i = 0; i <= n_parents; i++) {
        word = strsep(&rest, " ");
        file->mode = (unsigned)strtoul(word, NULL, 8);
        if (strlen(word) != 6 || !rest) {
            return -EIO;
        }
        file->was_executable = file->was_executable || (i < n_parents && file->mode == 0100755);
    }
    for (size_t i = 0; i <= n_parents; i++) {
        word = strsep(&rest, " ");
        if (!rest || !is_id(word)) {
            return -EIO;
        }
    }
    memcpy(file->id, word, strlen(word) + 1);
    return 0;
}

static int read_file(struct changes *changes, char *meta) {
    struct changes_file *file = &changes->file;
    int r = read_meta(file, meta);

    r = r ? r : read_text(changes, '\0', file->path, sizeof(file->path), &file->path_size);
    return r ? (r == -ENODATA ? -EIO : r) : file->path_size == 0 ? -EIO : CHANGES_FILE;
}

int changes_next(struct changes *changes) {
    char *text = changes->meta;
    size_t size;
    int r;

    do {
        r = read_text(changes, '\0', changes->meta, sizeof(changes->meta), &size);
    } while (r == 0 && (size == 0 || (size == 1 && *changes->meta == '\n')));
    if (r) {
        return r == -ENODATA ? CHANGES_END : r;
    }
    if (size >= sizeof(changes->meta)) {
        return -E2BIG;
    }
    text += *text == '\n';
    return *text == ':' ? read_file(changes, text) : read_commit(changes, text);
}
