/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Builds git's environment for one request. For git-http-backend it has the CGI variables (RFC 3875,
 * git-http-backend(1)). For a service that the gate starts itself, it has the variables that git-http-backend would
 * set. In both cases it has the settings that outrank the repository's own configuration.
 *
 * git inherits only PATH and GIT_EXEC_PATH. The token, which may be in the gate's own environment, must not be in
 * git's.
 */

#include "backend/environ.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/service.h"
#include "rules/variables.h"

/*
 * Composes the variables twice: first without memory, to count, then into a block that is just large enough. The block
 * begins with the pointers; the text follows. This takes 2 us for a fetch and 4 us for a push, and git takes some 800
 * us (measured). So no part is kept from one request to the next.
 */
struct composer {
    char **variables;
    char *text;
    size_t n_variables;
    size_t n_bytes;
};

/* Appends to the last variable, over its NUL, which n_bytes counts already. */
__attribute__((format(printf, 2, 0))) static void extend(struct composer *composer, const char *format,
                                                         va_list arguments) {
    char *end = composer->text ? composer->text + composer->n_bytes - 1 : NULL;
    int size = vsnprintf(end, end ? SIZE_MAX >> 1 : 0, format, arguments);

    composer->n_bytes += size > 0 ? (size_t)size : 0; /* it cannot fail: no wide characters are printed */
}

__attribute__((format(printf, 2, 3))) static void add(struct composer *composer, const char *format, ...) {
    va_list arguments;

    if (composer->variables) {
        composer->variables[composer->n_variables] = composer->text + composer->n_bytes;
    }
    composer->n_variables++;
    composer->n_bytes++;
    va_start(arguments, format);
    extend(composer, format, arguments);
    va_end(arguments);
}

static void add_optional(struct composer *composer, const char *name, const char *value) {
    if (value) {
        add(composer, "%s=%s", name, value);
    }
}

static void add_cgi(struct composer *composer, const struct environ_settings *settings,
                    const struct environ_request *request) {
    add(composer, "GATEWAY_INTERFACE=CGI/1.1");
    add(composer, "SERVER_PROTOCOL=HTTP/1.1");
    add(composer, "SERVER_SOFTWARE=git-gate/%s", GIT_GATE_VERSION);
    add(composer, "SERVER_NAME=localhost");
    add(composer, "SERVER_PORT=80");
    add(composer, "SCRIPT_NAME=");
    add(composer, "REQUEST_METHOD=%s", request->method);
    add(composer, "PATH_INFO=/%s.git%s", request->repository, request->path);
    add(composer, "QUERY_STRING=%s", request->query ? request->query : "");
    add_optional(composer, "CONTENT_TYPE", request->content_type);
    add(composer, "REMOTE_ADDR=%s", request->remote_address);
    add(composer, "REMOTE_USER=%s", settings->remote_user); /* git refuses pushes without one */
    add(composer, "GIT_PROJECT_ROOT=%s", settings->mirror_root);
    add(composer, "GIT_HTTP_EXPORT_ALL=1");
    add(composer, "GIT_HTTP_MAX_REQUEST_BUFFER=%" PRIu64, settings->max_request_bytes);
    add_optional(composer, "GIT_PROTOCOL", request->git_protocol);
}

/* Adds the client as git-http-backend does, for a service and its hooks. It becomes the committer in reflogs. */
static void add_client(struct composer *composer, const struct environ_settings *settings,
                       const struct environ_request *request) {
    const char *user = *settings->remote_user ? settings->remote_user : "anonymous";

    add(composer, "REMOTE_ADDR=%s", request->remote_address);
    add(composer, "REMOTE_USER=%s", settings->remote_user);
    add_optional(composer, "GIT_PROTOCOL", request->git_protocol);
    if (request->pushes) {
        add(composer, "GIT_COMMITTER_NAME=%s", user);
        add(composer, "GIT_COMMITTER_EMAIL=%s@http.%s", user, request->remote_address);
    }
}

/*
 * A confined git has no /tmp. git writes a signature that it checks to TMPDIR, and hooks write their temporary files.
 */
static void add_folder(struct composer *composer, const struct environ_settings *settings,
                       const struct environ_request *request) {
    if (settings->is_confined && !settings->read_only) {
        add(composer, "TMPDIR=%s/%s.git", settings->mirror_root, request->repository);
    }
}

/* Adds the variables for git-gate-hook: rules/variables.h. */
static void add_rules(struct composer *composer, const struct environ_settings *settings,
                      const struct environ_request *request) {
    if (request->rule_hooks_path) {
        add_optional(composer, RULES_VARIABLE, settings->rules);
        add_optional(composer, KEEP_VARIABLE, request->keeps_old ? "yes" : NULL);
        add_optional(composer, RULES_HOOKS_VARIABLE, settings->hooks_path);
    }
    if (request->tell_fd > 0) {
        add(composer, TELL_VARIABLE "=%d", request->tell_fd);
    }
}

