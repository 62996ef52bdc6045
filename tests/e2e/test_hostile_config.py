# SPDX-License-Identifier: Apache-2.0
"""
A repository with hostile configuration and files: git executes nothing of it and reads nothing elsewhere, with
--confine=off and with --confine=require.

A trap that git executes leaves a mark in the repository, where a confined git can write. Where possible, the same git
without a gate proves that the trap works.
"""

import os
import re
import shutil
import subprocess

import pytest

from .confinement import needs_confinement
from .gate import PROGRAM
from .http import TOKEN
from .repos import ENVIRONMENT, bare, commit, git, history, out, refs

USAGE = 2
REFUSED = 500
SECRET = "secret-first-line"

HOOKS_IN_CONFIG = (2, 54)


def git_version():
    return tuple(map(int, re.match(r"git version (\d+)\.(\d+)", out("version")).groups()))


@pytest.fixture(params=["off", pytest.param("require", marks=needs_confinement)])
def confine(request):
    return f"--confine={request.param}"


class Mirror:
    """A repository, and a list of everything that was executed."""

    def __init__(self, folder):
        self.folder = folder
        self.root = folder / "mirrors"
        self.repo = bare(self.root / "repo.git")
        history(self.repo, 3)
        self.word = self.repo / "executed"
        self.trap = folder / "trap"
        self.trap.write_text(f"#!/bin/sh\necho \"$0 $*\" >>'{self.word}'\nexit 1\n")
        self.trap.chmod(0o755)
        self.secret = folder / "secret"
        self.secret.write_text(f"{SECRET}\n")
        self.work = folder / "work"
        git("clone", "--quiet", self.repo, self.work)
        commit(self.work, "file", "new")

    def config(self, *settings, file="config"):
        for setting in settings:
            name, _, value = setting.partition("=")
            git("config", "--file", self.repo / file, "--add", name, value)

    def write_config(self, text, file="config"):
        with (self.repo / file).open("a") as opened:
            opened.write(text)

    def start(self, start_gate, *options):
        # a confined git could execute and read the traps, so Landlock does not stop them
        allowed = (f"--allow-path={path}" for path in (self.trap, self.secret))
        return start_gate(f"--mirror-root={self.root}", "--scope=repo", *allowed, *options)

    def fails_to_start(self, *options):
        """The complaint of a gate that does not start."""
        result = subprocess.run([PROGRAM, "serve", f"--mirror-root={self.root}", "--scope=repo", "--listen=127.0.0.1:0",
                                 *options], env={**os.environ, "GIT_GATE_TOKEN": TOKEN}, capture_output=True,
                                check=False, text=True, timeout=30, stdin=subprocess.DEVNULL)
        assert result.returncode == USAGE, result.stderr
        return result.stderr

    def use(self, gate, *, ok=True):
        """Push, and fetch with each protocol version; return all output."""
        said = git("push", gate.url(), "HEAD:main", cwd=self.work, ok=ok).stderr
        for version in (0, 2):
            clone = self.folder / f"clone{version}-{len(list(self.folder.glob('clone*')))}"
            said += git("-c", f"protocol.version={version}", "clone", "--bare", gate.url(), clone, ok=ok).stderr
        return said


@pytest.fixture
def mirror(tmp_path):
    return Mirror(tmp_path)


# ---- settings that the gate overrides: it serves, and nothing runs ----

