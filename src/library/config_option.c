/* SPDX-License-Identifier: Apache-2.0 */

/* Makes an array of the rows of serve/option_table.h. The compiler checks that a row's kind fits its field's type. */

#include "library/config_option.h"

#include <assert.h>
#include <limits.h>

#include "serve/settings.h"

#define IS_TEXT(field) _Generic((field), const char * : 1, default : 0)
#define IS_LIST(field) _Generic((field), char ** : 1, char *const * : 1, default : 0)
#define IS_FLAG(field) _Generic((field), bool : 1, default : 0)
#define IS_SWITCH(field) IS_FLAG(field)
#define IS_NUMBER(field) _Generic((field), uint64_t : 1, default : 0)
#define IS_BYTES(field) IS_NUMBER(field)
#define IS_CHOICE(field) _Generic((field), unsigned : 1, default : 0)
#define IS_MODE(field) IS_CHOICE(field)
#define IS_FD(field) _Generic((field), int : 1, default : 0)

#define OPTION(kind, field, ...)                                                                                       \
    static_assert(IS_##kind(((struct server_settings *)NULL)->field), #field " has not the type of its kind");
#define PART OPTION
#include "serve/option_table.h"
#undef OPTION

static const struct config_option options[] = {
#define OPTION(kind, field, name, ...) {name, CONFIG_##kind, offsetof(struct server_settings, field), __VA_ARGS__},
#include "serve/option_table.h"
#undef OPTION
#undef PART
};

enum {
    N_OPTIONS = sizeof(options) / sizeof(options[0]),
};

static_assert(N_OPTIONS + 2 <= CONFIG_NAMES_MAX, "a list of the options has room for --help and its end");
static_assert(LOG_LEVEL_COUNT == 5 && LOG_FORMAT_COUNT == 2 && CONFINE_MODE_COUNT == 3 && ENVIRON_BACKEND_COUNT == 2 &&
                  ENVIRON_FSCK_COUNT == 3,
              "the choices of log-level, log-format, confine, backend and fsck name each value");

const struct config_option *config_options(size_t *n_optionsp) {
    *n_optionsp = N_OPTIONS;
    return options;
}

size_t config_option_names(const char *names[CONFIG_NAMES_MAX], bool with_internal) {
    size_t n = 0;

    for (size_t i = 0; i < N_OPTIONS; i++) {
        if (with_internal || !options[i].is_internal) {
            names[n++] = options[i].name;
        }
    }
    names[n] = NULL;
    return n;
}

int config_option_refuse(const struct config_option *option, const char *wanted, struct gate_error *error) {
    return gate_error_set(error, GATE_E_USAGE, "--%s takes %s", option->name, wanted);
}
