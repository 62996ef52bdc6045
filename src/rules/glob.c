/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Matches names of references, addresses and paths against patterns. The operator writes the patterns and a pusher the
 * texts, so no text may make a match slow. Paths match as by git's wildmatch() with WM_PATHNAME and WM_CASEFOLD. git
 * itself is not asked: it would need one diff of a push for each rule. Here one diff serves all rules.
 */

#include "rules/glob.h"

#include <string.h>

static int lower(char c) {
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

/* Only the last star is ever tried again, so the time is at most the product of the lengths. */
static bool match(const char *pattern, const char *text, bool with_question_mark, bool in_any_case) {
    const char *star = NULL;
    const char *from = NULL;

    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            from = text;
        } else if (*pattern && ((with_question_mark && *pattern == '?') || *pattern == *text ||
                                (in_any_case && lower(*pattern) == lower(*text)))) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return !*pattern;
}

bool glob_match_ref(const char *pattern, const char *name) {
    const size_t size = strlen(pattern);

    if (size > 0 && pattern[size - 1] == '/' && !strchr(pattern, '*')) {
        return strncmp(pattern, name, size) == 0 && name[size];
    }
    return match(pattern, name, false, false);
}

bool glob_match_text(const char *pattern, const char *text) {
    return match(pattern, text, true, true);
}

/* ---- paths ---- */

enum token_kind {
    TOKEN_BYTE, /* this byte */
    TOKEN_ANY,  /* '?': a byte, but no slash */
    TOKEN_SET,  /* [a-z]: one of these, but no slash */
    TOKEN_STAR, /* any bytes but slashes */
    TOKEN_DIRS, /* two stars and a slash: any number of folders, or none */
    TOKEN_DEEP, /* two stars at the end: anything */
};

struct token {
    enum token_kind kind;
    char byte;
    const char *set; /* what follows the '[' */
};

/* A pattern as an automaton, which is in several states at once. In state i it has matched the first i tokens. */
struct automaton {
    struct token tokens[GLOB_PATTERN_MAX_BYTES + 1];
    size_t n_tokens;
    size_t n_plain; /* how many tokens at the beginning are TOKEN_BYTE */
    bool is_folder; /* the pattern ends with a slash and TOKEN_DEEP */
};

/* Finds the end of a set, after its ']'; NULL when there is none. A ']' at the beginning stands for itself. */
static const char *set_end(const char *set) {
    set += *set == '!' || *set == '^';
    set += *set == ']';
    for (; *set && *set != ']'; set++) {
        if (*set != '\\') {
            continue;
        }
        set++;
        if (!*set) {
            return NULL;
        }
    }
    return *set ? set + 1 : NULL;
}

static bool range_has(int first, int last, int byte) {
    return byte >= first && byte <= last;
}

/* Letters are compared in both cases, as wildmatch() does. */
static bool set_has(const char *set, char c) {
    const char *end = set_end(set) - 1;
    const bool is_negated = *set == '!' || *set == '^';
    const int upper = lower(c) != (unsigned char)c || !range_has('a', 'z', lower(c)) ? (unsigned char)c : c - 'a' + 'A';
    bool found = false;

    for (set += is_negated; set < end; set++) {
        int first;
        int last;

        set += *set == '\\';
        first = last = (unsigned char)*set;
        if (set + 2 < end && set[1] == '-') {
            set += 2;
            set += *set == '\\';
            last = (unsigned char)*set;
        }
        found = found || range_has(first, last, (unsigned char)c) || range_has(first, last, lower(c)) ||
                range_has(first, last, upper);
    }
    return found != is_negated;
}

/* Two stars differ from one only as a whole name of a path. @at: the first star. Return: the end of the token. */
static const char *compile_stars(struct automaton *automaton, const char *pattern, const char *at) {
    const char *end = at + strspn(at, "*");
    struct token *token = &automaton->tokens[automaton->n_tokens++];
    const bool is_bounded = end - at >= 2 && (at == pattern || at[-1] == '/');

    *token = (struct token){.kind = TOKEN_STAR};
    if (is_bounded && *end == '/') {
        token->kind = TOKEN_DIRS;
        return end + 1;
    }
    if (is_bounded && !*end) {
        token->kind = TOKEN_DEEP;
    }
    return end;
}