def overridden(mirror):
    """Set what the gate overrides, or what git itself takes from no repository."""
    trap = mirror.trap
    return [
        f"core.hooksPath={mirror.folder / 'hooks'}", f"core.alternateRefsCommand={trap}", f"core.fsmonitor={trap}",
        f"core.sshCommand={trap}", f"core.gitProxy={trap}", f"core.askPass={trap}", f"core.editor={trap}",
        f"core.pager={trap}", f"credential.helper=!{trap}", f"uploadpack.packObjectsHook={trap}",
        "receive.procReceiveRefs=refs/for", "receive.denyCurrentBranch=updateInstead", "core.bare=false",
        f"diff.external={trap}", f"diff.x.command={trap}", f"diff.x.textconv={trap}", f"merge.x.driver={trap} %A",
        f"trailer.x.command={trap}", f"trailer.x.cmd={trap}", f"filter.x.smudge={trap}", f"filter.x.clean={trap}",
        f"filter.x.process={trap}", "filter.x.required=true", f"alias.upload-pack=!{trap}",
        f"alias.receive-pack=!{trap}", f"alias.pack-objects=!{trap}", f"alias.index-pack=!{trap}",
        "pager.pack-objects=true", "pager.index-pack=true", f"gc.recentObjectsHook={trap}", "receive.autogc=true",
        "gc.auto=1", f"sequence.editor={trap}", f"interactive.diffFilter={trap}", "remote.origin.url=/nowhere",
        f"remote.origin.receivepack={trap}", f"remote.origin.vcs={trap}", "log.showSignature=true",
        f"trace2.eventTarget={mirror.repo / 'executed'}", f"trace2.normalTarget={mirror.repo / 'executed'}",
        f"core.worktree={mirror.folder / 'work'}", f"core.excludesFile={mirror.secret}",
    ]


@pytest.mark.parametrize("file", ["config", "config.worktree"])
def test_nothing_of_it_is_executed(mirror, start_gate, confine, file):
    (mirror.folder / "hooks").mkdir()
    for name in ("pre-receive", "update", "post-receive", "proc-receive", "post-update", "reference-transaction"):
        (mirror.folder / "hooks" / name).symlink_to(mirror.trap)
        (mirror.repo / "hooks" / name).unlink(missing_ok=True)
        (mirror.repo / "hooks" / name).symlink_to(mirror.trap)
    (mirror.repo / "info" / "attributes").write_text("* filter=x diff=x merge=x\n")
    mirror.config("core.repositoryFormatVersion=1", "extensions.worktreeConfig=true")
    mirror.config(*overridden(mirror), file=file)
    gate = mirror.start(start_gate, confine)
    said = git("push", gate.url(), "HEAD:other", "HEAD~:refs/heads/second", cwd=mirror.work).stderr
    git("clone", "--quiet", "--bare", gate.url(), mirror.folder / "clone")
    git("-c", "protocol.version=0", "clone", "--quiet", "--bare", gate.url(), mirror.folder / "clone0")
    assert not mirror.word.exists(), mirror.word.read_text() + said
    assert "refs/heads/other" in refs(mirror.repo)


def borrow(mirror):
    """Make the mirror borrow objects from a neighbour, which has a branch of its own."""
    lender = bare(mirror.folder / "lender.git")
    history(lender, 2, text="lent")
    git("repack", "-a", "-d", "-q", cwd=lender)
    (mirror.repo / "objects" / "info" / "alternates").write_text(f"{lender}/objects\n")
    return lender


def test_the_command_for_references_of_alternates(mirror, start_gate, confine):
    borrow(mirror)
    mirror.config(f"core.alternateRefsCommand={mirror.trap}")
    git("receive-pack", "--advertise-refs", mirror.repo, ok=None)
    assert mirror.word.exists()
    mirror.word.unlink()
    gate = mirror.start(start_gate, confine)
    mirror.use(gate)
    assert not mirror.word.exists()


@pytest.mark.parametrize("opened", [False, True])
def test_a_work_tree_is_left_alone(mirror, start_gate, confine, opened):
    """By default git checks nothing out. With --git-config it does, but without the repository's programs."""
    mirror.config("core.bare=false", "receive.denyCurrentBranch=updateInstead", f"core.fsmonitor={mirror.trap}")
    options = ["--git-config=receive.denyCurrentBranch=updateInstead"] if opened else []
    git("--git-dir", mirror.repo, "--work-tree", mirror.root, "read-tree", "HEAD")
    gate = mirror.start(start_gate, confine, *options)
    said = git("push", gate.url(), "HEAD:main", cwd=mirror.work, ok=False).stderr
    assert "refusing to update checked out branch" in said or opened
    assert not mirror.word.exists()


