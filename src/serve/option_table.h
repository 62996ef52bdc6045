/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Lists all options, one in each row. A row defines the option's field in struct server_settings, its place on the
 * command line and in the help, and its name in the library, and so in Python. The file has no include guard: each file
 * that includes it defines OPTION and PART first.
 *
 *     OPTION(KIND, field, name, argument, default, help, ...)   declares settings.field, with KIND's type
 *     PART(KIND, field, name, argument, default, help, ...)     uses settings.field, which another room declares
 *
 * KIND is a member of enum config_kind without its CONFIG_. The name has no leading dashes. The argument is the help's
 * word for the value, NULL for a flag; for a choice, it lists all words. The default is written as a user writes it,
 * NULL for none. The help is one or two lines, and script/lint checks that the manual page has the same text. Further
 * members of struct config_option may follow: .minimum and .maximum of a number, and .is_internal for an option that
 * the command line does not have.
 *
 * The rows are in the order of the help. HACKING.md shows how to add one.
 */

// clang-format off
PART(TEXT, environ.mirror_root, "mirror-root", "DIR", NULL,
     "directory that holds the repositories")
PART(LIST, policy.scopes, "scope", "NAME", NULL,
     "a repository that is served, without .git; repeatable;\n'*' for all below the mirror root")
PART(TEXT, listener.socket_path, "socket", "PATH", NULL,
     "listen on a Unix socket; a stale one is replaced")
PART(MODE, listener.access.mode, "socket-mode", "MODE", "0600",
     "mode of that socket, octal; never writable by all")
PART(TEXT, listener.access.group, "socket-group", "GROUP", NULL,
     "group of that socket, a name or a number")
PART(TEXT, listener.tcp_address, "listen", "HOST:PORT", NULL,
     "listen on loopback TCP; port 0 picks a free port")
OPTION(TEXT, token_file, "token-file", "FILE", NULL,
       "token on the first line of FILE, and perhaps another one on\nthe next; '-' is one line of standard input")
PART(FLAG, policy.read_only, "read-only", NULL, "no",
     "fetches only")
PART(TEXT, environ.hooks_path, "hooks-path", "DIR", NULL,
     "folder of the hooks that git runs (core.hooksPath), not in\na served repository; without this option no hook runs")
PART(TEXT, environ.home, "home", "DIR", NULL,
     "HOME of git, where git reads .gitconfig;\nwithout this option git reads no global configuration")
PART(TEXT, environ.remote_user, "remote-user", "NAME", "token",
     "name of the pusher in reflogs")
PART(LIST, environ.git_config, "git-config", "KEY=VALUE", NULL,
     "one more setting for git; repeatable")
PART(LIST, environ.hide_refs, "hide-refs", "PREFIX", "refs/gate",
     "prefix of references to hide from clients; repeatable,\nthe first one replaces the default")
PART(FLAG, environ.trust_owner, "trust-owner", NULL, "no",
     "serve a repository that another user owns")
OPTION(TEXT, rules_file, "rules", "FILE", NULL,
       "what may be pushed, in git-config syntax, not in a served\nrepository; without this option everything may")
PART(SWITCH, environ.keep_old, "keep-old", "yes|no", "yes",
     "keep the old tip of a reference that a push deletes or forces,\nfor git-gate old")
OPTION(LIST, alternates, "alternates", "yes|no|DIR", "yes",
       "which object stores outside the repository git may read:\nany, none, or those below DIR; repeatable")
PART(SWITCH, environ.any_commit, "any-commit", "yes|no", "yes",
     "a fetch may ask for any commit by its id in protocol versions\n0 and 1, as in 2")
PART(CHOICE, environ.fsck, "fsck", "strict|warn|off", "strict",
     "strict refuses a push with malformed objects; warn accepts\nharmless faults of old history; off checks nothing")
OPTION(CHOICE, confine, "confine", "auto|require|off", "auto",
       "auto confines git, hooks and gate as far as the kernel can;\nrequire exits if that is too little; off confines nothing")
OPTION(LIST, allow_paths, "allow-path", "PATH[:rw]", NULL,
       "one more path that git and hooks may read and execute\nunder --confine, or with :rw read and write; repeatable")
PART(CHOICE, environ.backend, "backend", "services|http-backend", "services",
     "start git's service programs directly,\nor through git's CGI program")
OPTION(SWITCH, advertisement_cache, "advertisement-cache", "no|yes", "yes",
       "answer repeated capability requests from memory")
OPTION(FLAG, die_with_parent, "die-with-parent", NULL, "no",
       "stop, as on SIGTERM, when the process that started it ends")
PART(TEXT, listener.selinux_type, "selinux-type", "TYPE", "git_gate_socket_t",
     "in the Unix socket's label, under SELinux")

OPTION(NUMBER, max_connections, "max-connections", "N", "256",
       "clients at once; a further one replaces an inactive one", .minimum = 1, .maximum = 65536)
OPTION(NUMBER, max_backends, "max-backends", "N", "16",
       "git processes at once; further requests queue", .minimum = 1, .maximum = 65536)
OPTION(NUMBER, queue_timeout_s, "queue-timeout", "S", "300",
       "for a queued request, then 503", .minimum = 1, .maximum = INT_MAX)
OPTION(BYTES, max_push_bytes, "max-push-bytes", "N", "0",
       "size of a push, after gunzip, and of each file that git\nwrites for it; 0 for no bound; N may end in K, M or G",
       .maximum = INT64_MAX)
OPTION(BYTES, max_negotiation_bytes, "max-negotiation-bytes", "N", "32M",
       "body of a fetch, after gunzip", .minimum = 1, .maximum = INT64_MAX)
OPTION(NUMBER, header_timeout_s, "header-timeout", "S", "10",
       "from a request's first byte, or accept(2), to its head's end", .minimum = 1, .maximum = INT_MAX)
OPTION(NUMBER, idle_timeout_s, "idle-timeout", "S", "75",
       "between two requests on a connection", .minimum = 1, .maximum = INT_MAX)
OPTION(NUMBER, stall_timeout_s, "stall-timeout", "S", "60",
       "without a byte from or to a client that the gate waits for", .minimum = 1, .maximum = INT_MAX)
OPTION(NUMBER, backend_timeout_s, "backend-timeout", "S", "600",
       "without a byte from or to git while the gate waits for it", .minimum = 1, .maximum = INT_MAX)
OPTION(NUMBER, request_timeout_s, "request-timeout", "S", "3600",
       "a request as a whole, hooks included; 0 for no bound", .maximum = INT_MAX)
OPTION(NUMBER, drain_timeout_s, "drain-timeout", "S", "4",
       "for running requests to finish after SIGTERM", .maximum = INT_MAX)

OPTION(CHOICE, log_level, "log-level", "error|warning|notice|info|debug", "info",
       "lowest level of the records to write")
OPTION(CHOICE, log_format, "log-format", "text|json", "text",
       "one record a line on standard error")

PART(TEXT, policy.tokens[0], "token", "TOKEN", NULL,
     "the token itself", .is_internal = true)
PART(TEXT, policy.tokens[1], "second-token", "TOKEN", NULL,
     "another token, valid, too", .is_internal = true)
PART(FD, listener.inherited_fd, "listen-fd", "FD", NULL,
     "a listening socket that somebody else made", .is_internal = true)
OPTION(FD, log_fd, "log-fd", "FD", NULL,
       "where the log is written to", .is_internal = true)
OPTION(FD, moves_fd, "moves-fd", "FD", NULL,
       "where the records of pushes are written to, as JSON", .is_internal = true)
// clang-format on