static void compile(struct automaton *automaton, const char *pattern) {
    const char *at = pattern;

    automaton->n_tokens = automaton->n_plain = 0;
    while (*at) {
        if (*at == '*') {
            at = compile_stars(automaton, pattern, at);
        } else if (*at == '[') {
            automaton->tokens[automaton->n_tokens++] = (struct token){.kind = TOKEN_SET, .set = at + 1};
            at = set_end(at + 1);
        } else {
            const bool is_any = *at == '?';

            at += *at == '\\';
            automaton->tokens[automaton->n_tokens++] =
                (struct token){.kind = is_any ? TOKEN_ANY : TOKEN_BYTE, .byte = *at++};
        }
    }
    if (at > pattern && at[-1] == '/') {
        automaton->tokens[automaton->n_tokens++] = (struct token){.kind = TOKEN_DEEP};
    }
    while (automaton->n_plain < automaton->n_tokens && automaton->tokens[automaton->n_plain].kind == TOKEN_BYTE) {
        automaton->n_plain++;
    }
    automaton->is_folder = automaton->n_tokens >= 2 && automaton->tokens[automaton->n_tokens - 1].kind == TOKEN_DEEP &&
                           automaton->tokens[automaton->n_tokens - 2].kind == TOKEN_BYTE &&
                           automaton->tokens[automaton->n_tokens - 2].byte == '/';
}

/* Enters state @i, and the next states as long as they need no byte. */
static void enter(const struct automaton *automaton, bool states[], size_t i) {
    states[i] = true;
    while (i < automaton->n_tokens && automaton->tokens[i].kind >= TOKEN_STAR) {
        states[++i] = true;
    }
}

static void step(const struct automaton *automaton, const bool now[], bool next[], char c) {
    memset(next, 0, automaton->n_tokens + 1);
    for (size_t i = 0; i < automaton->n_tokens; i++) {
        const struct token *token = &automaton->tokens[i];

        if (!now[i]) {
            continue;
        }
        switch (token->kind) {
        case TOKEN_BYTE:
            if (lower(token->byte) == lower(c)) {
                enter(automaton, next, i + 1);
            }
            break;
        case TOKEN_ANY:
        case TOKEN_SET:
            if (c != '/' && (token->kind == TOKEN_ANY || set_has(token->set, c))) {
                enter(automaton, next, i + 1);
            }
            break;
        case TOKEN_STAR:
        case TOKEN_DEEP:
            if (c != '/' || token->kind == TOKEN_DEEP) {
                enter(automaton, next, i);
            }
            break;
        case TOKEN_DIRS:
            next[i] = true;
            if (c == '/') {
                enter(automaton, next, i + 1);
            }
            break;
        }
    }
}

static bool is_at_folder(const struct automaton *automaton, const bool states[]) {
    return automaton->is_folder && states[automaton->n_tokens - 2];
}

static bool is_above(const struct automaton *automaton, const bool states[], bool next[]) {
    step(automaton, states, next, '/');
    for (size_t i = 1; i <= automaton->n_plain; i++) {
        if (next[i]) {
            return true;
        }
    }
    return false;
}

/* Whether the plain text at the beginning of a pattern rules a path out, as for most paths: it saves the automaton. */
static bool differs_at_once(const char *pattern, const char *path) {
    while (*pattern && !strchr("*?[\\", *pattern) && lower(*pattern) == lower(*path)) {
        pattern++;
        path++;
    }
    return *pattern && *path && !strchr("*?[\\", *pattern);
}

static unsigned match_path(const char *pattern, const char *path) {
    struct automaton automaton;
    bool states[2][GLOB_PATTERN_MAX_BYTES + 2];
    bool *now = states[0];
    unsigned hits = 0;

    compile(&automaton, pattern);
    memset(now, 0, automaton.n_tokens + 1);
    enter(&automaton, now, 0);
    for (; *path; path++) {
        bool *next = states[now == states[0]];

        if (*path == '/') {
            hits |= (now[automaton.n_tokens] ? GLOB_INSIDE : 0U) | (is_at_folder(&automaton, now) ? GLOB_FOLDER : 0U);
        }
        step(&automaton, now, next, *path);
        now = next;
    }
    hits |= (now[automaton.n_tokens] ? GLOB_WHOLE : 0U) | (is_at_folder(&automaton, now) ? GLOB_FOLDER : 0U);
    return hits | (is_above(&automaton, now, states[now == states[0]]) ? GLOB_ABOVE : 0U);
}

unsigned glob_match_path(const char *pattern, const char *path) {
    return differs_at_once(pattern, path) ? 0 : match_path(pattern, path);
}

const char *glob_path_fault(const char *pattern) {
    if (strlen(pattern) > GLOB_PATTERN_MAX_BYTES - 1) {
        return "is longer than 254 bytes";
    }
    if (*pattern == '/' || *pattern == ':' || strncmp(pattern, "./", 2) == 0) {
        return "begins with '/', './' or ':'; a path begins at the top of the repository, as in docs/**";
    }
    for (const char *at = pattern; *at; at++) {
        if (*at == '\\') {
            at++;
            if (!*at) {
                return "ends with a backslash";
            }
        } else if (*at == '[') {
            const char *end = set_end(at + 1);

            if (!end || memmem(at, (size_t)(end - at), "[:", 2)) {
                return "has a '[' without its ']', or a class such as [:alpha:]";
            }
            at = end - 1;
        }
    }
    return NULL;
}

bool glob_has_wildcard(const char *pattern) {
    return strpbrk(pattern, "*?[\\") != NULL;
}