def test_filters_are_refused_where_pushes_change_a_work_tree(mirror):
    mirror.config("core.bare=false", f"filter.x.smudge={mirror.trap}")
    said = mirror.fails_to_start("--git-config=receive.denyCurrentBranch=updateInstead")
    assert "filter.x.smudge" in said and "--git-config" in said


def partial(mirror):
    """Set up a thin push that needs a missing object. A promisor's command would fetch it. Returns the work tree."""
    mirror.config("core.repositoryFormatVersion=1", "extensions.partialClone=origin", "remote.origin.promisor=true",
                  f"remote.origin.url={mirror.folder / 'lender.git'}", f"remote.origin.uploadpack={mirror.trap}")


def test_nothing_is_fetched_from_a_promisor(mirror, start_gate, confine):
    bare(mirror.folder / "lender.git")
    partial(mirror)
    missing = "1" * 40
    git("cat-file", "-p", missing, cwd=mirror.repo, ok=False)
    assert mirror.word.exists()
    mirror.word.unlink()
    gate = mirror.start(start_gate, confine)
    blob = out("rev-parse", "HEAD~:dir0/file", cwd=mirror.work)
    git("repack", "-a", "-d", "-q", cwd=mirror.repo)
    git("unpack-objects", "-q", cwd=mirror.repo,
        data=next(iter((mirror.repo / "objects" / "pack").glob("*.pack"))).read_bytes(), ok=None)
    for pack in (mirror.repo / "objects" / "pack").iterdir():
        loose = pack.read_bytes()
        pack.unlink()
        if pack.suffix == ".pack":
            git("unpack-objects", "-q", cwd=mirror.repo, data=loose)
    (mirror.repo / "objects" / blob[:2] / blob[2:]).unlink()
    git("clone", "--quiet", "--bare", gate.url(), mirror.folder / "clone", ok=False)
    git("-c", "protocol.version=0", "clone", "--bare", gate.url(), mirror.folder / "clone0", ok=False)
    content = (mirror.work / "dir0" / "file").read_text() + "one line more\n"
    commit(mirror.work, "dir0/file", content)
    git("push", "--thin", gate.url(), "HEAD:main", cwd=mirror.work, ok=None)
    assert not mirror.word.exists(), mirror.word.read_text()
    assert any("partial clone" in record["message"] for record in gate.records)


def test_a_promisor_by_its_filter_alone(mirror, start_gate, confine):
    """A remote's filter makes it a promisor, even without the key promisor."""
    mirror.config("remote.origin.partialCloneFilter=blob:none", "remote.origin.url=/nowhere",
                  f"remote.origin.uploadpack={mirror.trap}")
    git("cat-file", "-p", "1" * 40, cwd=mirror.repo, ok=False)
    assert mirror.word.exists()
    gate = mirror.start(start_gate, confine)
    assert any("partial clone" in record["message"] for record in gate.records)


def test_lines_of_other_files_are_not_shown(mirror, start_gate, confine):
    """A push may need a path's attributes. git would print each line of such a file that it does not understand."""
    mirror.secret.write_text("* -!secret-first-line\n")
    mirror.config(f"core.attributesFile={mirror.secret}")
    tip = out("rev-parse", "main", cwd=mirror.repo)
    direct = subprocess.run(["git", "pack-objects", "--revs", "--stdout", "--no-reuse-delta", "-q"], cwd=mirror.repo,
                            input=tip.encode(), env=ENVIRONMENT, capture_output=True, check=False)
    assert SECRET in direct.stderr.decode()
    gate = mirror.start(start_gate, confine)
    assert SECRET not in mirror.use(gate)
    assert not any(SECRET in line for line in gate.lines)


def test_the_programs_of_signatures_are_refused(mirror):
    for name in ("gpg.program", "gpg.ssh.program", "gpg.openpgp.program", "gpg.x509.program",
                 "gpg.ssh.defaultKeyCommand", "gpg.ssh.allowedSignersFile", "gpg.ssh.revocationFile"):
        git("config", "--file", mirror.repo / "config", name, mirror.trap)
        assert name.lower() in mirror.fails_to_start()
        git("config", "--file", mirror.repo / "config", "--unset", name)


