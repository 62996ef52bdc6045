/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The output of git diff-tree. A hostile push chooses the addresses, the message and the paths in it. The outcome does
 * not depend on the cut, and is that of a few plain lines here, which have all bytes in memory.
 */

#include "fuzz.h"

#include <errno.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hook/changes.h"

enum {
    INPUT_MAX_BYTES = 32 * 1024, /* a socket takes as much before anybody reads */
    CUTS_MAX = 16,
};

/* The result as text: each record, and the kind of the end. */
struct outcome {
    char *text;
    size_t size;
    FILE *to;
};

static void outcome_begin(struct outcome *outcome) {
    outcome->to = open_memstream(&outcome->text, &outcome->size);
    require(outcome->to);
}

static void tell_commit(FILE *to, struct span id, struct span parents, bool is_merge, struct span author,
                        struct span committer, bool is_signed_off) {
    (void)fprintf(to, "commit %.*s [%.*s] %d <%.*s> <%.*s> %d\n", (int)id.size, id.data, (int)parents.size,
                  parents.data, is_merge, (int)author.size, author.data, (int)committer.size, committer.data,
                  is_signed_off);
}

static void tell_file(FILE *to, struct span path, size_t path_size, unsigned mode, bool was_executable,
                      struct span id) {
    (void)fprintf(to, "file %.*s %zu %o %d %.*s\n", (int)path.size, path.data, path_size, mode, was_executable,
                  (int)id.size, id.data);
}

/* ---- by the parser ---- */

static void read_all(struct outcome *outcome, struct changes *changes) {
    int r;

    for (r = changes_next(changes); r > 0; r = changes_next(changes)) {
        const struct changes_commit *commit = &changes->commit;
        const struct changes_file *file = &changes->file;

        if (r == CHANGES_COMMIT) {
            tell_commit(outcome->to, span_of(commit->id), span_of(commit->parents), commit->is_merge,
                        span_of(commit->author), span_of(commit->committer), commit->is_signed_off);
        } else {
            tell_file(outcome->to, span_of(file->path), file->path_size, file->mode, file->was_executable,
                      span_of(file->id));
        }
    }
    (void)fprintf(outcome->to, "end %d\n", r);
    (void)fclose(outcome->to);
}

