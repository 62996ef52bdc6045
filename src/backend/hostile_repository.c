/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Judges a repository whose files may be hostile. environ.c overrides most settings by which a repository could make
 * git do more than serve it. This file judges the rest: variables of which git uses all values instead of the last,
 * variables whose names the repository chooses, and files that lead git elsewhere. It never asks git, because git would
 * obey the settings.
 */

#include "backend/hostile_repository.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "backend/alternates.h"
#include "backend/config_text.h"
#include "backend/links.h"
#include "backend/service.h"
#include "base/buffer.h"
#include "base/fd.h"

struct examination {
    struct hostile_repository_finding *finding;
    const struct hostile_repository_policy *policy;
    const char *path;
    int folder; /* @path, opened with O_PATH; names are looked up from here, which is faster */
    const char *key;
    const char *file; /* the configuration file that is being read */
};

__attribute__((format(printf, 2, 3))) static int refuse(struct hostile_repository_finding *finding, const char *format,
                                                        ...) {
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(finding->reason, sizeof(finding->reason), format, arguments);
    va_end(arguments);
    return HOSTILE_REPOSITORY_E_REFUSED;
}

/* ---- configuration ---- */

/*
 * A variable that makes git do more than serve the repository:
 * @section: the first part of the variable's name
 * @key: the last part, or everything after the section if @is_whole; NULL for any
 * @in_work_tree: the rule applies only where the operator lets pushes update a work tree
 * @consequence: what git does because of the variable
 */
static const struct rule {
    const char *section;
    const char *key;
    bool is_whole;
    bool in_work_tree;
    const char *consequence;
} rules[] = {
    {"hook", NULL, false, false, "makes git run a program"},
    {"include", NULL, false, false, "makes git read another file"},
    {"includeif", NULL, false, false, "makes git read another file"},
    {"receive", "fsck.skiplist", true, false, "makes git read another file"},
    {"gpg", "program", false, false, "makes git run a program"},
    {"gpg", "defaultkeycommand", false, false, "makes git run a program"},
    {"gpg", "allowedsignersfile", false, false, "makes git read another file"},
    {"gpg", "revocationfile", false, false, "makes git read another file"},
    {"filter", NULL, false, true, "makes git run a program"},
    {"core", "worktree", true, true, "makes git write elsewhere"},
};

/* The first and the last dot divide a name; a subsection may contain more dots. */
static bool matches(const struct rule *rule, const char *name) {
    size_t size = strcspn(name, ".");
    const char *rest = name[size] ? name + size + 1 : "";
    const char *last = strrchr(rest, '.');

    if (strlen(rule->section) != size || strncmp(name, rule->section, size) != 0) {
        return false;
    }
    return !rule->key || strcmp(rule->is_whole || !last ? rest : last + 1, rule->key) == 0;
}

static bool updates_work_tree(const struct hostile_repository_policy *policy) {
    static const char name[] = "receive.denyCurrentBranch=";
    bool updates = false;

    for (char *const *setting = policy->git_config; setting && *setting; setting++) {
        if (strncasecmp(*setting, name, strlen(name)) == 0) {
            updates = strcasecmp(*setting + strlen(name), "updateInstead") == 0;
        }
    }
    return updates;
}

