/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checks the settings as a whole: a token, exactly one transport, a repository to serve, and paths that exist. It reads
 * folders; it binds and starts nothing.
 */

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/route.h"
#include "base/ascii.h"
#include "base/denial.h"
#include "base/fd.h"
#include "base/loopback.h"
#include "base/token_words.h"
#include "library/config.h"
#include "library/config_value.h"
#include "library/served.h"
#include "library/socket_group.h"

static_assert((int)SETTINGS_SCOPES_MAX == (int)CONFIG_LIST_MAX, "a list of --scope is as long as any");
static_assert((int)SETTINGS_ALLOW_PATHS_MAX == (int)CONFIG_LIST_MAX, "a list of --allow-path is as long as any");

enum {
    PATH_SHOWN_MAX = 100, /* bytes of a path in a message that gives the cause after it */
};

/* Ends a value of --allow-path if git may write there. */
#define ALLOW_PATH_MARK ":rw"

/* Return: a folder's path, absolute and without links, owned by the caller; or NULL with @error. */
static char *find_folder(const char *path, const char *option, struct gate_error *error) {
    _cleanup_free_ char *absolute = realpath(path, NULL);
    struct stat status;
    int cause = 0;

    if (!absolute || stat(absolute, &status) < 0) {
        cause = errno;
    } else if (!S_ISDIR(status.st_mode)) {
        cause = ENOTDIR;
    }
    if (cause == EACCES) {
        struct denial denial;

        denial_find(&denial, path, "git-gate");
        (void)gate_error_set(error, GATE_E_USAGE, "permission denied to use --%s=%.*s: %s; %s", option, PATH_SHOWN_MAX,
                             path, denial.facts, denial.remedy);
        return NULL;
    }
    if (cause) {
        (void)gate_error_set(error, GATE_E_USAGE, "--%s=%s is not a directory that can be used: %s", option, path,
                             strerror(cause));
        return NULL;
    }
    return take_pointer(&absolute);
}

/* Replaces a path by its absolute form, which is valid in any working directory. @path: as set, or NULL */
static int make_absolute(struct gate_config *config, const char *option, const char *path, struct gate_error *error) {
    _cleanup_free_ char *absolute = path ? find_folder(path, option, error) : NULL;

    if (!path) {
        return 0;
    }
    return absolute ? gate_config_set(config, option, absolute, error) : GATE_E_USAGE;
}

static int make_rules_absolute(struct gate_config *config, struct gate_error *error) {
    const char *path = config->settings.rules_file;
    _cleanup_free_ char *absolute = path ? realpath(path, NULL) : NULL;

    if (path && !absolute) {
        return gate_error_set(error, GATE_E_USAGE, "--rules=%.*s cannot be read: %s", PATH_SHOWN_MAX, path,
                              strerror(errno));
    }
    return path ? gate_config_set(config, "rules", absolute, error) : 0;
}

/* Git silently skips all hooks in a folder that it cannot search. */
static int check_search(const char *hooks, struct gate_error *error) {
    int cause = hooks && access(hooks, X_OK) < 0 ? errno : 0;

    return cause ? gate_error_set(error, GATE_E_USAGE,
                                  "--hooks-path=%.*s cannot be searched: %s; git would skip its hooks; chmod 755 it",
                                  PATH_SHOWN_MAX, hooks, strerror(cause))
                 : 0;
}

static bool is_among(char *const *first, char *const *end, const char *text) {
    for (; first < end; first++) {
        if (strcmp(*first, text) == 0) {
            return true;
        }
    }
    return false;
}

static int check_scopes(char *const *scopes, struct gate_error *error) {
    for (char *const *scope = scopes; *scope; scope++) {
        if (strcmp(*scope, "*") == 0) {
            if (scopes[1]) {
                return gate_error_set(error, GATE_E_USAGE,
                                      "--scope=* serves all below --mirror-root: leave out the other --scope");
            }
            continue;
        }
        if (!route_repository_is_valid(span_of(*scope))) {
            return gate_error_set(
                error, GATE_E_USAGE,
                "--scope=%s is not a repository's name: letters, digits, dot, underscore and hyphen, or '*'", *scope);
        }
        if (is_among(scopes, scope, *scope)) {
            return gate_error_set(error, GATE_E_USAGE, "--scope=%s is given twice: leave out one of them", *scope);
        }
    }
    return 0;
}