# ---- refusals: at start, and by a serving gate ----

REFUSALS = {
    "hook": ('[hook "x"]\n\tevent = pre-receive\n\tcommand = {trap}\n', "hook.x.event"),
    # a name that is also an event: git 2.55 then takes hook.pre-receive.enabled for the name only
    "hook with an event's name": ('[hook "pre-receive"]\n\tparallel = true\n[hook "x"]\n\tevent = pre-receive\n'
                                  "\tcommand = {trap}\n", "hook.pre-receive.parallel"),
    "hook, older form": ("[hook.x]\n\tevent = update\n[hook.x]\n\tcommand = {trap}\n", "hook.x.event"),
    "hook, in capitals": ('[HooK "x"]EVENT=post-receive\nCommand={trap}\n', "hook.x.event"),
    "hook behind a comment": ('# [core]\n; x\n[hook "a\\"b]\\\\"] # c\n event = update ; c\n command = {trap}\n',
                              'hook.a"b]\\.event'),
    "include": ("[include]\n\tpath = {folder}/included\n", "include.path"),
    "includeIf": ('[includeIf "gitdir:**"]\n\tpath = {folder}/included\n', "includeif.gitdir:**.path"),
    "list of objects to skip": ('[receive "fsck"]\n\tskipList = {secret}\n', "receive.fsck.skiplist"),
    "references elsewhere": ("[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\trefStorage = "
                             "files://{folder}/lender.git\n", "extensions.refStorage"),
    "a program for signatures": ("[gpg]\n\tprogram = {trap}\n", "gpg.program"),
    "what git does not read": ("[core\n", "configuration file"),
}
CASES = list(REFUSALS)


def spring(mirror, name, file="config"):
    text, key = REFUSALS[name]
    if file == "config.worktree":
        mirror.config("core.repositoryFormatVersion=1", "extensions.worktreeConfig=true")
    mirror.write_config(text.format(trap=mirror.trap, folder=mirror.folder, secret=mirror.secret), file=file)
    return key


@pytest.mark.parametrize("file", ["config", "config.worktree"])
@pytest.mark.parametrize("name", CASES)
def test_a_start_refuses(mirror, name, file):
    key = spring(mirror, name, file)
    said = mirror.fails_to_start("--confine=off")
    assert key in said and f"'{file}'" in said


@pytest.mark.parametrize("name", CASES)
def test_a_gate_that_serves_refuses_from_then_on(mirror, start_gate, confine, name):
    """Hostile code may write such a setting at any time."""
    gate = mirror.start(start_gate, confine)
    mirror.use(gate)
    before = refs(mirror.repo)
    whole = (mirror.repo / "config").read_text()
    key = spring(mirror, name)
    commit(mirror.work, "file", "newer")
    said = mirror.use(gate, ok=False)
    assert str(REFUSED) in said
    assert not mirror.word.exists()
    assert any(record["message"] == "the repository is not served" and key in record["error"]
               for record in gate.records)
    (mirror.repo / "config").write_text(whole)
    assert refs(mirror.repo) == before
    mirror.use(gate)


@pytest.mark.parametrize("name", CASES)
def test_one_of_many_repositories_is_refused(mirror, start_gate, confine, name):
    other = bare(mirror.root / "other.git")
    history(other, 1)
    spring(mirror, name)
    gate = start_gate(f"--mirror-root={mirror.root}", "--scope=*", f"--allow-path={mirror.folder}", confine)
    assert str(REFUSED) in mirror.use(gate, ok=False)
    git("ls-remote", gate.url("other"))
    assert not mirror.word.exists()


@pytest.mark.skipif(git_version() < HOOKS_IN_CONFIG, reason="needs git 2.54, which has hooks in its configuration")
@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("hook")])
def test_the_hooks_that_are_refused_would_run(mirror, name):
    spring(mirror, name)
    git("push", mirror.repo, "HEAD:main", cwd=mirror.work, ok=None)
    assert mirror.word.exists()


def test_the_operators_hooks_run(mirror, start_gate, pre_receive, confine):
    gate = mirror.start(start_gate, confine, pre_receive("echo from the operator"))
    assert "remote: from the operator" in mirror.use(gate)


