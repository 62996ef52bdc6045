/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns what can be said only of a configuration as a whole: that there is a token, one transport, a repository to
 * serve, and that paths lead somewhere. It reads folders; it binds and starts nothing.
 */

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "access/route.h"
#include "base/denial.h"
#include "base/fd.h"
#include "base/loopback.h"
#include "base/token_words.h"
#include "library/config.h"

enum {
    PATH_SHOWN_MAX = 100, /* bytes of a path, in front of those that say what keeps from it */
};

/* Replaces a path by its absolute form, without links, so that it means the same wherever git stands. */
static int make_absolute(char **pathp, const char *option, struct gate_error *error) {
    char *absolute = realpath(*pathp, NULL);
    struct stat status;
    int cause = 0;

    if (!absolute || stat(absolute, &status) < 0) {
        cause = errno;
    } else if (!S_ISDIR(status.st_mode)) {
        cause = ENOTDIR;
    }
    if (cause == EACCES) {
        struct denial denial;

        free(absolute);
        denial_find(&denial, *pathp, "git-gate");
        return gate_error_set(error, GATE_E_USAGE, "permission denied to use --%s=%.*s: %s; %s", option, PATH_SHOWN_MAX,
                              *pathp, denial.facts, denial.remedy);
    }
    if (cause) {
        free(absolute);
        return gate_error_set(error, GATE_E_USAGE, "--%s=%s is not a directory that can be used: %s", option, *pathp,
                              strerror(cause));
    }
    free(*pathp);
    *pathp = absolute;
    return 0;
}

static bool lies_inside(const char *path, const char *folder) {
    size_t size = strcmp(folder, "/") == 0 ? 0 : strlen(folder);

    return strncmp(path, folder, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

/* Whether @path is in the repository below @root that is called @name, which may be a link. */
static bool lies_in_repository(const char *path, const char *root, const char *name) {
    _cleanup_free_ char *real = NULL;
    char repository[PATH_MAX];

    (void)snprintf(repository, sizeof(repository), "%s/%s", root, name);
    real = realpath(repository, NULL); /* that it is there at all is seen at start */
    return lies_inside(path, real ? real : repository);
}

static bool lies_in_any_repository(const char *path, const char *root) {
    DIR *folder = opendir(root);
    bool found = lies_inside(path, root);

    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry && !found; entry = readdir(folder)) {
        found = route_folder_is_repository(span_of(entry->d_name)) && lies_in_repository(path, root, entry->d_name);
    }
    if (folder) {
        (void)closedir(folder);
    }
    return found;
}

/* @path: absolute, without links. With the scope '*', all below the mirror root is served. */
static bool is_served(const struct gate_config *config, const char *path) {
    char name[ROUTE_REPOSITORY_MAX_BYTES + sizeof(".git")];

    if (strcmp(config->scope, "*") == 0) {
        return lies_in_any_repository(path, config->mirror_root);
    }
    (void)snprintf(name, sizeof(name), "%s.git", config->scope);
    return lies_in_repository(path, config->mirror_root, name);
}

/* Whether a hook is a link to what is served. */
static bool has_served_hook(const struct gate_config *config) {
    DIR *folder = opendir(config->hooks_path);
    bool found = false;

    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry && !found; entry = readdir(folder)) {
        _cleanup_free_ char *real = NULL;
        char path[2 * PATH_MAX];

        (void)snprintf(path, sizeof(path), "%s/%s", config->hooks_path, entry->d_name);
        real = strcmp(entry->d_name, "..") == 0 ? NULL : realpath(path, NULL);
        found = real && is_served(config, real);
    }
    if (folder) {
        (void)closedir(folder);
    }
    return found;
}

/* git and hooks may write to what is served: whoever takes them over must not be able to write these. */
static int check_folders(const struct gate_config *config, struct gate_error *error) {
    if (config->hooks_path && is_served(config, config->hooks_path)) {
        return gate_error_set(error, GATE_E_USAGE, "--hooks-path=%s lies inside what is served; move the hooks out",
                              config->hooks_path);
    }
    if (config->hooks_path && has_served_hook(config)) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--hooks-path=%s holds a link to what is served; put the hook itself in its place",
                              config->hooks_path);
    }
    if (config->home && is_served(config, config->home)) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--home=%s lies inside what is served, where git could change its own settings; "
                              "choose a folder outside",
                              config->home);
    }
    return 0;
}

