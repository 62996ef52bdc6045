/* SPDX-License-Identifier: Apache-2.0 */

/* The settings in git's environment: exactly these, in this order. */

#include "unit_environ.h"

/* Each list ends with NULL. */
#define LIST(...) ((char *[]){__VA_ARGS__, NULL})
#define GIVEN(text)                                                                                                    \
    (char[]) {                                                                                                         \
        text                                                                                                           \
    }

#define FIRST "core.hooksPath|/dev/null\n"
#define ATTRIBUTES "core.attributesFile|/dev/null\n"
#define FILTER "uploadpack.allowFilter|true\nuploadpack.allowAnySHA1InWant|true\n"
#define MIDDLE ATTRIBUTES FILTER
#define OF_ANY_PUSH "core.alternateRefsCommand|true\ncore.fsmonitor|false\nreceive.denyCurrentBranch|refuse\n"
#define OF_A_PUSH OF_ANY_PUSH "receive.fsckObjects|true\nreceive.autogc|false\n"
#define WARN(id) "receive.fsck." id "|warn\n"
#define OF_OLD_HISTORY                                                                                                 \
    OF_ANY_PUSH "receive.fsckObjects|true\n" WARN("badDate") WARN("badDateOverflow") WARN("badEmail") WARN("badName")  \
        WARN("badTimezone") WARN("missingEmail") WARN("missingNameBeforeEmail") WARN("missingSpaceBeforeDate")         \
            WARN("missingSpaceBeforeEmail") WARN("multipleAuthors") WARN("nulInCommit") WARN("zeroPaddedDate")         \
                WARN("zeroPaddedFilemode") "receive.autogc|false\n"
#define KEPT "transfer.hideRefs|refs/gate/old\n"
#define OPEN "http.uploadpack|true\nhttp.receivepack|true\n"
#define SERVICES KEPT OPEN
#define OF_A_KEPT_PUSH OF_ANY_PUSH "receive.shallowUpdate|false\nreceive.fsckObjects|true\nreceive.autogc|false\n" KEPT
#define OF_A_HARMLESS_PUSH                                                                                             \
    OF_ANY_PUSH "receive.shallowUpdate|false\nreceive.denyDeletes|true\nreceive.denyNonFastForwards|true\n"            \
                "receive.fsckObjects|true\nreceive.autogc|false\n" KEPT

