/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads rules. The gate reads them from the output of git's parser. The hook reads the same keys and values again, by
 * the same table. A key or value that is not in the table must be refused: a misspelt rule would allow the very things
 * that it forbids.
 */

#include "rules/rules.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/ascii.h"
#include "rules/glob.h"

enum value_kind {
    VALUE_NUMBER,
    VALUE_FLAG,
    VALUE_GLOB,    /* of paths */
    VALUE_ADDRESS, /* a pattern */
    VALUE_MODE,
};

static const struct key {
    const char *name;
    enum value_kind kind;
    size_t offset;
} keys[] = {
    {"paths.deny", VALUE_GLOB, offsetof(struct rules, deny_paths)},
    {"paths.allow", VALUE_GLOB, offsetof(struct rules, allow_paths)},
    {"files.maxbytes", VALUE_NUMBER, offsetof(struct rules, max_file_bytes)},
    {"files.maxpathbytes", VALUE_NUMBER, offsetof(struct rules, max_path_bytes)},
    {"files.deny", VALUE_MODE, offsetof(struct rules, deny_modes)},
    {"commits.maxcount", VALUE_NUMBER, offsetof(struct rules, max_commits)},
    {"commits.author", VALUE_ADDRESS, offsetof(struct rules, authors)},
    {"commits.committer", VALUE_ADDRESS, offsetof(struct rules, committers)},
    {"commits.signedoff", VALUE_FLAG, offsetof(struct rules, signed_off)},
    {"push.maxrefs", VALUE_NUMBER, offsetof(struct rules, max_refs)},
};

enum {
    N_KEYS = sizeof(keys) / sizeof(keys[0]),
};

static const char all_keys[] =
    "refs PATTERN: create, update, delete; paths: deny, allow; files: maxBytes, maxPathBytes, deny; commits: maxCount, "
    "author, committer, signedOff; push: maxRefs";

static int out_of_memory(struct gate_error *error) {
    return gate_error_set(error, GATE_E_INTERNAL, "out of memory");
}

static int refuse_value(const char *key, const char *wanted, struct gate_error *error) {
    return gate_error_set(error, GATE_E_USAGE, "%.200s takes %s", key, wanted);
}

/* Takes git's words for a boolean: git-config(1). */
static int read_flag(bool *flagp, const char *key, const char *value, struct gate_error *error) {
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};

    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (!value || strcasecmp(value, yes[i]) == 0) {
            *flagp = true;
            return 0;
        }
        if (strcasecmp(value, no[i]) == 0) {
            *flagp = false;
            return 0;
        }
    }
    return refuse_value(key, "yes or no", error);
}

/* Takes git's numbers: digits, and k, m or g for powers of 1024. */
static int read_number(uint64_t *numberp, const char *key, const char *value, struct gate_error *error) {
    static const char units[] = "kmg";
    uint64_t number = 0;
    const char *unit;
    unsigned shift;

    if (!value || *value < '0' || *value > '9') {
        return refuse_value(key, "a number, as 20 or 10M", error);
    }
    for (; *value >= '0' && *value <= '9'; value++) {
        if (number > UINT64_MAX / 100) {
            return refuse_value(key, "a smaller number", error);
        }
        number = number * 10 + (uint64_t)(*value - '0');
    }
    unit = *value ? strchr(units, *value | 0x20) : NULL;
    shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    if (*value && (!unit || value[1])) {
        return refuse_value(key, "a number, as 20 or 10M", error);
    }
    if (number > (RULES_NO_LIMIT - 1) >> shift) {
        return refuse_value(key, "a smaller number", error);
    }
    *numberp = number << shift;
    return 0;
}

static int add_item(struct rules_list *list, const char *value, struct gate_error *error) {
    char **items = reallocarray(list->items, list->n_items + 1, sizeof(*items));

    if (!items) {
        return out_of_memory(error);
    }
    list->items = items;
    items[list->n_items] = strdup(value);
    return items[list->n_items++] ? 0 : out_of_memory(error);
}

