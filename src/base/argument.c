/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Parses the options of verbs that have few. The options of serve have a table instead: serve/option_table.h. For every
 * verb, this file words the refusal of an unknown argument. It never repeats the value of an option, which may be a
 * token.
 */

#include "base/argument.h"

#include <stdio.h>
#include <string.h>

enum {
    WORD_MAX = 32,      /* bytes of a word that is compared; a longer one gets no hint */
    SHARE_OF_SLIPS = 3, /* a word may have one mistake for each three bytes */
    BEGINNING_MIN = 3,  /* bytes of the shortest prefix that is taken for a name */
    SHOWN_MAX = 64,     /* bytes of an argument in a message */
};

bool argument_take(const char *name, char *argv[], int *ip, char **valuep) {
    char *argument = argv[*ip];
    size_t size = strlen(name);

    if (strncmp(argument, name, size) != 0 || (argument[size] != '=' && argument[size] != '\0')) {
        return false;
    }
    *valuep = argument[size] == '=' ? argument + size + 1 : argv[++*ip];
    return true;
}

/* Return: the index in @names of the option argv[*ip], or of the NULL at their end. @ip: as in argument_take() */
static size_t find_option(const char *const *names, char *argv[], int *ip) {
    char *value;
    size_t n = 0;

    while (names[n] && !argument_take(names[n], argv, ip, &value)) {
        n++;
    }
    return n;
}

int argument_check_once(char *argv[], const char *const *names, const char *verb, struct gate_error *error) {
    int places[ARGUMENT_OPTIONS_MAX + 1] = {0};

    for (int i = 1; argv[i]; i++) {
        const int place = i;
        size_t n = find_option(names, argv, &i);
        const char *name = names[n];

        if (name && places[n]) {
            return gate_error_set(error, GATE_E_USAGE,
                                  "%s is given twice, as argument %d and argument %d of %s, and takes one value: leave "
                                  "one of them out",
                                  name, places[n], place, verb);
        }
        places[n] = place;
        if (!argv[i]) {
            break; /* the last option lacks its value */
        }
    }
    return 0;
}

int argument_name_size(const char *argument) {
    return (int)strcspn(argument, "=");
}

static unsigned least(unsigned a, unsigned b) {
    return a < b ? a : b;
}

/*
 * The edit distance between two words of at most WORD_MAX bytes: the number of bytes to add, remove, change or swap
 * with the next one. There is a row for each byte of @word. Three rows are kept, since a swap looks two rows back.
 */
static unsigned distance(const char *word, size_t size, const char *name, size_t name_size) {
    unsigned rows[3][WORD_MAX + 1];

    for (size_t j = 0; j <= name_size; j++) {
        rows[0][j] = (unsigned)j;
    }
    for (size_t i = 1; i <= size; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= name_size; j++) {
            row[j] = least(above[j - 1] + (word[i - 1] != name[j - 1]), least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && word[i - 1] == name[j - 2] && word[i - 2] == name[j - 1]) {
                row[j] = least(row[j], rows[(i + 1) % 3][j - 2] + 1);
            }
        }
    }
    return rows[size % 3][name_size];
}

/* A prefix counts as one mistake. */
static unsigned distance_of_names(const char *word, size_t size, const char *name) {
    size_t name_size = strlen(name);

    if (name_size > WORD_MAX) {
        return WORD_MAX;
    }
    if (size >= BEGINNING_MIN && size < name_size && memcmp(word, name, size) == 0) {
        return 1;
    }
    return distance(word, size, name, name_size);
}

void argument_hint(char hint[ARGUMENT_HINT_MAX], const char *word, size_t size, const char *const *names,
                   const char *dashes) {
    const char *found = NULL;
    unsigned nearest;

    while (size > 0 && *word == '-') {
        word++;
        size--;
    }
    hint[0] = '\0';
    nearest = (unsigned)size / SHARE_OF_SLIPS + 1;
    for (; *names && size <= WORD_MAX; names++) {
        unsigned slips = distance_of_names(word, size, *names);

        if (slips < nearest) {
            nearest = slips;
            found = *names;
        }
    }
    if (found) {
        (void)snprintf(hint, ARGUMENT_HINT_MAX, ": did you mean '%s%s'?", dashes, found);
    }
}

static bool has_name(const char *const *names, const char *name) {
    while (*names && strcmp(*names, name) != 0) {
        names++;
    }
    return *names;
}

/*
 * Return: the size of the part of @argument that a message may repeat. The rest may be a token, as in -TOKEN.
 */
static size_t shown_size(const char *argument) {
    static const char bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
    size_t size;

    if (strncmp(argument, "--", 2) != 0) {
        return strspn(argument, bytes) < 2 ? 1 : 2;
    }
    size = strspn(argument, bytes);
    return size < SHOWN_MAX ? size : SHOWN_MAX;
}

int argument_refuse(const char *argument, const char *const *names, const char *dashes, const char *command,
                    struct gate_error *error) {
    static const char token[] = "--token";
    const size_t size = shown_size(argument);
    char hint[ARGUMENT_HINT_MAX];

    if (size == strlen(token) && memcmp(argument, token, size) == 0 && has_name(names, "token-file")) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--token is not an option, since everybody on the machine can read a command line; name "
                              "the token's file by --token-file, or set GIT_GATE_TOKEN");
    }
    argument_hint(hint, argument, (size_t)argument_name_size(argument), names, dashes);
    return gate_error_set(error, GATE_E_USAGE, "%.*s is not an option of %s%s%s '%s --help' lists them", (int)size,
                          argument, command, hint, *hint ? "" : ";", command);
}
