/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads the variables of a configuration file exactly as git's own parser does (git_parse_source() in its config.c). A
 * name that git sees and this parser misses would be a hole, so anything unclear is malformed. This file opens no file
 * itself.
 */

#include "backend/config_text.h"

#include <stdbool.h>
#include <string.h>

#include "base/ascii.h"

struct scanner {
    const char *at;
    const char *end;
    const char *element; /* where the last section or variable begins */
    const char *empty;   /* the last section, while it has no variable; NULL otherwise */
    const char *first_empty;
    bool is_at_end;
    size_t base_size; /* bytes of the section's part of the name, with its dot */
    size_t name_size;
    size_t value_size;
    char name[CONFIG_TEXT_NAME_MAX_BYTES + 1];
    char value[CONFIG_TEXT_VALUE_MAX_BYTES + 1];
};

/* The character classes are those of ASCII, in every locale. */
static bool is_space(int c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_key(int c) {
    return ascii_is_alphanumeric(c) || c == '-';
}

static int lower(int c) {
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* CRLF counts as one character. At the end of the file, each call returns one more line end. */
static int next(struct scanner *scanner) {
    if (scanner->at == scanner->end) {
        scanner->is_at_end = true;
        return '\n';
    }
    if (*scanner->at == '\r' && scanner->end - scanner->at > 1 && scanner->at[1] == '\n') {
        scanner->at++;
    }
    return (unsigned char)*scanner->at++;
}

static int add_to_name(struct scanner *scanner, int c) {
    if (scanner->name_size == CONFIG_TEXT_NAME_MAX_BYTES) {
        return CONFIG_TEXT_E_MALFORMED;
    }
    scanner->name[scanner->name_size++] = (char)c;
    return 0;
}

static void add_to_value(struct scanner *scanner, int c) {
    if (scanner->value_size < CONFIG_TEXT_VALUE_MAX_BYTES) {
        scanner->value[scanner->value_size++] = (char)c;
    }
}

/* Reads the quoted part of [section "subsection"], in which a backslash quotes the next character. */
static int read_subsection(struct scanner *scanner) {
    int c;
    int r;

    do {
        c = next(scanner);
    } while (is_space(c) && c != '\n');
    if (c != '"') {
        return CONFIG_TEXT_E_MALFORMED;
    }
    r = add_to_name(scanner, '.');
    for (c = next(scanner); c != '"' && !r; c = next(scanner)) {
        c = c == '\\' ? next(scanner) : c;
        r = c == '\n' ? CONFIG_TEXT_E_MALFORMED : add_to_name(scanner, c);
    }
    return r || next(scanner) != ']' ? CONFIG_TEXT_E_MALFORMED : 0;
}

/* Reads what follows "[". The name may contain a dot: [section.subsection] is an older form. */
static int read_section(struct scanner *scanner) {
    int r = 0;

    scanner->name_size = 0;
    for (int c = next(scanner); c != ']' && !r; c = next(scanner)) {
        if (scanner->is_at_end) {
            return CONFIG_TEXT_E_MALFORMED;
        }
        if (is_space(c)) {
            r = c == '\n' ? CONFIG_TEXT_E_MALFORMED : read_subsection(scanner);
            break;
        }
        r = is_key(c) || c == '.' ? add_to_name(scanner, lower(c)) : CONFIG_TEXT_E_MALFORMED;
    }
    r = r ? r : scanner->name_size == 0 ? CONFIG_TEXT_E_MALFORMED : add_to_name(scanner, '.');
    scanner->base_size = scanner->name_size;
    return r;
}

/* Return: 0, or CONFIG_TEXT_E_MALFORMED for an escape that does not exist. */
static int read_escape(struct scanner *scanner) {
    int c = next(scanner);

    switch (c) {
    case '\n':
        return 0; /* the value continues in the next line */
    case 't':
        add_to_value(scanner, '\t');
        return 0;
    case 'b':
        add_to_value(scanner, '\b');
        return 0;
    case 'n':
        add_to_value(scanner, '\n');
        return 0;
    case '\\':
    case '"':
        add_to_value(scanner, c);
        return 0;
    default:
        return CONFIG_TEXT_E_MALFORMED;
    }
}

/* Reads what follows "=", up to the end of the line. Spaces at either end do not count. */
static int read_value(struct scanner *scanner) {
    bool is_quoted = false;
    bool is_comment = false;
    size_t trimmed_size = 0;
    int r = 0;

    for (int c = next(scanner); c != '\n' && !r; c = next(scanner)) {
        if (is_comment || (is_space(c) && !is_quoted && scanner->value_size == 0)) {
            continue;
        }
        if (is_space(c) && !is_quoted) {
            add_to_value(scanner, c);
            continue;
        }
        if (!is_quoted && (c == ';' || c == '#')) {
            is_comment = true;
            continue;
        }
        if (c == '\\') {
            r = read_escape(scanner);
        } else if (c == '"') {
            is_quoted = !is_quoted;
        } else {
            add_to_value(scanner, c);
        }
        trimmed_size = scanner->value_size;
    }
    scanner->value_size = trimmed_size;
    return r ? r : is_quoted ? CONFIG_TEXT_E_MALFORMED : 0;
}

/* Reads one variable, whose first letter is @c. */
static int read_variable(struct scanner *scanner, int c, config_text_visit *visit, void *userdata) {
    int r = 0;

    scanner->name_size = scanner->base_size;
    scanner->value_size = 0;
    for (; is_key(c) && !r; c = next(scanner)) {
        r = add_to_name(scanner, lower(c));
    }
    while (c == ' ' || c == '\t') {
        c = next(scanner);
    }
    if (c != '\n' && !r) {
        r = c == '=' ? read_value(scanner) : CONFIG_TEXT_E_MALFORMED;
    } else {
        memcpy(scanner->value, "true", strlen("true"));
        scanner->value_size = strlen("true");
    }
    scanner->name[scanner->name_size] = '\0';
    scanner->value[scanner->value_size] = '\0';
    return r ? r : visit(scanner->name, scanner->value, userdata);
}

static void skip_comment(struct scanner *scanner) {
    while (next(scanner) != '\n') {
    }
}

static void skip_mark(struct scanner *scanner, struct span text) {
    static const char mark[] = "\xef\xbb\xbf"; /* UTF-8's byte order mark, which git skips */

    if (text.size >= strlen(mark) && memcmp(text.data, mark, strlen(mark)) == 0) {
        scanner->at += strlen(mark);
    }
}

static int scan(struct scanner *scanner, struct span text, config_text_visit *visit, void *userdata) {
    int r = 0;

    scanner->at = text.data;
    scanner->end = text.size ? text.data + text.size : text.data;
    scanner->element = scanner->empty = scanner->first_empty = NULL;
    scanner->is_at_end = false;
    scanner->base_size = scanner->name_size = scanner->value_size = 0;
    if (text.size && memchr(text.data, '\0', text.size)) {
        return CONFIG_TEXT_E_MALFORMED;
    }
    skip_mark(scanner, text);
    while (!r) {
        int c = next(scanner);

        if (scanner->is_at_end) {
            break;
        }
        scanner->element = scanner->at - 1;
        if (c == '#' || c == ';') {
            skip_comment(scanner);
        } else if (c == '[') {
            scanner->first_empty = scanner->first_empty ? scanner->first_empty : scanner->empty;
            scanner->empty = scanner->element;
            r = read_section(scanner);
        } else if (ascii_is_letter(c)) {
            scanner->empty = NULL;
            r = read_variable(scanner, c, visit, userdata);
        } else if (!is_space(c)) {
            r = CONFIG_TEXT_E_MALFORMED;
        }
    }
    return r;
}

int config_text_scan(struct span text, config_text_visit *visit, void *userdata) {
    struct scanner scanner;

    return scan(&scanner, text, visit, userdata);
}

struct search {
    const struct scanner *scanner;
    size_t index;
    const char *name;
    const char *found;
};

static int visit_until(const char *name, const char *value, void *userdata) {
    struct search *search = userdata;

    (void)value;
    if (search->index-- > 0) {
        return 0;
    }
    search->found = strcmp(name, search->name) == 0 ? search->scanner->element : NULL;
    return 1;
}

static size_t line_of(struct span text, const char *at) {
    size_t line = 1;

    for (const char *c = text.data; c < at; c++) {
        line += *c == '\n';
    }
    return line;
}

size_t config_text_line(struct span text, size_t index, const char *name) {
    struct scanner scanner;
    struct search search = {.scanner = &scanner, .index = index, .name = name};

    (void)scan(&scanner, text, visit_until, &search);
    return search.found ? line_of(text, search.found) : 0;
}

static int visit_all(const char *name, const char *value, void *userdata) {
    (void)name;
    (void)value;
    (void)userdata;
    return 0;
}

size_t config_text_empty_section(struct span text) {
    struct scanner scanner;
    const char *empty;

    if (scan(&scanner, text, visit_all, NULL) != 0) {
        return 0;
    }
    empty = scanner.first_empty ? scanner.first_empty : scanner.empty;
    return empty ? line_of(text, empty) : 0;
}