static int add_glob(struct rules_list *list, const char *key, const char *value, struct gate_error *error) {
    const char *fault = value && *value ? glob_path_fault(value) : "is empty";

    return fault ? gate_error_set(error, GATE_E_USAGE, "%.200s: '%.200s' %s", key, value ? value : "", fault)
                 : add_item(list, value, error);
}

static int add_address(struct rules_list *list, const char *key, const char *value, struct gate_error *error) {
    return value && *value ? add_item(list, value, error) : refuse_value(key, "a pattern, as *@example.com", error);
}

static int add_mode(unsigned *modesp, const char *key, const char *value, struct gate_error *error) {
    const unsigned mode = !value                             ? 0
                          : strcmp(value, "symlink") == 0    ? RULES_SYMLINK
                          : strcmp(value, "submodule") == 0  ? RULES_SUBMODULE
                          : strcmp(value, "executable") == 0 ? RULES_EXECUTABLE
                                                             : 0;

    *modesp |= mode;
    return mode ? 0 : refuse_value(key, "symlink, submodule or executable", error);
}

static int refuse_twice(const char *key, struct gate_error *error) {
    return gate_error_set(error, GATE_E_USAGE, "%.200s is there twice", key);
}

static int add_key(struct rules *rules, size_t i, const char *key, const char *value, struct gate_error *error) {
    void *field = (char *)rules + keys[i].offset;
    const bool repeats = keys[i].kind >= VALUE_GLOB;

    if (!repeats && (rules->given & (1U << i))) {
        return refuse_twice(key, error);
    }
    rules->given |= 1U << i;
    switch (keys[i].kind) {
    case VALUE_NUMBER:
        return read_number(field, key, value, error);
    case VALUE_FLAG:
        return read_flag(field, key, value, error);
    case VALUE_GLOB:
        return add_glob(field, key, value, error);
    case VALUE_ADDRESS:
        return add_address(field, key, value, error);
    case VALUE_MODE:
        return add_mode(field, key, value, error);
    }
    return 0;
}

/* ---- sections of references ---- */

/* A pattern with characters that no reference's name can have would fit none: git-check-ref-format(1). */
static int check_pattern(const char *pattern, struct gate_error *error) {
    const bool is_all = strcmp(pattern, "*") == 0;

    if (!is_all && strncmp(pattern, "refs/", strlen("refs/")) != 0) {
        return gate_error_set(
            error, GATE_E_USAGE,
            "[refs \"%.200s\"] fits no reference: a pattern begins with refs/, as in refs/heads/task/*", pattern);
    }
    if (strpbrk(pattern, " ?[\\^~:") || strstr(pattern, "..") || strstr(pattern, "//") || strstr(pattern, "@{")) {
        return gate_error_set(error, GATE_E_USAGE,
                              "[refs \"%.200s\"] fits no reference: '*' stands for any text, and other characters for "
                              "themselves",
                              pattern);
    }
    return 0;
}

static struct rules_refs *find_section(struct rules *rules, const char *pattern, size_t size) {
    for (size_t i = 0; i < rules->n_refs; i++) {
        if (strlen(rules->refs[i].pattern) == size && memcmp(rules->refs[i].pattern, pattern, size) == 0) {
            return &rules->refs[i];
        }
    }
    return NULL;
}

/* Return: the new section; NULL with @error. */
static struct rules_refs *make_section(struct rules *rules, const char *pattern, size_t size,
                                       struct gate_error *error) {
    struct rules_refs *refs = reallocarray(rules->refs, rules->n_refs + 1, sizeof(*refs));
    char *copy = strndup(pattern, size);

    rules->refs = refs ? refs : rules->refs;
    if (!refs || !copy) {
        free(copy);
        (void)out_of_memory(error);
        return NULL;
    }
    refs[rules->n_refs] = (struct rules_refs){.pattern = copy, .creates = true, .update = RULES_UPDATE_FAST_FORWARD};
    rules->n_refs++;
    return check_pattern(copy, error) == 0 ? &refs[rules->n_refs - 1] : NULL;
}