@pytest.mark.skipif(git_version() < HOOKS_IN_CONFIG, reason="needs git 2.54, which has hooks in its configuration")
def test_a_hook_of_the_operators_configuration_runs(mirror, start_gate, confine):
    gate = mirror.start(start_gate, confine, "--git-config=hook.x.event=pre-receive",
                        "--git-config=hook.x.command=echo from the operator")
    assert "remote: from the operator" in mirror.use(gate)


def test_the_list_that_is_refused_would_be_shown(mirror):
    spring(mirror, "list of objects to skip")
    mirror.config("receive.fsckObjects=true")
    assert SECRET in git("push", mirror.repo, "HEAD:main", cwd=mirror.work, ok=None).stderr


# ---- files that lead elsewhere ----

def lead(mirror, name):
    other = bare(mirror.folder / "other.git")
    history(other, 1, text="other")
    if name == ".git":
        (mirror.repo / name).write_text(f"gitdir: {other}\n")
    elif name == ".git folder":
        bare(mirror.repo / ".git")
    elif name == "commondir":
        (mirror.repo / name).write_text(f"{other}\n")
    elif name == "config":
        (mirror.repo / name).unlink()
        (mirror.repo / name).symlink_to(other / "config")
    elif name in LINKS:
        moved = mirror.folder / "moved"
        shutil.move(mirror.repo / name, moved) if (mirror.repo / name).exists() else moved.write_text(f"{SECRET}\n")
        (mirror.repo / name).symlink_to(moved)
    elif name == "config that nobody writes":
        (mirror.repo / "config").unlink()
        os.mkfifo(mirror.repo / "config")


LINKS = ["objects", "objects/pack", "refs", "refs/heads", "HEAD", "packed-refs", "shallow", "info/attributes"]
LEADS = [*LINKS, ".git", ".git folder", "commondir", "config", "config that nobody writes"]


@pytest.mark.parametrize("name", LEADS)
def test_what_leads_elsewhere_is_refused(mirror, start_gate, confine, name):
    gate = mirror.start(start_gate, confine)
    lead(mirror, name)
    assert str(REFUSED) in mirror.use(gate, ok=False)
    assert f"'{name.split()[0]}'" in mirror.fails_to_start(confine)


def test_a_file_in_the_place_of_the_repository_is_refused(mirror, start_gate, confine):
    gate = mirror.start(start_gate, confine)
    moved = mirror.folder / "moved.git"
    mirror.repo.rename(moved)
    mirror.repo.write_text(f"gitdir: {moved}\n")
    assert out("ls-remote", mirror.repo), "git would follow it"
    assert str(REFUSED) in mirror.use(gate, ok=False)
    assert any("cannot be opened as a folder" in line for line in gate.lines)


def test_links_within_the_repository_are_followed(mirror, start_gate, confine):
    (mirror.repo / "objects").rename(mirror.repo / "store")
    (mirror.repo / "objects").symlink_to("store")
    (mirror.repo / "HEAD").unlink()
    (mirror.repo / "HEAD").symlink_to("refs/heads/main")
    mirror.use(mirror.start(start_gate, confine))


def test_a_head_that_is_a_link_to_a_branch_to_be(mirror, start_gate, confine):
    gate = mirror.start(start_gate, confine)
    (mirror.repo / "HEAD").unlink()
    (mirror.repo / "HEAD").symlink_to("refs/heads/unborn")
    mirror.use(gate)


def test_a_link_may_lead_to_what_is_allowed(mirror, start_gate, confine):
    lead(mirror, "info/attributes")
    assert "--allow-path" in mirror.fails_to_start(confine)
    gate = start_gate(f"--mirror-root={mirror.root}", "--scope=repo", f"--allow-path={mirror.folder / 'moved'}", confine)
    git("ls-remote", gate.url())


