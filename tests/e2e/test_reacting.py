# SPDX-License-Identifier: Apache-2.0
"""The programs of docs/reacting.md, with other places, react to pushes."""

import configparser
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest

from .bridge import HELPER
from .http import TOKEN
from .polling import wait_until
from .python_package import needs_library, variables
from .recipes import PROJECT, at
from .repos import ENVIRONMENT, bare, commit, git, history, out, refs, run_bounded

FOLDER = PROJECT / "tests" / "data" / "reacting"
PAGE = "docs/reacting.md"
TASK, SECRET = "refs/heads/task7/x", "THE-SECRET-OF-THE-TEST"


def text(name):
    return (FOLDER / name).read_text()


@pytest.fixture
def root(tmp_path):
    history(bare(tmp_path / "mirrors" / "proj.git"), 3)
    return tmp_path / "mirrors"


@pytest.fixture
def forge(tmp_path):
    return bare(tmp_path / "forge.git")


@pytest.fixture
def place(tmp_path):
    """Writes a program of the page, with other places."""
    def write(name, folder, places=None):
        folder.mkdir(exist_ok=True)
        program = folder / name
        program.write_text(at(text(name), places or {}))
        program.chmod(0o755)
        return program
    return write


@pytest.fixture
def clone(root, tmp_path):
    """Clone a task's work tree, over any transport."""
    git("clone", "--quiet", root / "proj.git", tmp_path / "clone")
    return tmp_path / "clone"


def forwarding(forge, folder, **more):
    """The variables that the page names."""
    return {**ENVIRONMENT, "PATH": f"{HELPER.parent}:{os.environ['PATH']}", "TO": str(forge),
            "REFS": "refs/heads/task7/*", "STATE_DIRECTORY": str(folder), "FROM": "gate:///proj.git",
            "GIT_GATE_TOKEN": TOKEN, **more}


def test_the_page_has_the_files():
    page = (PROJECT / PAGE).read_text()
    blocks = re.findall(r"^```\w+\n(.*?)^```$", page, re.M | re.S)
    assert sorted(blocks) == sorted(path.read_text() for path in FOLDER.iterdir())


# ---- forward ----

def forward(program, **named):
    said = run_bounded([program], seconds=60, environment=forwarding(**named))
    return said


def test_forward(start_gate, root, forge, place, clone, tmp_path):
    """Accepted references reach the forge, and nothing else of the repository does."""
    gate = start_gate(f"--mirror-root={root}", "--scope=proj", transport="unix")
    program = place("git-gate-forward", tmp_path / "programs")
    (tmp_path / "state").mkdir()
    environment = {"forge": forge, "folder": tmp_path / "state", "GIT_GATE_SOCKET": str(gate.socket_path)}
    assert forward(program, **environment).returncode == 0 and refs(forge) == {}
    new = commit(clone, "a", "b")
    git("push", "--quiet", root / "proj.git", f"HEAD:{TASK}", "HEAD:refs/heads/other", cwd=clone)
    for _ in range(2):
        assert forward(program, **environment).returncode == 0
        assert refs(forge) == {TASK: new}
    git("push", "--quiet", "--force", root / "proj.git", f"HEAD~1:{TASK}", cwd=clone)
    said = forward(program, **environment)
    assert said.returncode != 0 and "rejected" in said.stderr and refs(forge) == {TASK: new}


def test_forward_obeys_nothing_of_the_repository(start_gate, root, forge, place, clone, tmp_path):
    """Settings of the task's repository could make git run any program for the push."""
    gate = start_gate(f"--mirror-root={root}", "--scope=proj", transport="unix")
    program = place("git-gate-forward", tmp_path / "programs")
    (tmp_path / "state").mkdir()
    git("push", "--quiet", root / "proj.git", f"HEAD:{TASK}", cwd=clone)
    hook = root / "proj.git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n: >{tmp_path}/ran\n")
    hook.chmod(0o755)
    for key, value in {"core.sshCommand": "touch ran", "credential.helper": "!touch ran", f"url.{tmp_path}/x.insteadOf": str(forge),
                       "core.hooksPath": str(hook.parent)}.items():
        git("config", key, value, cwd=root / "proj.git")
    assert forward(program, forge=forge, folder=tmp_path / "state", GIT_GATE_SOCKET=str(gate.socket_path)).returncode == 0
    assert TASK in refs(forge) and not list(tmp_path.rglob("ran"))


