/* SPDX-License-Identifier: Apache-2.0 */

/* Refused configurations: missing options, contradictions, and paths that lie where they must not. */

#include "unit_resolve.h"

static const struct {
    const char *name;
    struct set sets[MAX_SET];
    const char *words[2]; /* a part of the sentence */
} refused_cases[] = {
    {"nothing at all", {{0}}, {"--mirror-root", "--scope"}},
    {"no repository", {TCP, TOKEN}, {"--mirror-root", "--scope"}},
    {"no mirror root", {{"scope", "r"}, TCP, TOKEN}, {"--mirror-root"}},
    {"no scope", {{"mirror-root", "root"}, TCP, TOKEN}, {"--scope"}},
    {"mirror root that is not there", {{"mirror-root", "none"}, {"scope", "r"}, TCP, TOKEN}, {"--mirror-root=none"}},
    {"mirror root that is a broken link", {{"mirror-root", "broken"}, {"scope", "r"}, TCP, TOKEN}, {"--mirror-root"}},
    {"mirror root that is a file",
     {{"mirror-root", "plain"}, {"scope", "r"}, TCP, TOKEN},
     {"--mirror-root=plain", "Not a directory"}},
    {"scope with a slash", {{"mirror-root", "root"}, {"scope", "a/b"}, TCP, TOKEN}, {"--scope=a/b"}},
    {"scope up", {{"mirror-root", "root"}, {"scope", "../r"}, TCP, TOKEN}, {"--scope=../r"}},
    {"scope with a space", {{"mirror-root", "root"}, {"scope", "a b"}, TCP, TOKEN}, {"--scope=a b"}},
    {"scope with a star", {{"mirror-root", "root"}, {"scope", "r*"}, TCP, TOKEN}, {"--scope=r*"}},
    {"scope of two stars", {{"mirror-root", "root"}, {"scope", "**"}, TCP, TOKEN}, {"--scope=**"}},
    {"all and a scope",
     {{"mirror-root", "root"}, {"scope", "*"}, {"scope", "r"}, TCP, TOKEN},
     {"--scope=* serves all"}},
    {"a scope and all",
     {{"mirror-root", "root"}, {"scope", "r"}, {"scope", "*"}, TCP, TOKEN},
     {"--scope=* serves all"}},
    {"a bad scope behind a good one",
     {{"mirror-root", "root"}, {"scope", "r"}, {"scope", "a/b"}, TCP, TOKEN},
     {"--scope=a/b"}},
    {"a scope twice",
     {{"mirror-root", "root"}, {"scope", "r"}, {"scope", "a"}, {"scope", "r"}, TCP, TOKEN},
     {"--scope=r is given twice"}},
    {"scope of UTF-8", {{"mirror-root", "root"}, {"scope", "\xc3\xa4"}, TCP, TOKEN}, {"--scope"}},
    {"scope of 251 bytes", {{"mirror-root", "root"}, {"scope", NAME_OF_250 "x"}, TCP, TOKEN}, {"--scope"}},
    {"no transport", {REPOSITORY, TOKEN}, {"--socket", "--listen"}},
    {"socket and TCP", {ALL, {"socket", "s"}}, {"--socket", "--listen"}},
    {"TCP and inherited", {ALL, {"listen-fd", "3"}}, {"--socket", "--listen"}},
    {"socket and inherited", {REPOSITORY, TOKEN, {"socket", "s"}, {"listen-fd", "0"}}, {"--socket", "--listen"}},
    {"all three", {ALL, {"socket", "s"}, {"listen-fd", "3"}}, {"--socket", "--listen"}},
    {"an address for a socket",
     {REPOSITORY, TOKEN, {"socket", "127.0.0.1:9418"}},
     {"--socket=127.0.0.1:9418", "--listen=127.0.0.1:9418"}},
    {"a socket for an address",
     {REPOSITORY, TOKEN, {"listen", "/run/gate.sock"}},
     {"--listen=/run/gate.sock", "--socket"}},
    {"mode without a socket", {ALL, {"socket-mode", "0660"}}, {"--socket-mode", "--socket makes"}},
    {"group without a socket", {ALL, {"socket-group", "0"}}, {"--socket-group", "--socket makes"}},
    {"mode of an inherited socket",
     {REPOSITORY, TOKEN, {"listen-fd", "0"}, {"socket-mode", "0600"}},
     {"--socket-mode", "SocketMode="}},
    {"no such group", {REPOSITORY, TOKEN, {"socket", "s"}, {"socket-group", "no such"}}, {"--socket-group=no such"}},
    {"no group's number",
     {REPOSITORY, TOKEN, {"socket", "s"}, {"socket-group", "4294967295"}},
     {"--socket-group=4294967295"}},
    {"too large for a group",
     {REPOSITORY, TOKEN, {"socket", "s"}, {"socket-group", "4294967296"}},
     {"--socket-group=4294967296"}},
    {"no token", {REPOSITORY, TCP}, {"--token-file"}},
    {"a path for a token", {REPOSITORY, TCP, {"token", "/proc/self/token"}}, {"the token is the path", "token-file"}},
    {"two tokens", {ALL, {"token-file", "token"}}, {"token-file"}},
    {"token file that is not there", {REPOSITORY, TCP, {"token-file", "none"}}, {"--token-file names", "No such file"}},
    {"token file that is a folder", {REPOSITORY, TCP, {"token-file", "home"}}, {"--token-file names", "a folder"}},
    {"home that is not there", {ALL, {"home", "none"}}, {"--home=none", "No such file"}},
    {"home that is a file", {ALL, {"home", "plain"}}, {"--home=plain", "Not a directory"}},
    {"hooks that are not there", {ALL, {"hooks-path", "none"}}, {"--hooks-path=none", "No such file"}},
    {"hooks that are a file", {ALL, {"hooks-path", "plain"}}, {"--hooks-path=plain", "Not a directory"}},
    {"hooks of the repository", {ALL, {"hooks-path", "root/r.git/hooks"}}, {"--hooks-path"}},
    {"hooks are the repository", {ALL, {"hooks-path", "root/r.git"}}, {"--hooks-path"}},
    {"hooks of the repository, roundabout", {ALL, {"hooks-path", "root/../hooks/../root/r.git/"}}, {"--hooks-path"}},
    {"hooks of the repository, by a link", {ALL, {"hooks-path", "link-to-hooks"}}, {"--hooks-path"}},
    {"home in the repository", {ALL, {"home", "root/r.git/hooks"}}, {"--home", "inside what is served"}},
    {"home that is the repository", {ALL, {"home", "root/r.git"}}, {"--home", "inside what is served"}},
    {"home in the repository, by a link", {ALL, {"home", "link-to-hooks"}}, {"--home", "inside what is served"}},
    {"home in the mirror root, all served",
     {{"mirror-root", "root"}, {"scope", "*"}, TCP, TOKEN, {"home", "root"}},
     {"--home", "inside what is served"}},
    {"socket in the repository",
     {REPOSITORY, TOKEN, {"socket", "root/r.git/s"}},
     {"--socket", "inside what is served"}},
    {"socket in the repository, by a link",
     {REPOSITORY, TOKEN, {"socket", "link-to-hooks/s"}},
     {"--socket", "inside what is served"}},
    {"socket in a folder of the repository that is to be made",
     {REPOSITORY, TOKEN, {"socket", "root/r.git/a/b/s"}},
     {"--socket", "inside what is served"}},
    {"socket in the mirror root, all served",
     {{"mirror-root", "root"}, {"scope", "*"}, TOKEN, {"socket", "root/s"}},
     {"--socket", "inside what is served"}},
    {"hooks of the repository, by a link to the root",
     {ALL, {"hooks-path", "link-to-root/r.git/hooks"}},
     {"--hooks-path"}},
    {"hooks of the repository, under a root that is a link",
     {{"mirror-root", "link-to-root"}, {"scope", "r"}, TCP, TOKEN, {"hooks-path", "root/r.git/hooks"}},
     {"--hooks-path"}},
    {"hooks of a repository that is a link",
     {{"mirror-root", "root"}, {"scope", "linked"}, TCP, TOKEN, {"hooks-path", "root/linked.git/hooks"}},
     {"--hooks-path"}},
    {"hooks of a repository that is a link, by its own name",
     {{"mirror-root", "root"}, {"scope", "linked"}, TCP, TOKEN, {"hooks-path", "away.git/hooks"}},
     {"--hooks-path"}},
    {"hooks of any repository",
     {{"mirror-root", "root"}, {"scope", "*"}, TCP, TOKEN, {"hooks-path", "root/other.git/hooks"}},
     {"--hooks-path"}},
    {"hooks of any repository that is a link",
     {{"mirror-root", "root"}, {"scope", "*"}, TCP, TOKEN, {"hooks-path", "root/linked.git/hooks"}},
     {"--hooks-path"}},
    {"hooks below a root of all",
     {{"mirror-root", "/"}, {"scope", "*"}, TCP, TOKEN, {"hooks-path", "hooks"}},
     {"--hooks-path"}},
    {"writable path that is not there", {ALL, {"allow-path", "none:rw"}}, {"--allow-path=none:rw", "No such file"}},
    {"mark without a path", {ALL, {"allow-path", ":rw"}}, {"--allow-path=:rw", "No such file"}},
    {"hooks that are writable", {ALL, {"hooks-path", "hooks"}, {"allow-path", "hooks:rw"}}, {"--hooks-path", ":rw"}},
    {"hooks below a writable path, the second",
     {ALL, {"allow-path", "home"}, {"allow-path", "./home/..:rw"}, {"hooks-path", "hooks"}},
     {"--hooks-path", ":rw"}},
    {"hook that is a link to a writable file",
     {ALL, {"allow-path", "plain:rw"}, {"hooks-path", "hooks-of-links"}},
     {"--hooks-path", "holds a link"}},
    {"home that is writable", {ALL, {"home", "home"}, {"allow-path", "home:rw"}}, {"--home", ":rw"}},
    {"socket in a writable path",
     {REPOSITORY, TOKEN, {"socket", "home/a/s"}, {"allow-path", "home:rw"}},
     {"--socket", ":rw"}},
    {"writable path among the hooks",
     {ALL, {"hooks-path", "hooks"}, {"allow-path", "hooks/below:rw"}},
     {"--allow-path=", "inside --hooks-path"}},
    {"writable path where no hook runs",
     {ALL, {"read-only", "yes"}, {"allow-path", "home:rw"}},
     {"--allow-path=home:rw", "--read-only"}},
    {"name that ends in the mark", {ALL, {"allow-path", "home:rw/"}}, {"--allow-path=home:rw/", "rename it"}},
    {"name that ends in the mark, writable",
     {ALL, {"allow-path", "home:rw:rw"}},
     {"--allow-path=home:rw:rw", "rename"}},
    {"token in the repository",
     {REPOSITORY, TCP, {"token-file", "root/r.git/token"}},
     {"--token-file=", "inside what is served"}},
    {"token in the repository, by a link",
     {REPOSITORY, TCP, {"token-file", "link-to-hooks/../token"}},
     {"--token-file=", "inside what is served"}},
    {"token in a writable path",
     {REPOSITORY, TCP, {"token-file", "token"}, {"allow-path", ".:rw"}},
     {"--token-file=token", ":rw"}},
    {"git setting without a value", {ALL, {"git-config", "a.b"}}, {"--git-config=a.b"}},
    {"git setting without a section", {ALL, {"git-config", "a=b"}}, {"--git-config=a=b"}},
    {"git setting with the dot in its value", {ALL, {"git-config", "a=b.c"}}, {"--git-config=a=b.c"}},
    {"git setting of an empty section", {ALL, {"git-config", ".a=b"}}, {"--git-config=.a=b"}},
    {"hidden name that is no prefix of a reference", {ALL, {"hide-refs", "heads"}}, {"--hide-refs=heads"}},
    {"second hidden name", {ALL, {"hide-refs", "refs/a"}, {"hide-refs", "!b"}}, {"--hide-refs=!b"}},
    {"second git setting", {ALL, {"git-config", "a.b=c"}, {"git-config", "d"}}, {"--git-config=d"}},
    {"rules and old history",
     {ALL, {"rules", "/dev/null"}, {"fsck", "warn"}},
     {"--rules needs --fsck=strict", "malformed objects"}},
    {"rules and no check", {ALL, {"rules", "/dev/null"}, {"fsck", "off"}}, {"--rules needs --fsck=strict"}},
    {"user with a newline", {ALL, {"remote-user", "a\nb"}}, {"--remote-user"}},
    {"user with a delete", {ALL, {"remote-user", "a\x7f"}}, {"--remote-user"}},
    {"user with a bracket", {ALL, {"remote-user", "a<b"}}, {"--remote-user"}},
    {"user with the other bracket", {ALL, {"remote-user", "a>b"}}, {"--remote-user"}},
};

static void test_refused(void **state) {
    (void)state;
    make_files();
    for (size_t i = 0; i < ARRAY_SIZE(refused_cases); i++) {
        const char *name = refused_cases[i].name;
        struct gate_config *config = config_of(name, refused_cases[i].sets);
        struct gate_error error = {0};

        expect_int(name, config_resolve(config, &error), GATE_E_USAGE);
        expect_int(name, error.code, GATE_E_USAGE);
        for (size_t j = 0; j < ARRAY_SIZE(refused_cases[i].words) && refused_cases[i].words[j]; j++) {
            if (!strstr(error.message, refused_cases[i].words[j])) {
                fail_msg("%s: no '%s' in '%s'", name, refused_cases[i].words[j], error.message);
            }
        }
        expect_true(name, !strstr(error.message, "hunter2") && !strstr(error.message, "from-the-file"));
        expect_int(name, config_resolve(config, NULL), GATE_E_USAGE);
        gate_config_free(config);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
