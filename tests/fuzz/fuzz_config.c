/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The configuration file of a repository. The found variables have the form that git compares. A cut file changes no
 * variable but its last one. The same variables are found with line ends of DOS, behind a byte order mark, and in a new
 * file written from the found variables.
 */

#include "backend/config_text.h"
#include "fuzz.h"

enum {
    CUTS_MAX = 128, /* cuts of one file; a shorter one is cut everywhere */
    STOPPED = 17,
};

static const char key_bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
static const char mark[] = "\xef\xbb\xbf";

/* The found variables, each as a hash. @stop_after: the variable at which to stop, 0 for none */
struct found {
    uint32_t *hashes;
    size_t n;
    size_t stop_after;
    int r;
};

/* The new file. There is none if a section's name begins with a dot, which only an older form can write. */
struct writer {
    char *text;
    size_t size;
    size_t max_bytes;
    bool is_impossible;
};

static void check_variable(const char *name, const char *value) {
    const char *dot = strchr(name, '.');
    const char *key = dot ? strrchr(name, '.') + 1 : name;

    require(strlen(name) <= CONFIG_TEXT_NAME_MAX_BYTES && strlen(value) <= CONFIG_TEXT_VALUE_MAX_BYTES);
    require(*key >= 'a' && *key <= 'z' && key[strspn(key, key_bytes)] == '\0');
    require(!dot || strspn(name, key_bytes) == (size_t)(dot - name));
    require(!dot || dot < key - 1 || dot > name);
    require(!strchr(name, '\n'));
}

static int note(const char *name, const char *value, void *userdata) {
    struct found *found = userdata;
    uint32_t hash = fuzz_hash((struct span){name, strlen(name) + 1});

    require(found->stop_after == 0 || found->n < found->stop_after);
    check_variable(name, value);
    found->hashes = realloc(found->hashes, (found->n + 1) * sizeof(*found->hashes));
    require(found->hashes);
    found->hashes[found->n++] = hash * 31 + fuzz_hash((struct span){value, strlen(value) + 1});
    return found->n == found->stop_after ? STOPPED : 0;
}

/* Parses a copy of exactly its size. */
static struct found scan(struct span text, size_t stop_after) {
    struct found found = {.stop_after = stop_after};
    char *copy = fuzz_copy(text);

    found.r = config_text_scan((struct span){copy, text.size}, note, &found);
    require(found.r == 0 || found.r == CONFIG_TEXT_E_MALFORMED || (found.r == STOPPED && stop_after > 0));
    free(copy);
    return found;
}

/* Whether the first @n variables are the same. */
static bool begin_alike(const struct found *a, const struct found *b, size_t n) {
    return a->n >= n && b->n >= n && (n == 0 || memcmp(a->hashes, b->hashes, n * sizeof(*a->hashes)) == 0);
}

static void check_same(const struct found *whole, struct span text) {
    struct found found = scan(text, 0);

    require(found.r == whole->r && found.n == whole->n && begin_alike(&found, whole, whole->n));
    free(found.hashes);
}

static void check_cuts(const struct found *whole, struct span text) {
    uint32_t state = fuzz_hash(text);

    for (size_t i = 0; i < CUTS_MAX && i < text.size; i++) {
        size_t size = text.size <= CUTS_MAX ? i : fuzz_pick(&state, text.size);
        struct found found = scan(fuzz_prefix(text, size), 0);

        require(begin_alike(&found, whole, found.n > 0 ? found.n - 1 : 0));
        free(found.hashes);
    }
}

static void check_stop(const struct found *whole, struct span text) {
    uint32_t state = fuzz_hash(text);

    if (whole->n > 0) {
        size_t stop_after = 1 + fuzz_pick(&state, whole->n);
        struct found found = scan(text, stop_after);

        require(found.r == STOPPED && found.n == stop_after && begin_alike(&found, whole, stop_after));
        free(found.hashes);
    }
}

static void check_ends_of_lines(const struct found *whole, struct span text) {
    char *dos = fuzz_allocate(2 * text.size);
    size_t size = 0;

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\n') {
            dos[size++] = '\r';
        }
        dos[size++] = text.data[i];
    }
    check_same(whole, (struct span){dos, size});
    free(dos);
}

static void check_mark(const struct found *whole, struct span text) {
    char *marked = fuzz_allocate(strlen(mark) + text.size);

    memcpy(marked, mark, strlen(mark));
    if (text.size > 0) {
        memcpy(marked + strlen(mark), text.data, text.size);
    }
    check_same(whole, (struct span){marked, strlen(mark) + text.size});
    free(marked);
}

/* ---- written anew ---- */

static void put(struct writer *writer, const char *data, size_t size) {
    if (writer->max_bytes - writer->size < size) {
        writer->max_bytes = 2 * (writer->max_bytes + size);
        writer->text = realloc(writer->text, writer->max_bytes);
        require(writer->text);
    }
    memcpy(writer->text + writer->size, data, size);
    writer->size += size;
}

static void put_quoted(struct writer *writer, const char *data, size_t size) {
    put(writer, "\"", 1);
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n') {
            put(writer, "\\n", 2);
            continue;
        }
        if (data[i] == '"' || data[i] == '\\') {
            put(writer, "\\", 1);
        }
        put(writer, data + i, 1);
    }
    put(writer, "\"", 1);
}

static int write_variable(const char *name, const char *value, void *userdata) {
    struct writer *writer = userdata;
    const char *dot = strchr(name, '.');
    const char *last = dot ? strrchr(name, '.') : NULL;

    writer->is_impossible |= dot == name;
    if (dot) {
        put(writer, "[", 1);
        put(writer, name, (size_t)(dot - name));
        if (last > dot) {
            put(writer, " ", 1);
            put_quoted(writer, dot + 1, (size_t)(last - dot - 1));
        }
        put(writer, "]", 1);
    }
    name = dot ? last + 1 : name;
    put(writer, name, strlen(name));
    put(writer, "=", 1);
    put_quoted(writer, value, strlen(value));
    put(writer, "\n", 1);
    return 0;
}

static void check_written_anew(const struct found *whole, struct span text) {
    struct writer writer = {0};

    require(config_text_scan(text, write_variable, &writer) == whole->r);
    if (!writer.is_impossible && whole->r == 0) {
        check_same(whole, (struct span){writer.text, writer.size});
    }
    free(writer.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span text = {(const char *)data, size};
    struct found whole = scan(text, 0);

    if (size > 0 && memchr(data, '\0', size)) {
        require(whole.r == CONFIG_TEXT_E_MALFORMED && whole.n == 0); /* nothing is read of such a file */
        return 0;
    }
    check_cuts(&whole, text);
    check_stop(&whole, text);
    if (size == 0 || !memchr(data, '\r', size)) {
        check_ends_of_lines(&whole, text);
    }
    if (size == 0 || data[0] != (unsigned char)mark[0]) {
        check_mark(&whole, text);
    }
    check_written_anew(&whole, text);
    free(whole.hashes);
    return 0;
}