/* Each part is one read(2). */
static void parse(struct outcome *outcome, struct span bytes, unsigned n_cuts) {
    struct changes *changes = calloc(1, sizeof(*changes));
    uint32_t state = fuzz_hash(bytes) + n_cuts;
    int ends[2];

    require(changes && socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    for (unsigned i = 0; bytes.size > 0; i++) {
        size_t size = i < n_cuts ? 1 + fuzz_pick(&state, bytes.size) : bytes.size;

        require(write(ends[1], bytes.data, size) == (ssize_t)size);
        bytes = fuzz_behind(bytes, size);
    }
    (void)close(ends[1]);
    changes->fd = ends[0];
    changes->with_message = true;
    outcome_begin(outcome);
    read_all(outcome, changes);
    (void)close(ends[0]);
    free(changes);
}

/* ---- by a few plain lines ---- */

/* Return: whether there is a whole text, with its NUL. The bytes of an unfinished one stay. */
static bool take_text(struct span *restp, struct span *textp) {
    const char *end = restp->size > 0 ? memchr(restp->data, '\0', restp->size) : NULL;

    if (!end) {
        return false;
    }
    *textp = fuzz_prefix(*restp, (size_t)(end - restp->data));
    *restp = fuzz_behind(*restp, textp->size + 1);
    return true;
}

static struct span cut(struct span text, size_t max) {
    return text.size < max ? text : fuzz_prefix(text, max - 1);
}

static bool is_id(struct span text) {
    for (size_t i = 0; i < text.size; i++) {
        if (!strchr("0123456789abcdef", text.data[i])) {
            return false;
        }
    }
    return text.size == 40 || text.size == 64;
}

/* The word up to a space, which is there if @ends_with_space. */
static bool take_word(struct span *restp, struct span *wordp, bool ends_with_space) {
    const char *space = restp->size > 0 ? memchr(restp->data, ' ', restp->size) : NULL;

    if (!space && ends_with_space) {
        return false;
    }
    *wordp = space ? fuzz_prefix(*restp, (size_t)(space - restp->data)) : *restp;
    *restp = space ? fuzz_behind(*restp, wordp->size + 1) : (struct span){"", 0};
    return true;
}

static bool signs(struct span line, struct span address) {
    static const char mark[] = "signed-off-by:";
    const char *open = line.size > 0 ? memrchr(line.data, '<', line.size) : NULL;
    size_t behind = open ? line.size - (size_t)(open - line.data) - 1 : 0;

    return open && address.size > 0 && behind > address.size && line.size >= sizeof(mark) - 1 &&
           strncasecmp(line.data, mark, sizeof(mark) - 1) == 0 &&
           strncasecmp(open + 1, address.data, address.size) == 0 && open[1 + address.size] == '>';
}

static bool is_signed_off(struct span message, struct span author, struct span committer) {
    bool found = false;

    while (message.size > 0) {
        const char *end = memchr(message.data, '\n', message.size);
        struct span line = end ? fuzz_prefix(message, (size_t)(end - message.data)) : message;

        message = fuzz_behind(message, line.size + (end != NULL));
        line = cut(line, 1024);
        found = found || signs(line, author) || signs(line, committer);
    }
    return found;
}

static bool expect_commit(FILE *to, struct span ids, struct span *restp) {
    struct span author;
    struct span committer;
    struct span message;
    struct span id;
    bool is_merge;

    (void)take_word(&ids, &id, false);
    is_merge = ids.size > 0 && memchr(ids.data, ' ', ids.size);
    if (!is_id(id) || !take_text(restp, &author) || !take_text(restp, &committer) || !take_text(restp, &message)) {
        return false;
    }
    author = cut(author, CHANGES_ADDRESS_MAX);
    committer = cut(committer, CHANGES_ADDRESS_MAX);
    tell_commit(to, id, ids, is_merge, author, committer, is_signed_off(message, author, committer));
    return true;
}

static unsigned octal(struct span word) {
    char text[8] = {0};

    memcpy(text, word.data, word.size);
    return (unsigned)strtoul(text, NULL, 8);
}

static bool expect_file(FILE *to, struct span meta, struct span *restp) {
    size_t n_parents = 0;
    bool was_executable = false;
    unsigned mode = 0;
    struct span word = {"", 0};
    struct span path;

    while (n_parents < meta.size && meta.data[n_parents] == ':') {
        n_parents++;
    }
    meta = fuzz_behind(meta, n_parents);
    for (size_t i = 0; i <= n_parents; i++) {
        if (!take_word(&meta, &word, true) || word.size != 6) {
            return false;
        }
        mode = octal(word);
        was_executable = was_executable || (i < n_parents && mode == 0100755);
    }
    for (size_t i = 0; i <= n_parents; i++) {
        if (!take_word(&meta, &word, true) || !is_id(word)) {
            return false;
        }
    }
    if (!take_text(restp, &path) || path.size == 0) {
        return false;
    }
    tell_file(to, cut(path, CHANGES_PATH_MAX), path.size, mode, was_executable, word);
    return true;
}

static void expect(struct outcome *outcome, struct span rest) {
    int r = CHANGES_END;
    struct span text;

    outcome_begin(outcome);
    while (take_text(&rest, &text)) {
        if (text.size == 0 || span_equals(text, "\n")) {
            continue;
        }
        if (text.size >= CHANGES_META_MAX) {
            r = -E2BIG;
            break;
        }
        text = text.data[0] == '\n' ? fuzz_behind(text, 1) : text;
        if (text.data[0] == ':' ? !expect_file(outcome->to, text, &rest) : !expect_commit(outcome->to, text, &rest)) {
            r = -EIO;
            break;
        }
    }
    (void)fprintf(outcome->to, "end %d\n", r == CHANGES_END && rest.size > 0 ? -EIO : r);
    (void)fclose(outcome->to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct outcome expected;

    if (size > INPUT_MAX_BYTES) {
        return -1;
    }
    expect(&expected, (struct span){(const char *)data, size});
    for (unsigned n_cuts = 0; n_cuts <= CUTS_MAX; n_cuts += CUTS_MAX / 2) {
        struct outcome found;

        parse(&found, (struct span){(const char *)data, size}, n_cuts);
        require(found.size == expected.size && memcmp(found.text, expected.text, found.size) == 0);
        free(found.text);
    }
    free(expected.text);
    return 0;
}