/* The socket's folder may have to be made: then the nearest one that is there counts. */
static int check_socket(const struct gate_config *config, struct gate_error *error) {
    char folder[2 * PATH_MAX]; /* the library has put its working directory before a value */
    _cleanup_free_ char *real = NULL;
    char *slash;

    if (!config->socket || snprintf(folder, sizeof(folder), "%s", config->socket) >= (int)sizeof(folder)) {
        return 0; /* too long for a socket: the listener says so */
    }
    slash = strrchr(folder, '/');
    for (; slash && slash != folder && !real; slash = strrchr(folder, '/')) {
        *slash = '\0';
        real = realpath(folder, NULL);
    }
    if (!real) {
        real = realpath(config->socket[0] == '/' ? "/" : ".", NULL);
    }
    if (real && is_served(config, real)) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--socket=%s lies inside what is served, where git could replace it; choose a path "
                              "outside",
                              config->socket);
    }
    return 0;
}

static int resolve_repository(struct gate_config *config, struct gate_error *error) {
    int r;

    if (!config->mirror_root || !config->scope) {
        return gate_error_set(error, GATE_E_USAGE,
                              "nothing to serve: give REPOSITORY, or --mirror-root=DIR and --scope=NAME");
    }
    if (strcmp(config->scope, "*") != 0 && !route_repository_is_valid(span_of(config->scope))) {
        return gate_error_set(
            error, GATE_E_USAGE,
            "--scope=%s is not a repository's name: letters, digits, dot, underscore and hyphen, or '*'",
            config->scope);
    }
    r = make_absolute(&config->mirror_root, "mirror-root", error);
    if (!r && config->home) {
        r = make_absolute(&config->home, "home", error);
    }
    if (!r && config->hooks_path) {
        r = make_absolute(&config->hooks_path, "hooks-path", error);
    }
    return r ? r : check_folders(config, error);
}

/* A file will do as well as a folder. */
static int resolve_allow_paths(struct gate_config *config, struct gate_error *error) {
    for (char **path = config->allow_path.values; *path; path++) {
        char *absolute = realpath(*path, NULL);

        if (!absolute) {
            return gate_error_set(error, GATE_E_USAGE, "--allow-path=%s is not there: %s", *path, strerror(errno));
        }
        free(*path);
        *path = absolute;
    }
    return 0;
}

/* The words mean all or nothing, so they stand alone; anything else is a folder. */
static int resolve_alternates(struct gate_config *config, struct gate_error *error) {
    for (char **path = config->alternates.values; *path; path++) {
        bool is_word = strcmp(*path, "yes") == 0 || strcmp(*path, "no") == 0;
        int r;

        if (is_word && config->alternates.n_values > 1) {
            return gate_error_set(error, GATE_E_USAGE, "--alternates=%s says all of it: leave out the other ones",
                                  *path);
        }
        r = is_word ? 0 : make_absolute(path, "alternates", error);
        if (r) {
            return r;
        }
    }
    return 0;
}