@pytest.mark.parametrize("policy", ["yes", "no", "of it", "of the one above", "of another", "of two"])
def test_alternates(mirror, start_gate, confine, policy):
    """The gate serves outside objects where --alternates lets the repository borrow them, and nowhere else."""
    lender = borrow(mirror)
    tip = out("rev-parse", "main", cwd=lender)
    git("update-ref", "refs/heads/lent", tip, cwd=mirror.repo)
    options = {"yes": ["yes"], "no": ["no"], "of it": [lender / "objects"], "of the one above": [mirror.folder],
               "of another": [mirror.root], "of two": [mirror.root, lender]}[policy]
    options = [confine, *(f"--alternates={option}" for option in options)]
    if policy in ("no", "of another"):
        assert "--alternates" in mirror.fails_to_start(*options)
        (mirror.repo / "objects" / "info" / "alternates").rename(mirror.folder / "alternates")
        git("update-ref", "-d", "refs/heads/lent", cwd=mirror.repo)
        gate = mirror.start(start_gate, *options)
        mirror.use(gate)
        (mirror.folder / "alternates").rename(mirror.repo / "objects" / "info" / "alternates")
        assert str(REFUSED) in mirror.use(gate, ok=False)
        return
    gate = mirror.start(start_gate, *options)
    mirror.use(gate)
    assert refs(next(mirror.folder.glob("clone*")))["refs/heads/lent"] == tip


@pytest.mark.parametrize("given", [["yes", "no"], ["no", "/"], ["/", "yes"], ["/nonexistent"], ["/etc/passwd"]])
def test_what_alternates_does_not_take(mirror, given):
    assert "--alternates=" in mirror.fails_to_start(*(f"--alternates={value}" for value in given))


# ---- signed pushes: git looks at the signature when it runs a hook ----

SIGNATURE = "-----BEGIN PGP SIGNATURE-----\\n\\nx\\n-----END PGP SIGNATURE-----"
SEED = "receive.certNonceSeed=seed"


def signs(mirror):
    """The option of a client whose gpg prints something that is no signature. git sends it all the same."""
    signer = mirror.folder / "signer"
    signer.write_text(f"#!/bin/sh\ncat >/dev/null\necho '[GNUPG:] SIG_CREATED x' >&2\nprintf '%b\\n' '{SIGNATURE}'\n")
    signer.chmod(0o755)
    return f"gpg.program={signer}"


def push_signed(mirror, url, *, ok=True):
    return git("-c", signs(mirror), "-c", "user.signingKey=x", "push", "--signed=yes", url, "HEAD:main", cwd=mirror.work, ok=ok)


@pytest.mark.parametrize("key", ["gpg.program", "gpg.openpgp.program"])
def test_the_program_for_signed_pushes_would_run(mirror, key):
    mirror.config(SEED, f"{key}={mirror.trap}")
    (mirror.repo / "hooks" / "pre-receive").symlink_to("/bin/true")
    push_signed(mirror, mirror.repo)
    assert "--verify" in mirror.word.read_text()


@pytest.mark.parametrize("key", ["gpg.program", "gpg.openpgp.program"])
@pytest.mark.parametrize("file", ["config", "config.worktree"])
def test_a_signed_push_does_not_run_the_repositorys_program(mirror, start_gate, pre_receive, confine, key, file):
    """The setting appears while the gate serves, between the two requests of one push."""
    mirror.config("core.repositoryFormatVersion=1", "extensions.worktreeConfig=true", SEED)
    gate = mirror.start(start_gate, confine, pre_receive("exit 0"))
    push_signed(mirror, gate.url())
    before = refs(mirror.repo)
    commit(mirror.work, "file", "newer")
    mirror.config(f"{key}={mirror.trap}", file=file)
    assert str(REFUSED) in push_signed(mirror, gate.url(), ok=False).stderr
    assert refs(mirror.repo) == before
    assert not mirror.word.exists()
    assert any(key in record.get("error", "") for record in gate.records)


def test_a_signed_push_runs_the_operators_program(mirror, start_gate, pre_receive, confine):
    gate = mirror.start(start_gate, confine, f"--git-config={SEED}", f"--git-config=gpg.program={mirror.trap}",
                        pre_receive("exit 0"))
    push_signed(mirror, gate.url())
    assert "--verify" in mirror.word.read_text()
