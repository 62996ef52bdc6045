# SPDX-License-Identifier: Apache-2.0
"""--confine=require: the paths that git and the gate can reach, the log about them, and kernels that offer less."""

import os
import re
import shutil
import signal
import socket
import stat
from pathlib import Path

import pytest

from . import gate as gate_module
from .backends import ExecPath
from .checks import check_error, check_serves
from .confinement import landlock_abi, needs_confinement
from .gate import PROGRAM
from .host import allow_tracing, failing, open_files, under_strace
from .http import TOKEN, head
from .polling import wait_until
from .repos import bare, commit, git, history, out, refs
from .targets import INFO

pytestmark = needs_confinement
START_FAILS = 4


def start(start_gate, root, *options, **named):
    return start_gate(f"--mirror-root={root}", "--scope=repo", "--confine=require", *options, **named)


def at_start(gate, message):
    """The records with this message, once the start has written its last record, "serving"."""
    wait_until("the end of the start", lambda: any(record["message"] == "serving" for record in gate.records))
    return [record for record in gate.records if record["message"] == message]


def confined(gate):
    """The one record about the confinement in force."""
    record, = at_start(gate, "confined")
    return record


def status_fields(path):
    return dict(re.findall(r"^(\w+):\s+(.*)$", Path(path, "status").read_text(), re.MULTILINE))


def had_capabilities():
    return int(status_fields("/proc/self")["CapPrm"], 16) != 0


# The log, and the confinement of the gate itself.

def test_one_record_says_what_holds(small_root, start_gate):
    record = confined(start(start_gate, small_root))
    assert record["level"] == "info" and record["landlock_abi"] == landlock_abi() and record["alternates"] == 0
    assert record["seccomp"] == "yes" and record["capabilities"] == ("dropped" if had_capabilities() else "none")


def test_nothing_is_said_of_confinement_when_it_is_off(small_root, start_gate):
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", "--confine=off")
    assert at_start(gate, "confined") == [] and len(at_start(gate, "not confined")) == 1
    now, before = status_fields(f"/proc/{gate.pid}"), status_fields("/proc/self")
    for name in ("NoNewPrivs", "Seccomp", "CapPrm"):
        assert now[name] == before[name]


def test_a_gate_is_confined_unless_it_is_told_otherwise(small_root, start_gate, tmp_path, monkeypatch):
    """By default the gate confines as much as this kernel can, which is all that other tests require; it serves git."""
    monkeypatch.setattr(gate_module, "CONFINE_OPTIONS", [])
    root = shutil.copytree(small_root, tmp_path / "root")
    gate = start_gate(f"--mirror-root={root}", "--scope=repo")
    required = start(start_gate, root)
    assert {**confined(gate), "time": None} == {**confined(required), "time": None}
    assert not [record for record in gate.records if record["level"] == "warning"]
    git("clone", "--quiet", gate.url(), tmp_path / "clone")
    tip = commit(tmp_path / "clone", "file", "new")
    git("push", "--quiet", "origin", "main", cwd=tmp_path / "clone")
    assert refs(root / "repo.git")["refs/heads/main"] == tip
    check_serves(gate)