static int resolve_repository(struct gate_config *config, struct gate_error *error) {
    const struct server_settings *settings = &config->settings;
    int r;

    if (!settings->environ.mirror_root || !settings->policy.scopes[0]) {
        return gate_error_set(error, GATE_E_USAGE,
                              "nothing to serve: give REPOSITORY, or --mirror-root=DIR and --scope=NAME");
    }
    r = check_scopes(settings->policy.scopes, error);
    r = r ? r : make_absolute(config, "mirror-root", settings->environ.mirror_root, error);
    r = r ? r : make_absolute(config, "home", settings->environ.home, error);
    r = r ? r : make_absolute(config, "hooks-path", settings->environ.hooks_path, error);
    r = r ? r : make_rules_absolute(config, error);
    r = r ? r : check_search(settings->environ.hooks_path, error);
    return r ? r : served_check_folders(settings, error);
}

static bool ends_in_mark(const char *path) {
    const size_t size = strlen(path);
    const size_t mark_size = strlen(ALLOW_PATH_MARK);

    return size > mark_size && strcmp(path + size - mark_size, ALLOW_PATH_MARK) == 0;
}

/*
 * Splits "PATH:rw". PATH may be a file, too. The result must not end in the mark, since settings may be resolved again.
 * @may_writep: set for ":rw", and left alone otherwise
 */
static int resolve_allow_path(char **pathp, bool read_only, bool *may_writep, struct gate_error *error) {
    const bool may_write = ends_in_mark(*pathp);
    const size_t mark_size = may_write ? strlen(ALLOW_PATH_MARK) : 0;
    _cleanup_free_ char *absolute = NULL;
    char path[2 * PATH_MAX];

    (void)snprintf(path, sizeof(path), "%.*s", (int)(strlen(*pathp) - mark_size), *pathp);
    absolute = realpath(path, NULL);
    if (!absolute) {
        return gate_error_set(error, GATE_E_USAGE, "--allow-path=%s is not there: %s", *pathp, strerror(errno));
    }
    if (ends_in_mark(absolute)) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--allow-path=%s: a name must not end in " ALLOW_PATH_MARK ", the mark for writing: "
                              "rename it",
                              *pathp);
    }
    if (may_write && read_only) {
        return gate_error_set(
            error, GATE_E_USAGE,
            "--allow-path=%s has no use with --read-only: hooks run for pushes; leave out one of them", *pathp);
    }
    if (may_write && access(absolute, W_OK) < 0) {
        return gate_error_set(error, GATE_E_USAGE, "--allow-path=%s cannot be written by this user: %s", *pathp,
                              strerror(errno));
    }
    free(*pathp);
    *pathp = take_pointer(&absolute);
    *may_writep |= may_write;
    return 0;
}

static int resolve_allow_paths(struct server_settings *settings, struct gate_error *error) {
    int r = 0;

    for (size_t i = 0; settings->allow_paths[i] && !r; i++) {
        r = resolve_allow_path(&settings->allow_paths[i], settings->policy.read_only, &settings->may_write[i], error);
    }
    return r;
}

/* "yes" and "no" stand alone; anything else is a folder. */
static int resolve_alternates(const struct server_settings *settings, struct gate_error *error) {
    for (char **path = settings->alternates; *path; path++) {
        char *absolute;

        if (strcmp(*path, "yes") == 0 || strcmp(*path, "no") == 0) {
            if (settings->alternates[1]) {
                return gate_error_set(error, GATE_E_USAGE, "--alternates=%s stands alone: leave out the other values",
                                      *path);
            }
            continue;
        }
        absolute = find_folder(*path, "alternates", error);
        if (!absolute) {
            return GATE_E_USAGE;
        }
        free(*path);
        *path = absolute;
    }
    return 0;
}

