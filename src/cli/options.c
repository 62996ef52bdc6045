/* SPDX-License-Identifier: Apache-2.0 */

/* Parses the command line of serve into a configuration. It must know no option but those of the table. */

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/argument.h"
#include "cli/cli.h"

enum {
    OPTION_FIRST = 256,     /* value of the table's first option: above what getopt_long(3) itself returns */
    OPTION_HELP = 1000,     /* above every option of the table */
    HELP_COLUMN_WIDTH = 34, /* of "  --name=ARGUMENT" */
};

/* Writes the table in the form of getopt_long(3). The value of an option is its index, from OPTION_FIRST on. */
static void fill_getopt(struct option getopt_options[CONFIG_NAMES_MAX]) {
    const struct config_option *options;
    size_t n_options;
    size_t n = 0;

    options = config_options(&n_options);
    for (size_t i = 0; i < n_options && n < CONFIG_NAMES_MAX - 2; i++) {
        if (!options[i].is_internal) {
            getopt_options[n++] = (struct option){
                .name = options[i].name,
                .has_arg = options[i].kind == CONFIG_FLAG ? no_argument : required_argument,
                .val = OPTION_FIRST + (int)i,
            };
        }
    }
    getopt_options[n++] = (struct option){.name = "help", .has_arg = no_argument, .val = OPTION_HELP};
    getopt_options[n] = (struct option){0};
}

/* getopt_long(3) takes abbreviations, too; the meaning of one could change when an option is added. */
static bool is_spelled_out(const char *argument, const char *name) {
    return strncmp(argument, "--", 2) == 0 && strncmp(argument + 2, name, strlen(name)) == 0 &&
           strchr("=", argument[2 + strlen(name)]);
}

/* Refuses an option that the table does not have. */
static int refuse_unknown(const char *argument, struct gate_error *error) {
    const char *names[CONFIG_NAMES_MAX];
    size_t n = config_option_names(names, false);

    names[n++] = "help";
    names[n] = NULL;
    return argument_refuse(argument, names, "--", "git-gate serve", error);
}

/* Does not repeat the text after "=", which may be a token. */
static int refuse(const char *argument, const char *problem, struct gate_error *error) {
    return gate_error_set(error, GATE_E_USAGE, "%.*s %s; 'git-gate serve --help' lists the options",
                          argument_name_size(argument), argument, problem);
}

/* Sets an option, unless it is given twice and is not repeatable. *@placep: the argument that gave it; 0 for none */
static int set(struct gate_config *config, const struct config_option *option, const char *value, int *placep,
               int place, struct gate_error *error) {
    if (*placep && option->kind != CONFIG_LIST) {
        return gate_error_set(
            error, GATE_E_USAGE,
            "--%s is given twice, as argument %d and argument %d of serve, and takes one value: leave "
            "one of them out",
            option->name, *placep, place);
    }
    *placep = place;
    return gate_config_set(config, option->name, value, error);
}

int options_parse(struct gate_config *config, int argc, char *argv[], const char **positionalp, bool *wants_helpp,
                  struct gate_error *error) {
    const struct config_option *options;
    struct option getopt_options[CONFIG_NAMES_MAX];
    int places[CONFIG_NAMES_MAX] = {0};
    size_t n_options;
    int index = 0;
    int value;

    options = config_options(&n_options);
    fill_getopt(getopt_options);
    *positionalp = NULL;
    *wants_helpp = false;
    opterr = 0; /* this program prints messages of its own */
    while (optind < argc) {
        const char *argument = argv[optind];
        const int place = optind;
        int r;

        value = getopt_long(argc, argv, "-:h", getopt_options, &index); /* '-': arguments in their order */
        if (value == -1) {
            break; /* after "--" */
        }
        if (value == 'h' || (value == OPTION_HELP && is_spelled_out(argument, "help"))) {
            *wants_helpp = true;
            return 0;
        }
        if (value == ':') {
            return refuse(argument, "needs a value", error);
        }
        if (value == 1) {
            if (*positionalp) {
                return refuse(optarg, "is one repository too many", error);
            }
            *positionalp = optarg;
            continue;
        }
        if (value == '?' && optopt >= OPTION_FIRST) {
            return refuse(argument, "takes no value", error);
        }
        if (value < OPTION_FIRST || value == OPTION_HELP ||
            !is_spelled_out(argument, options[value - OPTION_FIRST].name)) {
            return refuse_unknown(argument, error);
        }
        value -= OPTION_FIRST;
        r = set(config, &options[value], optarg ? optarg : "yes", &places[value], place, error);
        if (r) {
            return r;
        }
    }
    if (optind < argc && !*positionalp) {
        *positionalp = argv[optind++];
    }
    return optind < argc ? refuse(argv[optind], "is one argument too many", error) : 0;
}

static void print_option(const struct config_option *option) {
    const char *line = option->help;
    char column[HELP_COLUMN_WIDTH * 2];
    int width = snprintf(column, sizeof(column), "  --%s%s%s", option->name, option->argument ? "=" : "",
                         option->argument ? option->argument : "");

    printf("%-*s", HELP_COLUMN_WIDTH, column);
    if (width >= HELP_COLUMN_WIDTH) {
        printf("\n%*s", HELP_COLUMN_WIDTH, "");
    }
    for (const char *end = strchr(line, '\n'); end; line = end + 1, end = strchr(line, '\n')) {
        printf("%.*s\n%*s", (int)(end - line), line, HELP_COLUMN_WIDTH, "");
    }
    printf("%s", line);
    if (option->default_value && option->kind != CONFIG_FLAG) {
        printf(" [%s]", option->default_value);
    }
    printf("\n");
}

void options_print_help(void) {
    size_t n_options;
    const struct config_option *options = config_options(&n_options);

    for (size_t i = 0; i < n_options; i++) {
        if (!options[i].is_internal) {
            print_option(&options[i]);
        }
    }
}