def units(tmp_path, root, program):
    """The units for proj, with other places."""
    folder = tmp_path / "units"
    folder.mkdir()
    for kind in ("path", "service"):
        unit = at(text(f"git-gate-forward@.{kind}"), {"/var/lib/git-gate": root})
        if kind == "service":
            unit = at(unit, {"/usr/local/libexec/git-gate-forward": program})
        (folder / f"git-gate-forward@.{kind}").write_text(unit)
        (folder / f"git-gate-forward@proj.{kind}").symlink_to(f"git-gate-forward@.{kind}")
    return folder


def option(unit, section, name):
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str
    parser.read(unit)
    return parser[section][name].replace("%i", "proj")


def test_the_units(start_gate, root, forge, place, clone, tmp_path):
    """The confined hook marks the repository. The service's program removes the mark and forwards."""
    hooks = tmp_path / "hooks"
    place("post-receive", hooks)
    gate = start_gate(f"--mirror-root={root}", "--scope=proj", f"--hooks-path={hooks}", transport="unix")
    program = place("git-gate-forward", tmp_path / "programs")
    folder = units(tmp_path, root, program)
    mark = option(folder / "git-gate-forward@proj.path", "Path", "PathExists")
    assert mark == f"{root}/proj.git/pushed" and not os.path.exists(mark)
    environment = forwarding(forge, tmp_path / "state", GIT_GATE_SOCKET=str(gate.socket_path))
    new = commit(clone, "a", "b")
    git("push", "--quiet", "gate:///proj.git", f"HEAD:{TASK}", cwd=clone,
        **{key: environment[key] for key in ("PATH", "GIT_GATE_SOCKET", "GIT_GATE_TOKEN")})
    wait_until("the mark", lambda: os.path.exists(mark))
    (tmp_path / "state").mkdir()
    for name in ("ExecStartPre", "ExecStart"):
        command = option(folder / "git-gate-forward@proj.service", "Service", name).lstrip("+").split()
        said = run_bounded(command, seconds=60, environment=environment)
        assert said.returncode == 0, said.stderr
    assert not os.path.exists(mark) and refs(forge) == {TASK: new}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("fault", [None, "PathExists=relative"])
