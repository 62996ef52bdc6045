/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Starts git for an exchange. It chooses the program, its arguments, its environment and its limits. It does not wait
 * for the process: exchange_process.c watches and ends it.
 */

#include "serve/exchange_program.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "backend/environ.h"
#include "backend/rule_hooks.h"
#include "base/error.h"
#include "base/fd.h"

/* Fills @argv, which may point to @repository. */
static void choose_arguments(char *argv[SERVICE_ARGV_COUNT], char repository[PATH_MAX],
                             const struct exchange *exchange) {
    const struct gate *gate = exchange->gate;

    if (!exchange->is_service) {
        argv[0] = gate->git.program;
        argv[1] = NULL;
        return;
    }
    (void)settings_path_of(repository, gate->settings, exchange->client.request->repository);
    service_argv(argv, &exchange->call, repository);
}

/* Whether git-gate-hook has to keep old tips. If a push loses none, the hook would only cost two processes. */
static bool keeps_old(const struct exchange *exchange) {
    return exchange->gate->environ.keep_old && exchange->pushes && exchange->call.has_body &&
           !exchange->client.request->loses_nothing;
}

/*
 * Chooses the folder of links to git-gate-hook. It does so for each push, because the operator may have added hooks.
 * Return: NULL when git-gate-hook has nothing to do.
 */
static const char *choose_rule_hooks(char path[RULE_HOOKS_PATH_MAX], const struct exchange *exchange) {
    const struct gate *gate = exchange->gate;

    if (!exchange->pushes || (!gate->environ.rules && !keeps_old(exchange))) {
        return NULL;
    }
    rule_hooks_choose(path, &gate->rule_hooks, gate->environ.hooks_path);
    return path;
}

/*
 * Opens a pipe on which git-gate-hook tells how references move. Bytes that do not fit into it are lost. Then the
 * records of the push say less, as they do without a pipe. Return: the hook's end; -1 for none.
 */
static int open_hook_pipe(struct exchange *exchange, bool has_hook) {
    int ends[2];

    if (!has_hook || !exchange->push_log || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        return -1;
    }
    exchange->told = ends[0];
    return ends[1];
}

int exchange_program_start(struct exchange *exchange, int input) {
    struct gate *gate = exchange->gate;
    const struct request *request = exchange->client.request;
    char rule_hooks[RULE_HOOKS_PATH_MAX];
    const char *rule_hooks_path = choose_rule_hooks(rule_hooks, exchange);
    _cleanup_fd_ int hook_fd = open_hook_pipe(exchange, rule_hooks_path != NULL);
    const struct environ_request variables = {
        .method = request->method,
        .repository = request->repository,
        .path = request->route->path,
        .query = request->route->query,
        .content_type = request->route->content_type,
        .git_protocol = exchange->call.git_protocol,
        .remote_address = exchange->client.address,
        .pushes = exchange->pushes,
        .rule_hooks_path = rule_hooks_path,
        .tell_fd = hook_fd >= 0 ? PROCESS_EXTRA_FILENO : 0,
        .keeps_old = keeps_old(exchange),
        .asks_head = exchange_asks_head(exchange),
    };
    const struct process_limits limits = {
        .is_private = gate->settings->confine != CONFINE_OFF,
        .max_file_bytes = exchange->pushes ? gate->settings->max_push_bytes : 0,
        .landlock = gate->confine.child.fd,
        .extra = hook_fd >= 0 ? hook_fd : 0,
        .altered_signals = gate->settings->altered_signals,
        .session_key = gate->confine.session_key,
    };
    char repository[PATH_MAX];
    char *argv[SERVICE_ARGV_COUNT];
    _cleanup_free_ char **envp = NULL;
    int r = environ_new(&envp, &gate->environ, &variables);

    if (r) {
        return r;
    }
    choose_arguments(argv, repository, exchange);
    r = process_spawn(&exchange->process, gate->git.program, argv, envp, input, &limits);
    return r ? r : exchange_process_watch(exchange);
}

void exchange_program_log_failure(struct gate *gate, const struct request *request, const char *call, int cause) {
    const char *advice = error_advice(cause);

    log_record(&gate->log, LOG_LEVEL_ERROR, "git cannot be started",
               LOG_FIELDS(log_number("id", request->id), log_string("program", gate->git.program),
                          call ? log_string("call", call) : (struct log_field){0}, log_string("error", strerror(cause)),
                          *advice ? log_string("advice", advice + strlen("; ")) : (struct log_field){0}));
}