/* Refuses values with which git would fail at every request, hide nothing, or skip the gate's own hooks. */
static int check_for_git(const struct server_settings *settings, struct gate_error *error) {
    const char *remote_user = settings->environ.remote_user;

    if (ascii_has_control_byte(span_of(remote_user)) || strpbrk(remote_user, "<>")) {
        return gate_error_set(error, GATE_E_USAGE, "--remote-user must not hold control characters, '<' or '>'");
    }
    for (char *const *prefix = settings->environ.hide_refs; *prefix; prefix++) {
        const char *name = *prefix + strspn(*prefix, "!^"); /* these undo an earlier prefix: transfer.hideRefs */

        if (strncmp(name, "refs/", strlen("refs/")) != 0) {
            return gate_error_set(
                error, GATE_E_USAGE,
                "--hide-refs=%s would hide nothing: a prefix begins with refs/, as in refs/heads/secret", *prefix);
        }
    }
    for (char *const *setting = settings->environ.git_config; *setting; setting++) {
        const char *equals = strchr(*setting, '=');
        const char *dot = strchr(*setting, '.');

        if (!equals || !dot || dot == *setting || dot > equals) {
            return gate_error_set(error, GATE_E_USAGE, "--git-config=%s is not SECTION.KEY=VALUE", *setting);
        }
        if ((settings->rules_file || settings->environ.keep_old) &&
            strncasecmp(*setting, "core.hookspath=", strlen("core.hookspath=")) == 0) {
            return gate_error_set(error, GATE_E_USAGE,
                                  "--git-config=%s would switch off %s; give the hooks with --hooks-path", *setting,
                                  settings->rules_file ? "--rules" : "--keep-old");
        }
    }
    return 0;
}

/* Whether a setting lets in malformed objects, or makes git read a file that could. */
static bool weakens_rules(const char *setting) {
    static const char *const prefixes[] = {"include.", "includeif.", "receive.fsckobjects=", "receive.fsck."};

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (strncasecmp(setting, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* git-gate-hook relies on git to have checked the trees that it reads. */
static int check_rules(const struct server_settings *settings, struct gate_error *error) {
    if (settings->rules_file && settings->environ.fsck != ENVIRON_FSCK_STRICT) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--rules needs --fsck=strict: the rules rely on git to refuse malformed objects");
    }
    for (char *const *setting = settings->environ.git_config; settings->rules_file && *setting; setting++) {
        if (weakens_rules(*setting)) {
            return gate_error_set(error, GATE_E_USAGE,
                                  "--git-config=%s could take away what --rules relies on: git's checks of what is "
                                  "pushed, and git-gate's hooks; leave it out",
                                  *setting);
        }
    }
    return 0;
}

static int check_transport(const struct listener_settings *listener, struct gate_error *error) {
    const char *socket = listener->socket_path;
    int n_transports = (socket != NULL) + (listener->tcp_address != NULL) + (listener->inherited_fd >= 0);

    if (n_transports != 1) {
        return gate_error_set(error, GATE_E_USAGE,
                              "%s transport: give exactly one of --socket, --listen or an inherited listening socket",
                              n_transports ? "more than one" : "no");
    }
    if (socket && loopback_is_address(socket)) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--socket=%s is an address, and not the path of a socket: give it with --listen=%s, or "
                              "with a slash, as ./%s, if it is a path",
                              socket, socket, socket);
    }
    if (listener->tcp_address && strchr(listener->tcp_address, '/')) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--listen=%s is a path, and not HOST:PORT on the loopback: give a socket with --socket",
                              listener->tcp_address);
    }
    return 0;
}

static int resolve_token(struct gate_config *config, struct gate_error *error) {
    const struct server_settings *settings = &config->settings;
    const char *token = settings->policy.tokens[0];

    if (config->has_read_tokens) {
        return 0;
    }
    if (settings->token_file && (token || settings->policy.tokens[1])) {
        return gate_error_set(error, GATE_E_USAGE, "there are two tokens: give either token or token-file");
    }
    if (settings->token_file) {
        return config_set_tokens_from(config, settings->token_file, "--token-file=", error);
    }
    return token ? token_words_refuse_path(token, "the token", "token-file", error)
                 : gate_error_set(error, GATE_E_USAGE, "there is no token: give --token-file");
}

int config_resolve(struct gate_config *config, struct gate_error *error) {
    struct server_settings *settings = &config->settings;
    int r = resolve_allow_paths(settings, error); /* first: later checks refuse paths where git may write */

    r = r ? r : resolve_repository(config, error);
    r = r ? r : resolve_alternates(settings, error);
    r = r ? r : check_for_git(settings, error);
    r = r ? r : check_rules(settings, error);
    r = r ? r : check_transport(&settings->listener, error);
    r = r ? r : socket_group_resolve(config, error);
    r = r ? r : served_check_socket(settings, error);
    r = r ? r : resolve_token(config, error);
    r = r ? r : served_check_token(settings, error);
    if (!r) {
        settings->environ.read_only = settings->policy.read_only;
        if (settings->confine == CONFINE_OFF) {
            config_unset(config, "selinux-type");
        }
    }
    return r;
}
