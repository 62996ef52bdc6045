/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Asks git about objects and references, with many questions for one process. An unexpected answer is an error, and an
 * error must refuse the push.
 */

#include "hook/ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

/* NOLINTBEGIN(clang-analyzer-unix.Malloc,clang-analyzer-unix.Stream): the analyzer ignores the cleanup attribute */

enum {
    PAIRS_MAX = 1000,     /* of one git, which gets them as arguments */
    PAIR_MAX_BYTES = 136, /* two ids of SHA-256 and three dots */
};

static void closep(FILE **filep) {
    if (*filep) {
        (void)fclose(*filep);
    }
}

/* Reads a line without its end; NULL at the end of the output. @linep: memory for all lines, freed by the caller */
static char *read_line(FILE *output, char **linep, size_t *sizep) {
    ssize_t size = getline(linep, sizep, output);

    if (size <= 0 || (*linep)[size - 1] != '\n') {
        return NULL;
    }
    (*linep)[size - 1] = '\0';
    return *linep;
}

/* Starts git and makes a stream of its output. The stream then owns the descriptor. */
static int open_output(FILE **outputp, struct child *child, const struct child_git *git, int input,
                       const char *const argv[]) {
    int r = child_start(child, git, input, argv);

    if (r) {
        return r;
    }
    *outputp = fdopen(child->output, "r");
    if (!*outputp) {
        child_kill(child);
        return -ENOMEM;
    }
    child->output = -1;
    return 0;
}

static int read_kinds(FILE *output, struct ask_object *objects, size_t n_objects) {
    _cleanup_free_ char *memory = NULL;
    size_t size = 0;

    for (size_t i = 0; i < n_objects; i++) {
        const char *line = read_line(output, &memory, &size);

        if (!line) {
            return -EIO;
        }
        objects[i].kind = strcmp(line, "commit") == 0                              ? ASK_COMMIT
                          : strcmp(line, "tag") == 0                               ? ASK_TAG
                          : strcmp(line, "tree") == 0 || strcmp(line, "blob") == 0 ? ASK_OTHER
                                                                                   : ASK_MISSING;
    }
    return 0;
}

int ask_kinds(const struct child_git *git, struct ask_object *objects, size_t n_objects) {
    static const char *const argv[] = {"cat-file", "--buffer", "--batch-check=%(objecttype)", NULL};
    _cleanup_(closep) FILE *input = child_input_open();
    _cleanup_(closep) FILE *output = NULL;
    struct child child = CHILD_NONE;
    int r;

    if (!input) {
        return -errno;
    }
    for (size_t i = 0; i < n_objects; i++) {
        (void)fprintf(input, "%s%s\n", objects[i].id, objects[i].peeled ? "^{}" : "");
    }
    r = child_input_fd(input);
    r = r < 0 ? r : open_output(&output, &child, git, r, argv);
    if (r) {
        return r;
    }
    r = read_kinds(output, objects, n_objects);
    if (r) {
        child_kill(&child);
        return r;
    }
    return child_end(&child);
}

int ask_id(char id[ASK_ID_MAX], const struct child_git *git, const char *revision) {
    const char *const argv[] = {"rev-parse", "--verify", "--quiet", "--end-of-options", revision, NULL};
    _cleanup_(closep) FILE *output = NULL;
    _cleanup_free_ char *memory = NULL;
    struct child child = CHILD_NONE;
    size_t size = 0;
    const char *line;
    int r = open_output(&output, &child, git, -1, argv);

    if (r) {
        return r;
    }
    line = read_line(output, &memory, &size);
    if (line && strlen(line) < ASK_ID_MAX) {
        memcpy(id, line, strlen(line) + 1);
    }
    r = child_end(&child);
    return r == -EIO || !line ? -ENOENT : r;
}

/* ---- ancestors ---- */