/* The settings are written as "KEY|VALUE\n", in their order. */
static void test_settings(void **state) {
    const struct {
        const char *name;
        struct environ_settings settings;
        const char *expected;
        bool pushes;
        bool asks_head;
        bool is_post;
        bool keeps_old;
        const char *git_protocol;
    } cases[] = {
        {"nothing given", {SETTINGS}, FIRST MIDDLE SERVICES},
        {"a push", {SETTINGS}, FIRST ATTRIBUTES OF_A_PUSH FILTER SERVICES, true},
        {"a push, with settings that overrule the gate's",
         {SETTINGS, .git_config = LIST(GIVEN("receive.denyCurrentBranch=updateInstead"))},
         FIRST ATTRIBUTES OF_A_PUSH FILTER SERVICES "receive.denyCurrentBranch|updateInstead\n",
         true},
        {"empty lists", {SETTINGS, .hide_refs = LIST(NULL), .git_config = LIST(NULL)}, FIRST MIDDLE SERVICES},
        {"hooks", {SETTINGS, .hooks_path = "/srv/my hooks"}, "core.hooksPath|/srv/my hooks\n" MIDDLE SERVICES},
        {"trusted owner",
         {SETTINGS, .trust_owner = true},
         FIRST "safe.directory|/srv/mirrors/r.git\nsafe.directory|.\n" MIDDLE SERVICES},
        {"only what references show, but in version 2",
         {SETTINGS_FOR(ENVIRON_HTTP_BACKEND, false)},
         FIRST ATTRIBUTES "uploadpack.allowFilter|false\nuploadpack.allowAnySHA1InWant|false\n" SERVICES},
        {"read only",
         {SETTINGS, .read_only = true},
         FIRST MIDDLE KEPT "http.uploadpack|true\nhttp.receivepack|false\n"},
        {"one hidden prefix",
         {SETTINGS, .hide_refs = LIST(GIVEN("refs/gate"))},
         FIRST MIDDLE "transfer.hideRefs|refs/gate\n" OPEN},
        {"hidden prefixes",
         {SETTINGS, .hide_refs = LIST(GIVEN("refs/b"), GIVEN("!refs/a"), GIVEN("^refs/%s"))},
         FIRST MIDDLE "transfer.hideRefs|refs/b\ntransfer.hideRefs|!refs/a\ntransfer.hideRefs|^refs/%s\n" SERVICES},
        {"one more setting", {SETTINGS, .git_config = LIST(GIVEN("gc.auto=0"))}, FIRST MIDDLE SERVICES "gc.auto|0\n"},
        {"more settings in their order",
         {SETTINGS, .git_config = LIST(GIVEN("z.z=1"), GIVEN("a.a=2"), GIVEN("z.z=3"))},
         FIRST MIDDLE SERVICES "z.z|1\na.a|2\nz.z|3\n"},
        {"settings that overrule the gate's",
         {SETTINGS, .git_config = LIST(GIVEN("receive.fsckObjects=false"), GIVEN("core.hooksPath=/h"))},
         FIRST MIDDLE SERVICES "receive.fsckObjects|false\ncore.hooksPath|/h\n"},
        {"equals signs in a value",
         {SETTINGS, .git_config = LIST(GIVEN("a.b=c=d==e="))},
         FIRST MIDDLE SERVICES "a.b|c=d==e=\n"},
        {"empty value", {SETTINGS, .git_config = LIST(GIVEN("a.b="))}, FIRST MIDDLE SERVICES "a.b|\n"},
        {"bytes that a format might take",
         {SETTINGS, .git_config = LIST(GIVEN("a.%s=%n%d"))},
         FIRST MIDDLE SERVICES "a.%s|%n%d\n"},
        {"all at once",
         {SETTINGS, .hooks_path = "/h", .trust_owner = true, .read_only = true, .hide_refs = LIST(GIVEN("refs/x")),
          .git_config = LIST(GIVEN("a.b=c"))},
         "core.hooksPath|/h\nsafe.directory|/srv/mirrors/r.git\nsafe.directory|.\n" MIDDLE
         "transfer.hideRefs|refs/x\n" KEPT "http.uploadpack|true\nhttp.receivepack|false\na.b|c\n"},
        {"all at once, for the service of a fetch",
         {SERVICE_SETTINGS, .hooks_path = "/h", .trust_owner = true, .hide_refs = LIST(GIVEN("refs/x")),
          .git_config = LIST(GIVEN("a.b=c"))},
         "safe.directory|/srv/mirrors/r.git\nsafe.directory|.\n" MIDDLE "transfer.hideRefs|refs/x\n" KEPT "a.b|c\n",
         .is_post = true},
        {"what a fetch begins with", {SERVICE_SETTINGS}, FILTER KEPT},
        {"a fetch in version 2",
         {SERVICE_SETTINGS},
         ATTRIBUTES "uploadpack.allowFilter|true\n" KEPT,
         .is_post = true,
         .git_protocol = "version=2"},
        {"all at once, for the service of a push",
         {SERVICE_SETTINGS, .hooks_path = "/h", .trust_owner = true, .hide_refs = LIST(GIVEN("refs/x")),
          .git_config = LIST(GIVEN("a.b=c"))},
         "core.hooksPath|/h\nsafe.directory|/srv/mirrors/r.git\nsafe.directory|.\n" ATTRIBUTES OF_A_PUSH
         "transfer.hideRefs|refs/x\n" KEPT "a.b|c\n",
         true},
        {"nothing given, for the service of a push", {SERVICE_SETTINGS}, FIRST ATTRIBUTES OF_A_PUSH KEPT, true},
        {"a push that may lose a tip",
         {SERVICE_SETTINGS, .keep_old = true},
         FIRST ATTRIBUTES OF_A_KEPT_PUSH,
         true,
         .is_post = true,
         .keeps_old = true},
        {"a push that loses nothing",
         {SERVICE_SETTINGS, .keep_old = true},
         FIRST ATTRIBUTES OF_A_HARMLESS_PUSH,
         true,
         .is_post = true},
        {"what a push begins with", {SERVICE_SETTINGS, .keep_old = true}, FIRST ATTRIBUTES OF_A_PUSH KEPT, true},
        {"all that is kept is hidden, and more",
         {SETTINGS, .hide_refs = LIST(GIVEN("refs/gate"), GIVEN("!refs/gate/old"))},
         FIRST MIDDLE "transfer.hideRefs|refs/gate\ntransfer.hideRefs|!refs/gate/old\n" SERVICES},
        {"a push of old history",
         {SERVICE_SETTINGS, .fsck = ENVIRON_FSCK_WARN},
         FIRST ATTRIBUTES OF_OLD_HISTORY KEPT,
         true},
        {"a push that nothing checks",
         {SERVICE_SETTINGS, .fsck = ENVIRON_FSCK_OFF},
         FIRST ATTRIBUTES OF_ANY_PUSH "receive.fsckObjects|false\nreceive.autogc|false\n" KEPT,
         true},
        {"HEAD, whose setting comes last",
         {SERVICE_SETTINGS, .hide_refs = LIST(GIVEN("!refs/x")), .git_config = LIST(GIVEN("transfer.hideRefs=!refs"))},
         FILTER "transfer.hideRefs|!refs/x\n" KEPT "transfer.hideRefs|!refs\ntransfer.hideRefs|refs\n",
         false,
         true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *name = cases[i].name;
        char settings[2048] = "";
        char **variables = NULL;
        size_t n_variables = 0;
        size_t count;

        struct environ_request request = refs;

        request.pushes = cases[i].pushes;
        request.asks_head = cases[i].asks_head;
        request.content_type = cases[i].is_post ? "x" : NULL;
        request.keeps_old = cases[i].keeps_old;
        request.git_protocol = cases[i].git_protocol;
        expect_int(name, environ_new(&variables, &cases[i].settings, &request), 0);
        expect_true(name, value_of(variables, "GIT_CONFIG_COUNT") != NULL);
        count = strtoul(value_of(variables, "GIT_CONFIG_COUNT"), NULL, 10);
        for (size_t j = 0; j < count; j++) {
            char key[64];
            char value[64];
            size_t used = strlen(settings);

            (void)snprintf(key, sizeof(key), "GIT_CONFIG_KEY_%zu", j);
            (void)snprintf(value, sizeof(value), "GIT_CONFIG_VALUE_%zu", j);
            expect_true(key, value_of(variables, key) && value_of(variables, value));
            (void)snprintf(settings + used, sizeof(settings) - used, "%s|%s\n", value_of(variables, key),
                           value_of(variables, value));
        }
        expect_span(name, span_of(settings), span_of(cases[i].expected));
        while (variables[n_variables]) {
            n_variables++;
        }
        expect_int(name, n_variables - check_sound(name, variables), 2 * count + 1); /* none beyond the count */
        free(variables);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings),
    };

    return cmocka_run_group_tests(tests, set_hostile, NULL);
}
