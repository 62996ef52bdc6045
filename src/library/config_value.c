/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Parses the value of an option into its field, and manages the memory of texts and lists. The option's kind tells the
 * type of the field. Texts and lists are accessed by memcpy(3), since the structs that declare them differ in const.
 */

#include "library/config_value.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    WANTED_MAX = 64, /* bytes of the words about the bounds of a number, with terminator */
};

static_assert(CONFIG_LIST_MAX == 64, "a sentence below says this number");

static char *text_at(const void *at) {
    char *text;

    memcpy(&text, at, sizeof(text));
    return text;
}

static char **list_at(const void *at) {
    char **list;

    memcpy(&list, at, sizeof(list));
    return list;
}

static size_t list_size(char *const *list) {
    size_t n = 0;

    while (list && list[n]) {
        n++;
    }
    return n;
}

static void free_text(char *text) {
    if (text) {
        explicit_bzero(text, strlen(text));
        free(text);
    }
}

static void free_list(char **list) {
    for (size_t n = list_size(list); n > 0; n--) {
        free_text(list[n - 1]);
    }
    free((void *)list);
}

static int refuse_memory(struct gate_error *error) {
    return gate_error_set(error, GATE_E_INTERNAL, "out of memory");
}

static int set_text(void *at, const char *value, struct gate_error *error) {
    char *text = strdup(value);

    if (!text) {
        return refuse_memory(error);
    }
    free_text(text_at(at));
    memcpy(at, &text, sizeof(text));
    return 0;
}

static int set_list(void *at, const struct config_option *option, const char *value, bool is_first,
                    struct gate_error *error) {
    char **list = list_at(at);
    size_t n = is_first ? 0 : list_size(list);
    char **longer;

    if (n == CONFIG_LIST_MAX) {
        return config_option_refuse(option, "at most 64 values", error);
    }
    longer = calloc(n + 2, sizeof(*longer));
    if (!longer || !(longer[n] = strdup(value))) {
        free((void *)longer);
        return refuse_memory(error);
    }
    if (is_first) {
        free_list(list);
    } else {
        memcpy((void *)longer, (void *)list, n * sizeof(*list));
        free((void *)list);
    }
    memcpy(at, &longer, sizeof(longer));
    return 0;
}

/* A decimal number, with a unit if @has_unit; no sign, no space, no overflow. */
static bool parse_number(const char *text, bool has_unit, uint64_t *numberp) {
    uint64_t unit = 1;
    uint64_t number = 0;
    uint64_t product;
    const char *at = text;

    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(number, 10U, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number)) {
            return false;
        }
    }
    if (at == text) {
        return false;
    }
    if (has_unit && *at && strchr("KMGkmg", *at)) {
        unit = *at == 'K' || *at == 'k' ? UINT64_C(1) << 10 : *at == 'M' || *at == 'm' ? 1 << 20 : 1 << 30;
        at++;
    }
    if (*at || __builtin_mul_overflow(number, unit, &product)) {
        return false;
    }
    *numberp = product;
    return true;
}

static int refuse_number(const struct config_option *option, struct gate_error *error) {
    char wanted[WANTED_MAX];

    if (option->kind == CONFIG_BYTES) {
        return config_option_refuse(option, "a number of bytes, with or without K, M or G after it", error);
    }
    if (option->maximum < INT_MAX) {
        (void)snprintf(wanted, sizeof(wanted), "a whole number from %" PRIu64 " to %" PRIu64, option->minimum,
                       option->maximum);
    } else if (option->minimum > 0) {
        (void)snprintf(wanted, sizeof(wanted), "a whole number of at least %" PRIu64 ", without a unit",
                       option->minimum);
    } else {
        (void)snprintf(wanted, sizeof(wanted), "a whole number, without a unit");
    }
    return config_option_refuse(option, wanted, error);
}

static int set_number(uint64_t *numberp, const struct config_option *option, const char *value,
                      struct gate_error *error) {
    uint64_t number;

    if (!parse_number(value, option->kind == CONFIG_BYTES, &number) || number < option->minimum ||
        number > option->maximum) {
        return refuse_number(option, error);
    }
    *numberp = number;
    return 0;
}