def test_each_thread_of_the_gate_is_under_it(small_root, start_gate):
    gate = start(start_gate, small_root)
    tasks = list(Path(f"/proc/{gate.pid}/task").iterdir())
    assert len(tasks) == 1, "there is one thread; more of them need a look at each"
    for place in (f"/proc/{gate.pid}", *tasks):
        fields = status_fields(place)
        assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")
        assert {name: int(fields[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == dict.fromkeys(
            ("CapEff", "CapPrm", "CapInh", "CapAmb"), 0)
        assert int(fields["CapBnd"], 16) == 0 or not had_capabilities()


def test_no_descriptor_of_the_supervisor_stays(small_root, start_gate, tmp_path):
    secret = tmp_path / "secret"
    secret.touch()
    with secret.open() as left_open:
        gate = start(start_gate, small_root, pass_fds=(left_open.fileno(),))
        assert str(secret) not in open_files(gate.pid)
        loose = start_gate(f"--mirror-root={small_root}", "--scope=repo", "--confine=off",
                           pass_fds=(left_open.fileno(),))
        assert str(secret) in open_files(loose.pid)
    check_serves(gate)


def test_the_socket_is_removed_in_the_end(small_root, start_gate):
    gate = start(start_gate, small_root, transport="unix")
    check_serves(gate)
    assert gate.socket_path.exists()
    gate.stop()
    assert not gate.socket_path.exists()


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_the_supervisor_still_hears_of_it(small_root, start_gate, tmp_path, kind):
    name = str(tmp_path / "notify") if kind == "path" else f"\0git-gate-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(name)
        notified.settimeout(10)
        gate = start(start_gate, small_root, variables={"NOTIFY_SOCKET": name.replace("\0", "@")})
        assert b"READY=1" in notified.recv(100).split(b"\n")
        gate.stop()
        assert b"STOPPING=1" in notified.recv(100).split(b"\n")


# Kernels that offer less.

# libseccomp uses only seccomp(2) once it has found it; a kernel without filters answers EINVAL.
# A container may refuse any of them with any error.
MISSING = [
    ("Landlock", "landlock_create_ruleset:error=ENOSYS"),
    ("Landlock", "landlock_create_ruleset:error=EPERM"),
    ("Landlock", "landlock_add_rule:error=EPERM"),
    ("Landlock", "landlock_restrict_self:error=E2BIG"),
    ("seccomp", "seccomp:error=EINVAL"),
    ("the loss of privileges", "capget:error=EPERM"),
    ("the loss of privileges", "capset:error=EPERM"),
]
missing_stages = pytest.mark.parametrize("missing, fault", MISSING, ids=[case[1] for case in MISSING])


@missing_stages
def test_what_is_required_and_missing_ends_the_start(small_root, start_gate, tmp_path, missing, fault):
    gate = start(start_gate, small_root, program=under_strace(tmp_path, PROGRAM, fault), wait=False, log_format=None)
    assert gate.wait() == START_FAILS
    gate.err.join()
    line, = (line for line in gate.lines if line.startswith("git-gate:"))
    assert "--confine=require" in line and f"{missing} is not available here: {fault.split(':')[0]}: " in line
    assert "INJECTED" in (tmp_path / "strace").read_text()
    assert not gate.output


@missing_stages
def test_what_is_missing_is_left_out_and_named(small_root, start_gate, tmp_path, missing, fault):
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", "--confine=auto",
                      program=under_strace(tmp_path, PROGRAM, fault))
    record = confined(gate)
    assert (record["landlock_abi"] == 0) == (missing == "Landlock")
    assert (record["seccomp"] == "no") == (missing == "seccomp")
    assert (record["capabilities"] == "kept") == (missing == "the loss of privileges")
    warning, = (record for record in gate.records if record["level"] == "warning")
    assert (warning["missing"], warning["call"]) == (missing, fault.split(":")[0])
    assert gate.ask("GET", INFO).status == 200
    # strace passes on no signal; the gate itself must end.
    pid, = map(int, Path(f"/proc/{gate.pid}/task/{gate.pid}/children").read_text().split())
    os.kill(pid, signal.SIGTERM)
    assert gate.wait() == 0


@pytest.mark.parametrize("call, named", [("landlock_restrict_self", "landlock_restrict_self"),
                                         ("prlimit64", "setrlimit(RLIMIT_CORE)")])
def test_child_that_cannot_be_confined_is_no_child(small_root, start_gate, call, named):
    """git is not started without its confinement, and the log names the step that failed."""
    gate = start(start_gate, small_root, preexec_fn=allow_tracing)
    check_serves(gate)
    with gate.connect() as connection, failing(gate, f"{call}:error=EPERM", children=True) as n_failed:
        connection.send(head("GET", INFO))
        check_error(connection.response(), 500)
        assert n_failed() == 1
    record, = (record for record in gate.records if record["message"] == "git cannot be started")
    assert (record["call"], record["error"]) == (named, "Operation not permitted")
    check_serves(gate)


# Paths.

def borrow(repo, *stores):
    (repo / "objects" / "info" / "alternates").write_text("".join(f"{store}\n" for store in stores))


@pytest.mark.parametrize("links", [1, 2])
def test_borrowed_objects_are_served(tmp_path, start_gate, links):
    """A repository without objects of its own: it borrows from one outside the root, or from one that also borrows."""
    (tmp_path / "mirrors").mkdir()
    source = bare(tmp_path / "source.git")
    tip = history(source, 3)[-1]
    repos = [source, *(bare(tmp_path / f"between{i}.git") for i in range(links - 1)),
             bare(tmp_path / "mirrors" / "repo.git")]
    for lender, repo in zip(repos, repos[1:]):
        borrow(repo, lender / "objects")
    git("update-ref", "refs/heads/main", tip, cwd=repos[-1])
    gate = start(start_gate, tmp_path / "mirrors")
    assert confined(gate)["alternates"] == links
    git("clone", "--quiet", gate.url(), tmp_path / "clone")
    git("fsck", "--strict", cwd=tmp_path / "clone")
    commit(tmp_path / "clone", "file", "new")
    said = git("push", "--quiet", "origin", "main", cwd=tmp_path / "clone").stderr
    assert out("rev-parse", "main", cwd=repos[-1]) == out("rev-parse", "HEAD", cwd=tmp_path / "clone")
    assert "fatal" not in said, "the lender's references are out of reach, and nobody asks for them"


@pytest.fixture
def hooked(tmp_path, start_gate, pre_receive):
    """Serve repo.git with a hook of this text and push to it; return the hook's output."""
    def push(text, *options, lines=(), **named):
        (tmp_path / "mirrors").mkdir()
        repo = bare(tmp_path / "mirrors" / "repo.git")
        history(repo, 1)
        borrow(repo, *lines)
        gate = start(start_gate, tmp_path / "mirrors", pre_receive(text), *options, **named)
        git("clone", "--quiet", gate.url(), tmp_path / "clone")
        commit(tmp_path / "clone", "file", "new")
        said = git("push", "origin", "main", cwd=tmp_path / "clone").stderr
        return gate, repo, re.findall(r"^remote: (.*?) *$", said, re.MULTILINE)
    return push


def test_a_line_that_names_no_store_opens_nothing(hooked, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "secret").write_text("secret\n")
    gate, _, said = hooked(f"cat '{home}/secret' && echo read; ls '{home}' && echo listed; exit 0", lines=[home])
    assert not {"secret", "read", "listed"} & set(said) and "Permission denied" in "".join(said)
    assert confined(gate)["alternates"] == 0
    warning, = (record for record in gate.records if record["level"] == "warning" and "lines" in record)
    assert warning["lines"] == 1


def test_an_allowed_path_is_read_and_not_written(hooked, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("words\n")
    (tmp_path / "single").write_text("one\n")
    _, _, said = hooked(f"""
cat '{outside}/file' '{tmp_path}/single'
echo more >>'{outside}/file' || echo cannot append
echo more >'{outside}/new' || echo cannot create
rm -f '{outside}/file' || echo cannot remove
echo more >>'{tmp_path}/single' || echo cannot append
""", f"--allow-path={outside}", f"--allow-path={tmp_path}/single")
    assert [line for line in said if ":" not in line] == [
        "words", "one", "cannot append", "cannot create", "cannot remove", "cannot append"]
    assert (outside / "file").read_text() == "words\n" and (tmp_path / "single").read_text() == "one\n"
    assert [path.name for path in outside.iterdir()] == ["file"]


@pytest.mark.parametrize("from_file", [False, True])
def test_an_allowed_path_is_written_and_not_executed(hooked, tmp_path, from_file):
    """When the gate can read its token again from a file, git and hooks get rules of their own."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "old").write_text("old\n")
    (outside / "program").write_text("#!/bin/sh\necho has run\n")
    (outside / "program").chmod(0o755)
    (tmp_path / "log").write_text("one\n")
    (tmp_path / "beside").write_text("one\n")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    token = [f"--token-file={tmp_path}/token"] * from_file
    named = {"token": None} if from_file else {}
    _, _, said = hooked(f"""
echo new >'{outside}/new' && mkdir '{outside}/folder' && cat '{outside}/new'
rm '{outside}/old' || echo cannot remove
echo moved >made && mv made '{outside}/folder/moved' || echo cannot move
'{outside}/program' || echo cannot run
ln -s x '{outside}/link' || echo cannot link
echo two >>'{tmp_path}/log'
echo two >>'{tmp_path}/beside' || echo cannot append
""", f"--allow-path={outside}:rw", f"--allow-path={tmp_path}/log:rw", *token, **named)
    assert [line for line in said if ":" not in line] == ["new", "cannot run", "cannot link", "cannot append"], said
    assert sorted(path.name for path in outside.iterdir()) == ["folder", "new", "program"]
    assert (outside / "folder" / "moved").read_text() == "moved\n"
    assert (tmp_path / "log").read_text() == "one\ntwo\n" and (tmp_path / "beside").read_text() == "one\n"


def test_a_path_allowed_twice_is_written_and_executed(hooked, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    _, _, said = hooked(f"""
printf '#!/bin/sh\necho has run\n' >'{outside}/program' && chmod +x '{outside}/program' && '{outside}/program'
""", f"--allow-path={outside}", f"--allow-path={outside}:rw")
    assert said == ["has run"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who has capabilities to lose")
def test_a_path_that_root_could_write_by_capabilities_alone_ends_the_start(small_root, start_gate, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    os.chown(outside, 1234, 1234)
    gate = start(start_gate, small_root, f"--allow-path={outside}:rw", wait=False, log_format=None)
    assert gate.wait() == START_FAILS
    gate.err.join()
    assert f"'{outside}' is out of reach without capabilities" in "".join(gate.lines)
    start(start_gate, small_root, f"--allow-path={outside}")


@pytest.mark.parametrize("read_only", [False, True])
def test_read_only_holds_for_git_itself(small_root, start_gate, tmp_path, read_only):
    """No push is possible, but a fetch could take git over."""
    repo = small_root / "repo.git"
    exec_path = ExecPath(tmp_path / "exec")
    # The script does not record runs, as --read-only leaves it no place to write to.
    exec_path.program.write_text(f"""#!/bin/sh
cat '{repo}/HEAD' >/dev/null && echo "has read" >&2
echo x 2>/dev/null >'{repo}/written' && rm '{repo}/written' && echo "has created" >&2
echo x 2>/dev/null >>'{repo}/description' && echo "has appended" >&2
exit 1""")
    gate = start(start_gate, small_root, *["--read-only"] * read_only, exec_path=exec_path)
    assert gate.ask("GET", INFO).status in (500, 502)
    wait_until("the end of the request", gate.request_records)
    said = [line for line in gate.lines if "git says" in line]
    for what, happens in {"has read": True, "has created": not read_only, "has appended": not read_only}.items():
        assert any(what in line for line in said) == happens, said
    assert not (repo / "written").exists()


def test_what_a_push_makes_is_for_its_user_alone(hooked):
    _, repo, said = hooked("umask; echo x >made; find objects -type f >before")
    assert "0077" in said
    new = [repo / "made", *(path for path in (repo / "refs" / "heads").iterdir())]
    before = (repo / "before").read_text().split()
    new += [path for path in (repo / "objects").glob("??/*") if str(path.relative_to(repo)) not in before]
    assert len(new) >= 5, "two of which are no objects, and a commit, a tree and a blob"
    assert {path: oct(path.stat().st_mode) for path in new if stat.S_IMODE(path.stat().st_mode) & 0o077} == {}


# git's own work for its clients.

@pytest.fixture
def mirror(tmp_path):
    (tmp_path / "mirrors").mkdir()
    repo = bare(tmp_path / "mirrors" / "repo.git")
    history(repo, 6)
    return repo


def test_fetches_under_read_only(mirror, start_gate, tmp_path, transport):
    gate = start(start_gate, mirror.parent, "--read-only", "--git-config=uploadpack.allowFilter=true",
                 transport=transport)
    git("clone", "--quiet", gate.url(), tmp_path / "whole")
    git("fsck", "--strict", cwd=tmp_path / "whole")
    git("clone", "--quiet", "--depth=2", gate.url(), tmp_path / "shallow")
    assert out("rev-list", "--count", "HEAD", cwd=tmp_path / "shallow") == "2"
    git("fetch", "--quiet", "--deepen=2", cwd=tmp_path / "shallow")
    assert out("rev-list", "--count", "HEAD", cwd=tmp_path / "shallow") == "4"
    git("clone", "--quiet", "--no-checkout", "--filter=blob:none", gate.url(), tmp_path / "partial")
    assert "?" in out("rev-list", "--objects", "--missing=print", "HEAD", cwd=tmp_path / "partial")
    git("checkout", "--quiet", "main", cwd=tmp_path / "partial")
    assert (tmp_path / "partial" / "dir5" / "file").exists()


def test_pushes(mirror, start_gate, tmp_path, transport):
    """Pushes from a whole clone, from a shallow one, and of so many objects that git keeps the pack."""
    gate = start(start_gate, mirror.parent, "--git-config=receive.unpackLimit=3", transport=transport)
    for name, options in {"whole": [], "shallow": ["--depth=1"]}.items():
        git("clone", "--quiet", *options, gate.url(), tmp_path / name)
        for i in range(4):
            commit(tmp_path / name, f"file{i}", f"{name} {i}")
        git("push", "--quiet", "origin", f"main:refs/heads/{name}", "main:refs/heads/doomed", cwd=tmp_path / name)
        git("push", "--quiet", "--delete", "origin", "doomed", cwd=tmp_path / name)
        assert refs(mirror)[f"refs/heads/{name}"] == out("rev-parse", "HEAD", cwd=tmp_path / name)
    assert list((mirror / "objects" / "pack").glob("*.pack"))
    git("fsck", "--strict", cwd=mirror)


def test_a_confined_gate_serves_after_a_refusal(small_root, start_gate):
    gate = start(start_gate, small_root)
    with gate.connect() as connection:
        connection.send(head("GET", "/nothing"))
        assert connection.response().status == 404
    check_serves(gate)