static bool is_false(const char *value) {
    static const char *const words[] = {"false", "no", "off", "0", ""};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(value, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Since git 2.54 references may lie elsewhere: extensions.refStorage=FORMAT://PATH. */
static bool leads_elsewhere(const char *name, const char *value) {
    return strcmp(name, "extensions.refstorage") == 0 && strcmp(value, "files") != 0 && strcmp(value, "reftable") != 0;
}

/* Whether a setting lets in malformed objects, as a tree with a slash in a name. git-gate-hook would misread those. */
static bool weakens_checks(const char *name, const char *value) {
    static const char prefix[] = "receive.fsck.";

    return strncmp(name, prefix, strlen(prefix)) == 0 && strcmp(value, "error") != 0;
}

static void note_partial(struct hostile_repository_finding *finding, const char *name, const char *value) {
    static const struct rule promisor = {.section = "remote", .key = "promisor"};
    static const struct rule filter = {.section = "remote", .key = "partialclonefilter"}; /* suffices by itself */

    if (strcmp(name, "extensions.partialclone") == 0 || matches(&filter, name) ||
        (matches(&promisor, name) && !is_false(value))) {
        finding->is_partial = true;
    }
}

/* The last value in a file counts. git reads config.worktree last, or not at all, so it may close but not open. */
static void note_closed(struct examination *examination, const char *name, const char *value) {
    if (examination->key && strcmp(name, examination->key) == 0) {
        bool may_open = strcmp(examination->file, "config") == 0;

        examination->finding->closes =
            service_access_of(value) == SERVICE_CLOSED || (examination->finding->closes && !may_open);
    }
}

static int look_at_variable(const char *name, const char *value, void *userdata) {
    struct examination *examination = userdata;
    const struct hostile_repository_policy *policy = examination->policy;

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (matches(&rules[i], name) && (!rules[i].in_work_tree || updates_work_tree(policy))) {
            return refuse(examination->finding,
                          "'%.100s' of the repository sets %.100s, which %s; take it out, and if it is yours, give it "
                          "with --git-config",
                          examination->file, name, rules[i].consequence);
        }
    }
    if (leads_elsewhere(name, value)) {
        return refuse(examination->finding,
                      "'%.100s' of the repository sets extensions.refStorage, which makes git read references that "
                      "lie elsewhere; git-gate serves 'files' and 'reftable' in the repository itself",
                      examination->file);
    }
    if (policy->is_ruled && weakens_checks(name, value)) {
        return refuse(examination->finding,
                      "'%.100s' of the repository sets %.100s, which lets in malformed objects, and --rules relies on "
                      "git to refuse them; take it out",
                      examination->file, name);
    }
    note_partial(examination->finding, name, value);
    note_closed(examination, name, value);
    return 0;
}

/* Whether the gate is short of descriptors or memory for now, which says nothing about the file. */
static bool is_shortage(int r) {
    return r == -EMFILE || r == -ENFILE || r == -ENOMEM;
}

/*
 * Return: 0; -ENOENT when the file does not exist, or when neither the gate nor git can reach it;
 * HOSTILE_REPOSITORY_E_REFUSED; another errno of is_shortage().
 */
static int read_config(struct buffer *content, struct examination *examination) {
    _cleanup_fd_ int fd =
        openat(examination->folder, examination->file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    struct stat status;
    ssize_t size = -1;

    if (fd < 0 && (errno == ENOENT || errno == EACCES || is_shortage(-errno))) {
        return errno == EACCES ? -ENOENT : -errno;
    }
    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
        status.st_size < HOSTILE_REPOSITORY_CONFIG_MAX_BYTES) {
        buffer_init(content, (size_t)status.st_size + 1); /* one byte more, to see its end */
        do {
            size = buffer_read(content, fd);
        } while (size > 0 && buffer_room(content) > 0);
    }
    return size == 0 ? 0
           : is_shortage((int)size)
               ? (int)size
               : refuse(examination->finding,
                        "'%.100s' of the repository is not a plain file of less than 1 MiB that can be read",
                        examination->file);
}

static int examine_config(struct examination *examination, const char *file) {
    _cleanup_(buffer_deinit) struct buffer content;
    int r;

    examination->file = file;
    buffer_init(&content, 0);
    r = read_config(&content, examination);
    if (r) {
        return r == -ENOENT ? 0 : r;
    }
    r = config_text_scan(buffer_content(&content), look_at_variable, examination);
    if (r == CONFIG_TEXT_E_MALFORMED && !examination->finding->reason[0]) {
        return refuse(examination->finding, "'%.100s' of the repository is not a configuration file that git reads",
                      file);
    }
    return r ? HOSTILE_REPOSITORY_E_REFUSED : 0;
}

/* ---- files that lead elsewhere ---- */

static bool is_there(const struct examination *examination, const char *name) {
    struct stat status;

    return fstatat(examination->folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ||
           (errno != ENOENT && errno != EACCES);
}

static int examine_names(struct examination *examination) {
    /* git would go there instead: enter_repo() in its path.c, gitrepository-layout(5) */
    static const char *const names[] = {".git", "commondir"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (is_there(examination, names[i])) {
            return refuse(examination->finding,
                          "'%s' in the repository leads git to another one; remove it, or serve that one", names[i]);
        }
    }
    return 0;
}

/* If git cannot enter PATH, it tries PATH.git: enter_repo(). So this comes first, even if the gate cannot open PATH. */
static int examine_neighbour(struct examination *examination) {
    char other[PATH_MAX];
    struct stat status;

    return snprintf(other, sizeof(other), "%s.git", examination->path) >= (int)sizeof(other) ||
                   lstat(other, &status) == 0
               ? refuse(examination->finding,
                        "git would serve '%.200s' if the repository beside it were damaged; rename one of them", other)
               : 0;
}

static bool is_allowed(const struct hostile_repository_policy *policy, const char *path) {
    for (char *const *allowed = policy->allow_paths; allowed && *allowed; allowed++) {
        if (links_lead_into(path, *allowed)) {
            return true;
        }
    }
    return false;
}

/* In old repositories HEAD is a link, to a branch that may not exist yet. This applies to no other name. */
static bool is_branch_to_be(const char *name, const char *path) {
    return strcmp(name, "HEAD") == 0 && links_lead_nowhere(path);
}

static bool may_follow(const struct examination *examination, const char *name) {
    char path[PATH_MAX];

    return snprintf(path, sizeof(path), "%s/%s", examination->path, name) < (int)sizeof(path) &&
           (links_lead_into(path, examination->path) || is_allowed(examination->policy, path) ||
            is_branch_to_be(name, path));
}

static int examine_name(struct examination *examination, const char *name) {
    struct stat status;

    if (fstatat(examination->folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || S_ISREG(status.st_mode) ||
        S_ISDIR(status.st_mode)) {
        return 0;
    }
    if (!S_ISLNK(status.st_mode)) {
        return refuse(examination->finding, "'%s' in the repository is neither a file nor a folder; remove it", name);
    }
    return may_follow(examination, name)
               ? 0
               : refuse(examination->finding,
                        "'%s' in the repository is a link that leads out of it; replace the link with its target, "
                        "or allow the target with --allow-path",
                        name);
}

/* Checks the names that git looks for, gitrepository-layout(5). Object files and references are too many for a list. */
static int examine_links(struct examination *examination) {
    static const char *const names[] = {
        "HEAD",
        "packed-refs",
        "shallow",
        "info",
        "info/attributes",
        "info/grafts",
        "objects",
        "objects/info",
        "objects/info/alternates",
        "objects/pack",
        "refs",
        "refs/heads",
        "refs/tags",
        "reftable",
        "logs",
        "worktrees",
    };
    int r = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !r; i++) {
        r = examine_name(examination, names[i]);
    }
    return r;
}

/* Searches the names that are too many for a list, where no Landlock keeps git from following links. */
static int examine_further_links(struct examination *examination) {
    const struct hostile_repository_policy *policy = examination->policy;
    char found[PATH_MAX];

    if (!policy->follows_links || !links_find(found, sizeof(found), examination->path, policy->allow_paths,
                                              !hostile_repository_alternates_all(policy->alternates))) {
        return 0;
    }
    return refuse(
        examination->finding,
        "'%.200s' is a link that leads out of the repository, or a folder where the search for links reached its "
        "limit; remove it, or run 'git pack-refs --all', or serve with --confine=auto where there is Landlock",
        found);
}

bool hostile_repository_alternates_all(char *const *alternates) {
    return !alternates || !alternates[0] || strcmp(alternates[0], "yes") == 0;
}

bool hostile_repository_alternates_none(char *const *alternates) {
    return alternates && alternates[0] && strcmp(alternates[0], "no") == 0;
}

static int examine_alternates(struct examination *examination) {
    _cleanup_(alternates_deinit) struct alternates alternates = {0};
    char *const *allowed = examination->policy->alternates;
    int r;

    if (hostile_repository_alternates_all(allowed)) {
        return 0;
    }
    if (hostile_repository_alternates_none(allowed)) {
        return is_there(examination, "objects/info/alternates")
                   ? refuse(examination->finding,
                            "the repository has 'objects/info/alternates', which --alternates=no forbids; copy the "
                            "objects with 'git repack -a -d' and remove it, or allow a folder with --alternates=DIR")
                   : 0;
    }
    r = alternates_add(&alternates, examination->path);
    if (r) {
        return r;
    }
    return alternates_restrict(&alternates, allowed) > 0 || alternates.n_skipped > 0
               ? refuse(examination->finding, "'objects/info/alternates' of the repository names something else than "
                                              "object stores below the folders of --alternates; add one, or repack")
               : 0;
}

int hostile_repository_examine(struct hostile_repository_finding *finding,
                               const struct hostile_repository_policy *policy, const char *path, const char *key) {
    _cleanup_fd_ int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct examination examination = {.finding = finding, .policy = policy, .path = path, .folder = folder, .key = key};
    int r;

    *finding = (struct hostile_repository_finding){0};
    if (folder < 0 && errno != EACCES) { /* git would follow a file to another repository: read_gitfile() */
        return is_shortage(-errno)
                   ? -errno
                   : refuse(finding, "the repository cannot be opened as a folder: %s", strerror(errno));
    }
    r = examine_neighbour(&examination);
    if (r || folder < 0) { /* git will complain */
        return r;
    }
    r = examine_names(&examination);
    r = r ? r : examine_links(&examination);
    r = r ? r : examine_further_links(&examination);
    r = r ? r : examine_config(&examination, "config");
    r = r ? r : examine_config(&examination, "config.worktree");
    r = r ? r : examine_alternates(&examination);
    if (!r && finding->is_partial && !policy->is_local) {
        r = refuse(finding, "the repository is a partial clone, and this git may fetch what is missing in it; start "
                            "git-gate again, with git 2.45 or later");
    }
    return r;
}