static int set_flag(bool *flagp, const struct config_option *option, const char *value, struct gate_error *error) {
    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0) {
        return config_option_refuse(option, option->argument ? option->argument : "yes or no", error);
    }
    *flagp = strcmp(value, "yes") == 0;
    return 0;
}

static int set_choice(unsigned *choicep, const struct config_option *option, const char *value,
                      struct gate_error *error) {
    unsigned choice = 0;
    size_t size = strlen(value);

    for (const char *word = option->argument;; word++, choice++) {
        size_t word_size = strcspn(word, "|");

        if (size == word_size && strncmp(word, value, size) == 0) {
            *choicep = choice;
            return 0;
        }
        word += word_size;
        if (!*word) {
            return config_option_refuse(option, option->argument, error);
        }
    }
}

/* A mode has three or four digits, so that a decimal number or an odd bit is not taken for one. */
static int set_mode(unsigned *modep, const struct config_option *option, const char *value, struct gate_error *error) {
    size_t size = strlen(value);
    unsigned mode = 0;

    for (const char *at = value; *at >= '0' && *at <= '7'; at++) {
        mode = mode * 8 + (unsigned)(*at - '0');
    }
    if (size < 3 || size > 4 || strspn(value, "01234567") != size || (size == 4 && value[0] != '0') ||
        !(mode & S_IWUSR) || (mode & S_IWOTH)) {
        return config_option_refuse(
            option, "an octal mode such as 0660: the owner may write, and users outside of the group may not", error);
    }
    *modep = mode;
    return 0;
}

static int set_fd(int *fdp, const struct config_option *option, const char *value, struct gate_error *error) {
    uint64_t fd;

    if (!parse_number(value, false, &fd) || fd > INT_MAX) {
        return config_option_refuse(option, "a file descriptor", error);
    }
    *fdp = (int)fd;
    return 0;
}

int config_value_init(void *at, const struct config_option *option) {
    if (option->kind == CONFIG_FD) {
        *(int *)at = -1;
    }
    if (option->kind == CONFIG_LIST) {
        char **list = calloc(1, sizeof(*list));

        memcpy(at, &list, sizeof(list));
        return list ? 0 : -ENOMEM;
    }
    return 0;
}

int config_value_set(void *at, const struct config_option *option, const char *value, bool is_first,
                     struct gate_error *error) {
    switch (option->kind) {
    case CONFIG_TEXT:
        return set_text(at, value, error);
    case CONFIG_LIST:
        return set_list(at, option, value, is_first, error);
    case CONFIG_FLAG:
    case CONFIG_SWITCH:
        return set_flag(at, option, value, error);
    case CONFIG_NUMBER:
    case CONFIG_BYTES:
        return set_number(at, option, value, error);
    case CONFIG_CHOICE:
        return set_choice(at, option, value, error);
    case CONFIG_MODE:
        return set_mode(at, option, value, error);
    case CONFIG_FD:
        return set_fd(at, option, value, error);
    }
    return gate_error_set(error, GATE_E_INTERNAL, "the table of options is broken");
}

int config_value_own(void *at, const struct config_option *option) {
    if (option->kind == CONFIG_TEXT) {
        const char *text = text_at(at);
        char *copy = text ? strdup(text) : NULL;

        memcpy(at, &copy, sizeof(copy));
        return text && !copy ? -ENOMEM : 0;
    }
    if (option->kind == CONFIG_LIST) {
        char *const *list = list_at(at);
        size_t n = list_size(list);
        char **copy = calloc(n + 1, sizeof(*copy));

        memcpy(at, &copy, sizeof(copy));
        for (size_t i = 0; copy && i < n; i++) {
            copy[i] = strdup(list[i]);
            if (!copy[i]) {
                return -ENOMEM;
            }
        }
        return copy ? 0 : -ENOMEM;
    }
    return 0; /* the others are plain values */
}

void config_value_free(void *at, const struct config_option *option) {
    if (option->kind == CONFIG_TEXT) {
        free_text(text_at(at));
        memset(at, 0, sizeof(char *));
    } else if (option->kind == CONFIG_LIST) {
        free_list(list_at(at));
        memset(at, 0, sizeof(char **));
    }
}