def test_systemd_takes_the_units(root, place, tmp_path, fault):
    folder = units(tmp_path, root, place("git-gate-forward", tmp_path / "programs"))
    if fault:
        unit = folder / "git-gate-forward@.path"
        unit.write_text(re.sub("PathExists=.*", fault, unit.read_text()))
    said = subprocess.run(["systemd-analyze", "verify", "--man=no", "./git-gate-forward@proj.path"], cwd=folder,
                          capture_output=True, text=True, check=False, timeout=60,
                          env={**ENVIRONMENT, "PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    assert ("PathExists" in said.stderr) == (fault is not None), said.stderr
    assert fault or "git-gate-forward@" not in said.stderr, said.stderr


# ---- the loop ----

@needs_library
def test_the_loop(root, forge, place, clone, tmp_path):
    """One of two pushes is refused. The loop tells a person of the other one, and forwards it."""
    socket = tmp_path / "run" / "gate.sock"
    # Only the loop needs the sanitizer's library preloaded. git would hang with it.
    program = place("git-gate-forward", tmp_path / "programs", {"set -eu\n": "set -eu\nunset LD_PRELOAD\n"})
    teller = tmp_path / "programs" / "tell"
    teller.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{tmp_path}/told\n')
    teller.chmod(0o755)
    loop = place("react.py", tmp_path / "programs", {
        "/srv/mirrors": root, "/run/task7/gate.sock": socket, "notify-send": teller,
        "/usr/local/libexec/git-gate-forward": program})
    (tmp_path / "state").mkdir()
    environment = {**forwarding(forge, tmp_path / "state"), "GIT_GATE_TOKEN": "of no use"}
    with open(tmp_path / "said", "w+", encoding="utf-8") as said:
        process = subprocess.Popen([sys.executable, loop], stdout=said, stderr=said,
                                   env={**environment, **variables(), "PATH": environment["PATH"]})
        try:
            wait_until("the gate", lambda: "GIT_GATE_TOKEN=" in (tmp_path / "said").read_text())
            token = re.search("GIT_GATE_TOKEN=(.*)", (tmp_path / "said").read_text()).group(1)
            url = {"PATH": environment["PATH"], "GIT_GATE_SOCKET": str(socket), "GIT_GATE_TOKEN": token}
            new = commit(clone, "a", "b")
            assert git("push", "gate:///proj.git", "HEAD:refs/heads/main/x", cwd=clone, ok=None, **url).returncode
            git("push", "--quiet", "gate:///proj.git", f"HEAD:{TASK}", cwd=clone, **url)
            wait_until("the branch", lambda: refs(forge) == {TASK: new} or process.poll() is not None)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
        said.seek(0)
        assert refs(forge) == {TASK: new}, said.read()
    assert (tmp_path / "told").read_text().splitlines() == ["--", "task 7", f"create {TASK} {new[:12]}"]


# ---- secrets ----

STAND_IN = f"""#!/bin/sh
[ "$1" = git ] || exit 126
for option; do
    case $option in
    --log-opts=*) options=${{option#--log-opts=}} ;;
    --redact | --no-banner | --verbose | --ignore-gitleaks-allow | git) ;;
    *) last=$option ;;
    esac
done
scanned=$(mktemp) && trap 'rm -f "$scanned"' EXIT
git -C "$last" log -p -U0 $options >"$scanned" || exit 2
if grep -q {SECRET} "$scanned"; then
    echo "a finding: REDACTED"
    exit 1
fi
"""


def innocent(clone):
    commit(clone, "a", "b")


def plain(clone):
    commit(clone, "a", SECRET)


def removed_again(clone):
    commit(clone, "a", SECRET)
    commit(clone, "a", "nothing")


def binary(clone):
    commit(clone, ".gitattributes", "* -diff -text binary\n")
    commit(clone, "a", f"\0{SECRET}\0")


def in_a_merge(clone):
    git("checkout", "--quiet", "-b", "side", "HEAD~1", cwd=clone)
    commit(clone, "side", "x")
    git("checkout", "--quiet", "main", cwd=clone)
    commit(clone, "mine", "x")
    git("merge", "--quiet", "--no-commit", "side", cwd=clone)
    (clone / "side").write_text(SECRET)
    git("commit", "--quiet", "--all", "-m", "Merge", cwd=clone)


def by_a_tag(clone):
    commit(clone, "a", SECRET)
    git("tag", "-a", "-m", "Tag", "v1", cwd=clone)
    git("reset", "--quiet", "--hard", "HEAD~1", cwd=clone)


@pytest.mark.parametrize("prepare, specs", [
    (innocent, [f"HEAD:{TASK}"]), (innocent, ["HEAD:refs/heads/a", "HEAD:refs/heads/b"]), (None, [":refs/heads/gone"]),
    (plain, [f"HEAD:{TASK}"]), (removed_again, [f"HEAD:{TASK}"]), (binary, [f"HEAD:{TASK}"]), (in_a_merge, [f"HEAD:{TASK}"]),
    (plain, ["HEAD~1:refs/heads/a", "HEAD:refs/heads/b"]), (by_a_tag, ["v1"]), (plain, [":refs/heads/gone", f"HEAD:{TASK}"])])
def test_secrets(start_gate, root, place, clone, tmp_path, prepare, specs):
    hooks = tmp_path / "hooks"
    place("pre-receive", hooks, {"gitleaks git": f"{hooks}/gitleaks git"})
    (hooks / "gitleaks").write_text(STAND_IN)
    (hooks / "gitleaks").chmod(0o755)
    gate = start_gate(f"--mirror-root={root}", "--scope=proj", f"--hooks-path={hooks}")
    git("update-ref", "refs/heads/gone", "main", cwd=root / "proj.git")
    if prepare:
        prepare(clone)
    before = refs(root / "proj.git")
    objects = out("count-objects", "-v", cwd=root / "proj.git")
    said = git("push", gate.url("proj"), *specs, cwd=clone, ok=None)
    if prepare in (innocent, None):
        assert said.returncode == 0, said.stderr
        assert refs(root / "proj.git") != before
    else:
        assert said.returncode != 0 and "remote: a finding: REDACTED" in said.stderr and SECRET not in said.stderr
        assert refs(root / "proj.git") == before
        assert out("count-objects", "-v", cwd=root / "proj.git") == objects