/*
 * Without --home, HOME does not exist, because git dies when HOME exists and cannot be read. A global configuration
 * that does not exist costs git less than an empty one, which it opens and reads three times. Hooks get the empty one,
 * as `git config --global --list` fails on a file that does not exist.
 */
static void add_world(struct composer *composer, const struct environ_settings *settings,
                      const struct environ_request *request) {
    add(composer, "PATH=%s", settings->search_path);
    add(composer, "GIT_EXEC_PATH=%s", settings->exec_path);
    add(composer, "HOME=%s", settings->home ? settings->home : "/nonexistent");
    add(composer, "GIT_CONFIG_NOSYSTEM=1");
    add(composer, "GIT_ATTR_NOSYSTEM=1");
    add(composer, "GIT_NO_LAZY_FETCH=1"); /* a partial clone's configuration names a program to fetch with */
    /* a push could replace an object by one that git cannot read; git then deletes a reference whatever it holds */
    add(composer, "GIT_NO_REPLACE_OBJECTS=1");
    if (!settings->home) {
        add(composer, "GIT_CONFIG_GLOBAL=/dev/null%s", request->pushes ? "" : "/none");
    }
}

__attribute__((format(printf, 4, 5))) static void add_setting(struct composer *composer, size_t *countp,
                                                              const char *key, const char *format, ...) {
    va_list arguments;

    add(composer, "GIT_CONFIG_KEY_%zu=%s", *countp, key);
    add(composer, "GIT_CONFIG_VALUE_%zu=", *countp);
    va_start(arguments, format);
    extend(composer, format, arguments);
    va_end(arguments);
    (*countp)++;
}

static void add_given_setting(struct composer *composer, size_t *countp, const char *setting) {
    size_t key_size = strcspn(setting, "=");

    add(composer, "GIT_CONFIG_KEY_%zu=%.*s", *countp, (int)key_size, setting);
    add(composer, "GIT_CONFIG_VALUE_%zu=%s", *countp, setting[key_size] ? setting + key_size + 1 : "");
    (*countp)++;
}

/*
 * Harmless kinds of faults in old history. git 2.39 knows all of them, and a git that does not know one would refuse
 * every push. Checks that protect a checkout elsewhere, such as hasDotgit, must not be in this list.
 */
static const char *const harmless_faults[] = {
    "receive.fsck.badDate",
    "receive.fsck.badDateOverflow",
    "receive.fsck.badEmail",
    "receive.fsck.badName",
    "receive.fsck.badTimezone",
    "receive.fsck.missingEmail",
    "receive.fsck.missingNameBeforeEmail",
    "receive.fsck.missingSpaceBeforeDate",
    "receive.fsck.missingSpaceBeforeEmail",
    "receive.fsck.multipleAuthors",
    "receive.fsck.nulInCommit",
    "receive.fsck.zeroPaddedDate",
    "receive.fsck.zeroPaddedFilemode",
};

static void add_fsck_settings(struct composer *composer, size_t *countp, unsigned fsck) {
    add_setting(composer, countp, "receive.fsckObjects", fsck == ENVIRON_FSCK_OFF ? "false" : "true");
    if (fsck != ENVIRON_FSCK_WARN) {
        return;
    }
    for (size_t i = 0; i < sizeof(harmless_faults) / sizeof(harmless_faults[0]); i++) {
        add_setting(composer, countp, harmless_faults[i], "warn");
    }
}

/*
 * A shallow push could make git treat a new commit as one without parents. The commit would still name the old tip as
 * an ancestor, but git would no longer reach the tip from it.
 *
 * When a push is known to lose no tip, git-gate-hook does not look at its references. Then git itself refuses to delete
 * or force a branch.
 */
static void add_keep_settings(struct composer *composer, size_t *countp, const struct environ_settings *settings,
                              const struct environ_request *request) {
    if (!settings->keep_old || !request->content_type) { /* an advertisement changes nothing */
        return;
    }
    add_setting(composer, countp, "receive.shallowUpdate", "false");
    if (!request->keeps_old) {
        add_setting(composer, countp, "receive.denyDeletes", "true");
        add_setting(composer, countp, "receive.denyNonFastForwards", "true");
    }
}

/* Adds the settings that only git-receive-pack reads. */
static void add_push_settings(struct composer *composer, size_t *countp, const struct environ_settings *settings,
                              const struct environ_request *request) {
    /* true(1) prints nothing: a client must not see the references of a repository that lends its objects */
    add_setting(composer, countp, "core.alternateRefsCommand", "true");
    add_setting(composer, countp, "core.fsmonitor", "false");
    /* no push may update a work tree, because its filters would run */
    add_setting(composer, countp, "receive.denyCurrentBranch", "refuse");
    add_keep_settings(composer, countp, settings, request);
    add_fsck_settings(composer, countp, settings->fsck);
    add_setting(composer, countp, "receive.autogc", "false"); /* it would outlive the request */
}