static int read_update(enum rules_update *updatep, const char *key, const char *value, struct gate_error *error) {
    static const char *const words[] = {"none", "fast-forward", "any"}; /* in the order of the enum */

    for (size_t i = 0; value && i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(value, words[i]) == 0) {
            *updatep = (enum rules_update)i;
            return 0;
        }
    }
    return refuse_value(key, "none, fast-forward or any", error);
}

/* @key: refs.PATTERN.KEY, where PATTERN may have dots. */
static int add_refs(struct rules *rules, const char *key, const char *value, struct gate_error *error) {
    static const char *const names[] = {"create", "update", "delete"};
    const char *pattern = key + strlen("refs.");
    const char *name = strrchr(key, '.') + 1;
    struct rules_refs *section = name > pattern ? find_section(rules, pattern, (size_t)(name - 1 - pattern)) : NULL;
    size_t i = 0;

    while (i < 3 && strcmp(name, names[i]) != 0) {
        i++;
    }
    if (i == 3 || name <= pattern) {
        return gate_error_set(error, GATE_E_USAGE, "%.200s is no key of rules; they are %s", key, all_keys);
    }
    section = section ? section : make_section(rules, pattern, (size_t)(name - 1 - pattern), error);
    if (!section) {
        return error->code;
    }
    if (section->given & (1U << i)) {
        return refuse_twice(key, error);
    }
    section->given |= 1U << i;
    return i == 0   ? read_flag(&section->creates, key, value, error)
           : i == 1 ? read_update(&section->update, key, value, error)
                    : read_flag(&section->deletes, key, value, error);
}

int rules_add(struct rules *rules, const char *key, const char *value, struct gate_error *error) {
    if (ascii_has_control_byte(span_of(key)) || (value && ascii_has_control_byte(span_of(value)))) {
        return gate_error_set(error, GATE_E_USAGE, "a key or value has control characters: line ends, tabs or others");
    }
    if (strncmp(key, "refs.", strlen("refs.")) == 0) {
        return add_refs(rules, key, value, error);
    }
    for (size_t i = 0; i < N_KEYS; i++) {
        if (strcmp(key, keys[i].name) == 0) {
            return add_key(rules, i, key, value, error);
        }
    }
    return gate_error_set(error, GATE_E_USAGE, "%.200s is no key of rules; they are %s", key, all_keys);
}

/* ---- as a whole ---- */

int rules_parse(struct rules *rules, const char *text, struct gate_error *error) {
    char *copy = strdup(text);
    char *rest = copy;
    int r = copy ? 0 : out_of_memory(error);

    while (!r && rest && *rest) {
        const char *key = strsep(&rest, "\n");
        const char *value = rest ? strsep(&rest, "\n") : NULL;

        r = value && rest ? rules_add(rules, key, value, error)
                          : gate_error_set(error, GATE_E_USAGE, "the rules are cut short");
    }
    free(copy);
    return r;
}

static void free_list(struct rules_list *list) {
    while (list->n_items > 0) {
        free(list->items[--list->n_items]);
    }
    free(list->items);
}

void rules_deinit(struct rules *rules) {
    while (rules->n_refs > 0) {
        free(rules->refs[--rules->n_refs].pattern);
    }
    free(rules->refs);
    free_list(&rules->deny_paths);
    free_list(&rules->allow_paths);
    free_list(&rules->authors);
    free_list(&rules->committers);
    *rules = RULES_NONE;
}

const struct rules_refs *rules_find_refs(const struct rules *rules, const char *name) {
    for (size_t i = 0; i < rules->n_refs; i++) {
        if (glob_match_ref(rules->refs[i].pattern, name)) {
            return &rules->refs[i];
        }
    }
    return NULL;
}

bool rules_judge_paths(const struct rules *rules) {
    return rules->deny_paths.n_items > 0 || rules->allow_paths.n_items > 0;
}

bool rules_judge_content(const struct rules *rules) {
    return rules_judge_paths(rules) || rules->deny_modes || rules->authors.n_items > 0 ||
           rules->committers.n_items > 0 || rules->signed_off || rules->max_file_bytes != RULES_NO_LIMIT ||
           rules->max_path_bytes != RULES_NO_LIMIT || rules->max_commits != RULES_NO_LIMIT;
}
