/* SPDX-License-Identifier: Apache-2.0 */

/* Puts rules into words, for the operator who writes them and the pusher they refuse. It names no file or host. */

#include "rules/words.h"

#include <inttypes.h>
#include <string.h>

#include "base/ascii.h"

enum {
    OCTAL_BYTES = 4, /* a backslash and three digits */
};

void words_quote(char quoted[WORDS_QUOTED_MAX_BYTES], const char *text, size_t size) {
    const size_t room = WORDS_QUOTED_MAX_BYTES - sizeof("...");
    size_t n = 0;

    for (size_t i = 0; i < size; i++) {
        const unsigned char c = (unsigned char)text[i];

        if (n + OCTAL_BYTES > room) {
            memcpy(quoted + n, "...", 3);
            n += 3;
            break;
        }
        if (ascii_is_printable(c) && c != '\\' && c != '"') {
            quoted[n++] = (char)c;
        } else {
            n += (size_t)snprintf(quoted + n, OCTAL_BYTES + 1, "\\%03o", c);
        }
    }
    quoted[n] = '\0';
}

/* Adds a word to a list, or " and others" when there is no room for it. Return: whether there was room. */
static bool add_word(char words[WORDS_MAX_BYTES], const char *word) {
    static const char others[] = " and others";
    const size_t used = strlen(words);
    const char *comma = used > 0 ? ", " : "";

    if (used + strlen(comma) + strlen(word) + sizeof(others) > WORDS_MAX_BYTES) {
        (void)snprintf(words + used, WORDS_MAX_BYTES - used, "%s", others);
        return false;
    }
    (void)snprintf(words + used, WORDS_MAX_BYTES - used, "%s%s", comma, word);
    return true;
}

void words_of_refs(char words[WORDS_MAX_BYTES], const struct rules_refs *refs) {
    *words = '\0';
    if (refs->creates) {
        (void)add_word(words, "create");
    }
    if (refs->update != RULES_UPDATE_NONE) {
        (void)add_word(words, refs->update == RULES_UPDATE_ANY ? "move to any commit" : "fast-forward");
    }
    if (refs->deletes) {
        (void)add_word(words, "delete");
    }
    if (!*words) {
        (void)add_word(words, "nothing");
    }
}

void words_of_patterns(char words[WORDS_MAX_BYTES], const struct rules *rules) {
    bool has_room = true;

    *words = '\0';
    for (size_t i = 0; i < rules->n_refs && has_room; i++) {
        const struct rules_refs *refs = &rules->refs[i];

        if (refs->creates || refs->deletes || refs->update != RULES_UPDATE_NONE) {
            has_room = add_word(words, refs->pattern);
        }
    }
    if (!*words) {
        (void)add_word(words, "nothing");
    }
}

void words_of_list(char words[WORDS_MAX_BYTES], const struct rules_list *list) {
    bool has_room = true;

    *words = '\0';
    for (size_t i = 0; i < list->n_items && has_room; i++) {
        has_room = add_word(words, list->items[i]);
    }
}

static void print_refs(FILE *to, const struct rules *rules) {
    char words[WORDS_MAX_BYTES];

    if (rules->n_refs == 0) {
        (void)fprintf(to, "references: there is no section [refs \"PATTERN\"], so every push is refused\n");
        return;
    }
    (void)fprintf(to, "references: the first of these lines that fits decides, and all other references are refused\n");
    for (size_t i = 0; i < rules->n_refs; i++) {
        words_of_refs(words, &rules->refs[i]);
        (void)fprintf(to, "  %s: %s\n", rules->refs[i].pattern, words);
    }
}

static void print_list(FILE *to, const char *before, const struct rules_list *list) {
    if (list->n_items > 0) {
        (void)fprintf(to, "%s:\n", before);
    }
    for (size_t i = 0; i < list->n_items; i++) {
        (void)fprintf(to, "  %s\n", list->items[i]);
    }
}

static void print_number(FILE *to, const char *before, uint64_t number, const char *behind) {
    if (number != RULES_NO_LIMIT) {
        (void)fprintf(to, "%s %" PRIu64 "%s\n", before, number, behind);
    }
}

static void print_modes(FILE *to, unsigned modes) {
    char words[WORDS_MAX_BYTES] = "";

    if (modes & RULES_SYMLINK) {
        (void)add_word(words, "symbolic links");
    }
    if (modes & RULES_SUBMODULE) {
        (void)add_word(words, "submodules");
    }
    if (modes & RULES_EXECUTABLE) {
        (void)add_word(words, "files that become executable");
    }
    if (*words) {
        (void)fprintf(to, "files: no commit may add or change %s\n", words);
    }
}

void words_print(FILE *to, const struct rules *rules) {
    print_refs(to, rules);
    print_number(to, "push: it may hold at most", rules->max_refs, " references");
    print_list(to, "paths: no commit may touch these, in any spelling", &rules->deny_paths);
    print_list(to, "paths: commits may touch only these", &rules->allow_paths);
    print_number(to, "files: one that a commit adds or changes has at most", rules->max_file_bytes, " bytes");
    print_number(to, "files: a path has at most", rules->max_path_bytes, " bytes");
    print_modes(to, rules->deny_modes);
    print_number(to, "commits: a push may bring at most", rules->max_commits, " new ones");
    print_list(to, "commits: the author's address must be one of these", &rules->authors);
    print_list(to, "commits: the committer's address must be one of these", &rules->committers);
    if (rules->signed_off) {
        (void)fprintf(to, "commits: each needs a line Signed-off-by of its author or committer\n");
    }
    if (rules_judge_content(rules)) {
        (void)fprintf(to, "content: a reference must lead to a commit, and not to a tree or blob\n");
    }
}