/*
 * Adds the settings that only git-upload-pack reads. A partial clone asks later for single objects by their ids.
 * Protocol version 2 always allows this. Versions 0 and 1 allow it only with --any-commit, so without it they offer no
 * filter.
 */
static void add_fetch_settings(struct composer *composer, size_t *countp, const struct environ_settings *settings,
                               const struct environ_request *request) {
    bool is_version_2 = service_is_version_2(request->git_protocol);

    add_setting(composer, countp, "uploadpack.allowFilter", settings->any_commit || is_version_2 ? "true" : "false");
    if (!is_version_2) {
        add_setting(composer, countp, "uploadpack.allowAnySHA1InWant", settings->any_commit ? "true" : "false");
    }
}

/* Kept tips stay hidden, whatever the other prefixes are. git lets the last prefix that matches a name decide. */
static void add_hidden_settings(struct composer *composer, size_t *countp, const struct environ_settings *settings) {
    static const char parent[] = "refs/gate";
    bool is_hidden = false;

    for (char *const *prefix = settings->hide_refs; prefix && *prefix; prefix++) {
        is_hidden = (is_hidden || strcmp(*prefix, parent) == 0) && **prefix != '!';
        add_setting(composer, countp, "transfer.hideRefs", "%s", *prefix);
    }
    if (!is_hidden) {
        add_setting(composer, countp, "transfer.hideRefs", KEEP_PREFIX);
    }
}

/* Settings by GIT_CONFIG_COUNT (git-config(1)) rank above every file, and the last of a key wins. */
static void add_settings(struct composer *composer, const struct environ_settings *settings,
                         const struct environ_request *request) {
    const bool is_cgi = settings->backend == ENVIRON_HTTP_BACKEND;
    size_t count = 0;

    if (is_cgi || request->pushes) { /* a fetch runs no hook */
        add_setting(composer, &count, "core.hooksPath", "%s",
                    request->rule_hooks_path ? request->rule_hooks_path
                    : settings->hooks_path   ? settings->hooks_path
                                             : "/dev/null");
    }
    if (settings->trust_owner) {
        add_setting(composer, &count, "safe.directory", "%s/%s.git", settings->mirror_root, request->repository);
        /* under git-http-backend, git 2.39 first enters the repository and then checks the literal path "." */
        add_setting(composer, &count, "safe.directory", ".");
    }
    if (is_cgi || request->pushes || request->content_type) { /* an advertisement of a fetch reads no attributes */
        /* git would print the lines of such a file that it does not understand */
        add_setting(composer, &count, "core.attributesFile", "/dev/null");
    }
    if (request->pushes) {
        add_push_settings(composer, &count, settings, request);
    }
    if (is_cgi || !request->pushes) {
        add_fetch_settings(composer, &count, settings, request);
    }
    add_hidden_settings(composer, &count, settings);
    if (is_cgi) {
        add_setting(composer, &count, "http.uploadpack", "true");
        add_setting(composer, &count, "http.receivepack", settings->read_only ? "false" : "true");
    }
    for (char *const *setting = settings->git_config; setting && *setting; setting++) {
        add_given_setting(composer, &count, *setting);
    }
    if (request->asks_head) {
        add_setting(composer, &count, "transfer.hideRefs", "refs"); /* hides all but HEAD; the last setting counts */
    }
    add(composer, "GIT_CONFIG_COUNT=%zu", count);
}

static void compose(struct composer *composer, const struct environ_settings *settings,
                    const struct environ_request *request) {
    composer->n_variables = composer->n_bytes = 0;
    add_world(composer, settings, request);
    add_folder(composer, settings, request);
    if (settings->backend == ENVIRON_HTTP_BACKEND) {
        add_cgi(composer, settings, request);
    } else {
        add_client(composer, settings, request);
    }
    add_rules(composer, settings, request);
    add_settings(composer, settings, request);
}

int environ_new(char ***environp, const struct environ_settings *settings, const struct environ_request *request) {
    struct composer composer = {0};
    size_t pointers_size;
    char **block;

    compose(&composer, settings, request);
    pointers_size = (composer.n_variables + 1) * sizeof(char *);
    block = malloc(pointers_size + composer.n_bytes);
    if (!block) {
        return -ENOMEM;
    }
    composer.variables = block;
    composer.text = (char *)block + pointers_size;
    compose(&composer, settings, request);
    block[composer.n_variables] = NULL;
    *environp = block;
    return 0;
}