static bool has_control_byte(const char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

/* The forms that git itself would stumble over, at every single request. */
static int check_for_git(const struct gate_config *config, struct gate_error *error) {
    if (has_control_byte(config->remote_user) || strpbrk(config->remote_user, "<>")) {
        return gate_error_set(error, GATE_E_USAGE, "--remote-user must not hold control characters, '<' or '>'");
    }
    for (char *const *prefix = config->hide_refs.values; *prefix; prefix++) {
        const char *name = *prefix + strspn(*prefix, "!^"); /* which undo an earlier one: transfer.hideRefs */

        if (strncmp(name, "refs/", strlen("refs/")) != 0) {
            return gate_error_set(
                error, GATE_E_USAGE,
                "--hide-refs=%s would hide nothing: a prefix begins with refs/, as in refs/heads/secret", *prefix);
        }
    }
    for (char *const *setting = config->git_config.values; *setting; setting++) {
        const char *equals = strchr(*setting, '=');
        const char *dot = strchr(*setting, '.');

        if (!equals || !dot || dot == *setting || dot > equals) {
            return gate_error_set(error, GATE_E_USAGE, "--git-config=%s is not SECTION.KEY=VALUE", *setting);
        }
    }
    return 0;
}

static int check_transport(const struct gate_config *config, struct gate_error *error) {
    int n_transports = (config->socket != NULL) + (config->listen != NULL) + (config->listen_fd >= 0);

    if (n_transports != 1) {
        return gate_error_set(error, GATE_E_USAGE,
                              "%s transport: give exactly one of --socket, --listen or an inherited listening socket",
                              n_transports ? "more than one" : "no");
    }
    if (config->socket && loopback_is_address(config->socket)) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--socket=%s is an address, and not the path of a socket: give it with --listen=%s, or "
                              "with a slash, as ./%s, if it is a path",
                              config->socket, config->socket, config->socket);
    }
    if (config->listen && strchr(config->listen, '/')) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--listen=%s is a path, and not HOST:PORT on the loopback: give a socket with --socket",
                              config->listen);
    }
    return 0;
}

static int resolve_token(struct gate_config *config, struct gate_error *error) {
    if (config->token_file && config->token) {
        return gate_error_set(error, GATE_E_USAGE, "there are two tokens: give either token or token-file");
    }
    if (config->token_file) {
        int r = config_set_token_from(config, config->token_file, "--token-file=", error);

        if (!r) {
            free(take_pointer(&config->token_file)); /* so that resolving again finds one token, not two */
        }
        return r;
    }
    return config->token ? token_words_refuse_path(config->token, "the token", "token-file", error)
                         : gate_error_set(error, GATE_E_USAGE, "there is no token: give --token-file");
}

static void fill(const struct gate_config *config, struct server_settings *settings) {
    *settings = (struct server_settings){
        .listener =
            {
                .socket_path = config->socket,
                .tcp_address = config->listen,
                .inherited_fd = config->listen_fd,
                .selinux_type = config->confine == CONFINE_OFF ? NULL : config->selinux_type,
            },
        .policy = {.token = config->token, .scope = config->scope, .read_only = config->read_only},
        .environ =
            {
                .mirror_root = config->mirror_root,
                .home = config->home,
                .hooks_path = config->hooks_path,
                .remote_user = config->remote_user,
                .read_only = config->read_only,
                .trust_owner = config->trust_owner,
                .hide_refs = config->hide_refs.values,
                .git_config = config->git_config.values,
            },
        .max_connections = config->max_connections,
        .max_backends = config->max_backends,
        .max_push_bytes = config->max_push_bytes,
        .max_negotiation_bytes = config->max_negotiation_bytes,
        .queue_timeout_s = config->queue_timeout,
        .header_timeout_s = config->header_timeout,
        .idle_timeout_s = config->idle_timeout,
        .stall_timeout_s = config->stall_timeout,
        .backend_timeout_s = config->backend_timeout,
        .request_timeout_s = config->request_timeout,
        .drain_timeout_s = config->drain_timeout,
        .confine = (enum confine_mode)config->confine,
        .allow_paths = config->allow_path.values,
        .alternates = config->alternates.values,
        .advertisement_cache = config->advertisement_cache != 0,
        .die_with_parent = config->die_with_parent,
        .log_fd = config->log_fd,
        .log_level = (enum log_level)config->log_level,
        .log_format = (enum log_format)config->log_format,
    };
}

int config_resolve(struct gate_config *config, struct server_settings *settings, struct gate_error *error) {
    int r = resolve_repository(config, error);

    r = r ? r : resolve_allow_paths(config, error);
    r = r ? r : resolve_alternates(config, error);
    r = r ? r : check_for_git(config, error);
    r = r ? r : check_transport(config, error);
    r = r ? r : check_socket(config, error);
    r = r ? r : resolve_token(config, error);
    if (!r) {
        fill(config, settings);
    }
    return r;
}
