/* SPDX-License-Identifier: Apache-2.0 */

/* The values that each kind of option takes, and those that it refuses. */

#include "unit_config.h"

/* Accepted and refused values of each kind. @result: as text(), NULL for a refusal */
static const struct {
    const char *option;
    const char *value;
    const char *result;
} value_cases[] = {
    {"max-backends", "1", "1"},
    {"max-backends", "65536", "65536"},
    {"max-backends", "65537", NULL},
    {"max-backends", "4294967297", NULL},           /* 2^32 + 1 */
    {"max-backends", "18446744073709551615", NULL}, /* 2^64 - 1 */
    {"max-backends", "18446744073709551617", NULL}, /* 2^64 + 1 */
    {"max-backends", "18446744073709551620", NULL}, /* 2^64 + 4 */
    {"max-backends", "99999999999999999999999999999999999999999", NULL},
    {"max-backends", "0", NULL},
    {"max-backends", "", NULL},
    {"max-backends", "-1", NULL},
    {"max-backends", "+1", NULL},
    {"max-backends", " 1", NULL},
    {"max-backends", "1 ", NULL},
    {"max-backends", "1\n", NULL},
    {"max-backends", "1K", NULL},
    {"max-backends", "0x10", NULL},
    {"max-backends", "1e3", NULL},
    {"max-backends", "1.5", NULL},
    {"max-backends", "1,000", NULL},
    {"max-backends", "many", NULL},
    {"max-backends", "\xd9\xa1", NULL}, /* a digit, but no ASCII one */
    {"max-connections", "10000", "10000"},
    {"stall-timeout", "1", "1"},
    {"stall-timeout", "0", NULL},
    {"stall-timeout", "1s", NULL},
    {"stall-timeout", "1M", NULL},
    {"stall-timeout", "-1", NULL},
    {"request-timeout", "0", "0"},
    {"request-timeout", "1h", NULL},
    {"drain-timeout", "0", "0"},
    {"drain-timeout", "1", "1"},
    {"drain-timeout", "-1", NULL},
    {"drain-timeout", "1.5", NULL},
    {"drain-timeout", "2147483648", NULL},
    {"max-push-bytes", "0", "0"},
    {"max-push-bytes", "1", "1"},
    {"max-push-bytes", "2147483648", "2147483648"},
    {"max-push-bytes", "9223372036854775807", "9223372036854775807"}, /* 2^63 - 1 */
    {"max-push-bytes", "9223372036854775808", NULL},
    {"max-push-bytes", "18446744073709551615", NULL},
    {"max-push-bytes", "18446744073709551616", NULL},
    {"max-push-bytes", "18446744073709551620", NULL},
    {"max-push-bytes", "0K", "0"},
    {"max-push-bytes", "3K", "3072"},
    {"max-push-bytes", "3M", "3145728"},
    {"max-push-bytes", "3G", "3221225472"},
    {"max-push-bytes", "8589934591G", "9223372035781033984"}, /* 2^63 - 2^30 */
    {"max-push-bytes", "8589934592G", NULL},                  /* 2^63 */
    {"max-push-bytes", "17179869183G", NULL},                 /* 2^64 - 2^30 */
    {"max-push-bytes", "17179869184G", NULL},                 /* 2^64 */
    {"max-push-bytes", "17179869185G", NULL},                 /* 2^64 + 2^30 */
    {"max-push-bytes", "17592186044416M", NULL},
    {"max-push-bytes", "18014398509481984K", NULL},
    {"max-push-bytes", "K", NULL},
    {"max-push-bytes", "1KK", NULL},
    {"max-push-bytes", "1KB", NULL},
    {"max-push-bytes", "1MiB", NULL},
    {"max-push-bytes", "1T", NULL},
    {"max-push-bytes", "1 K", NULL},
    {"max-push-bytes", "1K ", NULL},
    {"max-push-bytes", " 1K", NULL},
    {"max-push-bytes", "-1K", NULL},
    {"max-push-bytes", "+1", NULL},
    {"max-push-bytes", "1.5M", NULL},
    {"max-push-bytes", "K1", NULL},
    {"max-negotiation-bytes", "0", NULL},
    {"max-negotiation-bytes", "0K", NULL},
    {"max-negotiation-bytes", "1", "1"},
    {"max-negotiation-bytes", "2G", "2147483648"},
    {"max-negotiation-bytes", "9223372036854775808", NULL},
    {"max-negotiation-bytes", "-1", NULL},
    {"socket-mode", "0600", "0600"},
    {"socket-mode", "0770", "0770"},
    {"socket-mode", "664", "0664"},
    {"socket-mode", "0666", NULL},
    {"socket-mode", "0602", NULL},
    {"socket-mode", "4660", NULL},
    {"socket-mode", "2660", NULL},
    {"socket-mode", "1660", NULL},
    {"socket-mode", "00660", NULL},
    {"socket-mode", "60", NULL},
    {"socket-mode", "0460", NULL},
    {"socket-mode", "0000", NULL},
    {"socket-mode", "432", NULL}, /* 0660 in decimal digits */
    {"socket-mode", "0680", NULL},
    {"socket-mode", "0x1b0", NULL},
    {"socket-mode", "u=rw", NULL},
    {"socket-mode", "066 ", NULL},
    {"socket-mode", "-660", NULL},
    {"read-only", "yes", "yes"},
    {"read-only", "no", "no"},
    {"read-only", "Yes", NULL},
    {"read-only", "y", NULL},
    {"read-only", "yess", NULL},
    {"read-only", "true", NULL},
    {"read-only", "1", NULL},
    {"read-only", "on", NULL},
    {"read-only", "", NULL},
    {"trust-owner", "maybe", NULL},
    {"log-level", "error", "0"},
    {"log-level", "warning", "1"},
    {"log-level", "notice", "2"},
    {"log-level", "info", "3"},
    {"log-level", "debug", "4"},
    {"log-level", "Info", NULL},
    {"log-level", "inf", NULL},
    {"log-level", "infos", NULL},
    {"log-level", "error|warning", NULL},
    {"log-level", "error|", NULL},
    {"log-level", "|", NULL},
    {"log-level", "", NULL},
    {"log-level", "3", NULL},
    {"log-level", " info", NULL},
    {"confine", "auto", "0"},
    {"confine", "require", "1"},
    {"confine", "yes", NULL},
    {"selinux-type", "a:b", NULL},
    {"selinux-type", "a b", NULL},
    {"log-format", "text", "0"},
    {"log-format", "json", "1"},
    {"log-format", "xml", NULL},
    {"log-format", "text|json", NULL},
    {"listen-fd", "0", "0"},
    {"listen-fd", "3", "3"},
    {"listen-fd", "2147483647", "2147483647"},
    {"listen-fd", "2147483648", NULL},
    {"listen-fd", "4294967295", NULL},
    {"listen-fd", "-1", NULL},
    {"listen-fd", "fd", NULL},
    {"listen-fd", "", NULL},
    {"socket", "", NULL},
    {"socket", " ", " "},
    {"home", "\n", "\n"},
    {"git-config", "", NULL},
    {"hide-refs", "", NULL},
};

/* A refusal names the option and leaves the earlier value. */
static void test_values(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(value_cases); i++) {
        const char *option = value_cases[i].option;
        bool is_refused = value_cases[i].result == NULL;
        struct gate_config *config = fresh();
        struct gate_error error = {0};
        char named[64];
        char name[128];

        (void)snprintf(name, sizeof(name), "--%s=%s", option, value_cases[i].value);
        (void)snprintf(named, sizeof(named), "--%s ", option);
        expect_int(name, gate_config_set(config, option, value_cases[i].value, &error), is_refused ? GATE_E_USAGE : 0);
        expect_int(name, error.code, is_refused ? GATE_E_USAGE : 0);
        expect_text(name, text(config, option_of(option)),
                    is_refused ? initial_text(option_of(option)) : value_cases[i].result);
        expect_true(name, !is_refused || strstr(error.message, named));
        expect_int(name, gate_config_set(config, option, value_cases[i].value, NULL), is_refused ? GATE_E_USAGE : 0);
        gate_config_free(config);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