/* Starts a git that prints merge bases. @text: memory for its arguments */
static int start_bases(FILE **outputp, struct child *child, char *text, const struct child_git *git,
                       const struct ask_pair *pairs, size_t n_pairs) {
    const char *argv[PAIRS_MAX + 2] = {"rev-parse"};

    for (size_t i = 0; i < n_pairs; i++) {
        char *pair = text + i * (size_t)PAIR_MAX_BYTES;

        if (snprintf(pair, PAIR_MAX_BYTES, "%s...%s", pairs[i].old, pairs[i].new) >= PAIR_MAX_BYTES) {
            return -EINVAL;
        }
        argv[i + 1] = pair;
    }
    return open_output(outputp, child, git, -1, argv);
}

/* For A...B, git rev-parse prints B, A, and each of their merge bases behind a '^'. */
static int read_bases(FILE *output, const struct ask_pair *pairs, size_t n_pairs,
                      int (*visit)(size_t pair, const char *bases, void *userdata), void *userdata) {
    _cleanup_free_ char *memory = NULL;
    char bases[ASK_BASES_MAX_BYTES];
    size_t size = 0;
    char *line = read_line(output, &memory, &size);
    int r = 0;

    for (size_t i = 0; i < n_pairs && !r; i++) {
        size_t used = 0;

        if (!line || strcmp(line, pairs[i].new) != 0) {
            return -EIO;
        }
        line = read_line(output, &memory, &size);
        if (!line || strcmp(line, pairs[i].old) != 0) {
            return -EIO;
        }
        *bases = '\0';
        for (line = read_line(output, &memory, &size); line && *line == '^'; line = read_line(output, &memory, &size)) {
            if (used + strlen(line) >= sizeof(bases)) {
                return -E2BIG;
            }
            used += (size_t)snprintf(bases + used, sizeof(bases) - used, " %s", line + 1);
        }
        r = visit(i, bases, userdata);
    }
    return r ? r : line ? -EIO : 0;
}

int ask_bases(const struct child_git *git, const struct ask_pair *pairs, size_t n_pairs,
              int (*visit)(size_t pair, const char *bases, void *userdata), void *userdata) {
    _cleanup_free_ char *text = calloc(PAIRS_MAX, PAIR_MAX_BYTES);
    _cleanup_(closep) FILE *output = NULL;
    struct child child = CHILD_NONE;
    int r = text && n_pairs <= PAIRS_MAX ? start_bases(&output, &child, text, git, pairs, n_pairs) : -ENOMEM;

    if (r) {
        return r;
    }
    r = read_bases(output, pairs, n_pairs, visit, userdata);
    if (r) {
        child_kill(&child);
        return r;
    }
    return child_end(&child);
}

/* A is an ancestor of B when it is their only merge base. */
static int note_ancestor(size_t pair, const char *bases, void *userdata) {
    struct ask_pair *pairs = userdata;

    pairs[pair].is_ancestor = *bases == ' ' && strcmp(bases + 1, pairs[pair].old) == 0;
    return 0;
}

int ask_ancestry(const struct child_git *git, struct ask_pair *pairs, size_t n_pairs) {
    int r = 0;

    for (size_t i = 0; i < n_pairs && !r; i += PAIRS_MAX) {
        r = ask_bases(git, pairs + i, n_pairs - i < PAIRS_MAX ? n_pairs - i : PAIRS_MAX, note_ancestor, pairs + i);
    }
    return r;
}

int ask_symbolic(const struct child_git *git, void (*visit)(const char *name, void *userdata), void *userdata) {
    static const char *const argv[] = {"for-each-ref", "--format=%(if)%(symref)%(then)%(refname)%(end)", NULL};
    _cleanup_(closep) FILE *output = NULL;
    _cleanup_free_ char *memory = NULL;
    struct child child = CHILD_NONE;
    size_t size = 0;
    int r = open_output(&output, &child, git, -1, argv);

    if (r) {
        return r;
    }
    for (const char *name = read_line(output, &memory, &size); name; name = read_line(output, &memory, &size)) {
        if (*name) {
            visit(name, userdata);
        }
    }
    return child_end(&child);
}

/* NOLINTEND(clang-analyzer-unix.Malloc,clang-analyzer-unix.Stream) */
