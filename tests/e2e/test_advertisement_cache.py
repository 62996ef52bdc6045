# SPDX-License-Identifier: Apache-2.0
"""
An answer from the gate's memory equals the answer that git-http-backend would give at that moment.

The gate does not rely on a file that has just changed, since the next change might look the same. So all repositories
here rest first.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from .backends import real_exec_path
from .checks import check_error
from .gate import BACKEND, run
from .http import head
from .packets import FETCH_TYPE, PROTOCOL_2, ls_refs
from .polling import wait_until
from .repos import ENVIRONMENT, bare, git, history, run_bounded
from .targets import FETCH, INFO, INFO_PUSH

SETTLE_SECONDS = 10
VERSION_2 = "Git-Protocol: version=2"


def target(name):
    return f"/{name}.git/info/refs?service=git-upload-pack"


def ask(gate, name="repo", *fields, **named):
    """Return an advertisement, and whether it came from memory."""
    before = len(gate.request_records())
    response = gate.ask("GET", target(name), VERSION_2, *fields, **named)
    record = wait_until("the record of the request", lambda: gate.request_records()[before:])[-1]
    assert record["status"] == response.status
    return response, record.get("cached") == "yes"


def settle(gate, name="repo"):
    """Ask until the answer comes from memory; return it."""
    def kept():
        response, is_cached = ask(gate, name)
        assert response.status == 200 and response.complete
        return response if is_cached else None
    return wait_until(f"the advertisement of {name} is kept", kept, SETTLE_SECONDS)


def ask_git(root, name="repo", home=None, exec_path=None, settings=()):
    """Return git-http-backend's own answer: fields and body."""
    given = {key: value for i, setting in enumerate(settings)
             for key, value in zip((f"GIT_CONFIG_KEY_{i}", f"GIT_CONFIG_VALUE_{i}"), setting.split("=", 1))}
    environment = {"PATH": ENVIRONMENT["PATH"], "HOME": str(home or "/nonexistent"), "GIT_CONFIG_NOSYSTEM": "1",
                   "GIT_EXEC_PATH": str(exec_path or real_exec_path()), "GIT_PROJECT_ROOT": str(root),
                   "GIT_HTTP_EXPORT_ALL": "1", "REQUEST_METHOD": "GET", "PATH_INFO": f"/{name}.git/info/refs",
                   "QUERY_STRING": "service=git-upload-pack", "GIT_PROTOCOL": "version=2",
                   "GIT_CONFIG_COUNT": str(len(settings)), **given}
    if home is None:
        environment["GIT_CONFIG_GLOBAL"] = "/dev/null"
    result = run_bounded([Path(exec_path or real_exec_path()) / "git-http-backend"], seconds=20, environment=environment)
    top, _, body = result.stdout.partition(b"\r\n\r\n")
    return dict(line.split(": ", 1) for line in top.decode().lower().split("\r\n")), body


def check_same_as_git(response, *arguments, **named):
    fields, body = ask_git(*arguments, **named)
    assert response.body == body
    for name, value in fields.items():
        assert response.fields[name].lower() == value, name
    assert set(response.fields) == set(fields) | {"date", "transfer-encoding"}


DEFAULTS = ("uploadpack.allowFilter=true",)


# The changes. Each happens to a repository of its own that has settled.

def set_config(repository):
    git("config", "uploadpack.allowRefInWant", "true", cwd=repository)


def rewrite_config_in_place(repository):
    """Rewrite config with the same size and modification time, so that only the change time differs."""
    path = repository / "config"
    status = path.stat()
    text = path.read_text()
    assert "allowTipSha1InWant = 0000" in text
    with path.open("r+") as file:
        file.write(text.replace("allowTipSha1InWant = 0000", "allowRefInWant     = true"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)


def move_config_in(repository):
    text = (repository / "config").read_text()
    (repository / "new").write_text(text + "[uploadpack]\n\tallowrefinwant = true\n")
    (repository / "new").replace(repository / "config")


def add_worktree_config(repository):
    (repository / "config.worktree").write_text("[uploadpack]\n\tallowrefinwant = true\n")


def include_a_file(repository):
    (repository / "more").write_text("[uploadpack]\n\tallowrefinwant = true\n")
    with (repository / "config").open("a") as config:
        config.write("[Include]\n\tpath = more\n")


def include_if(repository):
    (repository / "more").write_text("[uploadpack]\n\tallowrefinwant = true\n")
    with (repository / "config").open("a") as config:
        config.write('[includeIf "gitdir:**"]\n\tpath = more\n')


CHANGES = [set_config, rewrite_config_in_place, move_config_in, add_worktree_config]


def remove_head(repository):
    (repository / "HEAD").unlink()


def spoil_head(repository):
    (repository / "HEAD").write_text("nothing\n")


def remove_objects(repository):
    (repository / "objects").rename(repository / "gone")


def replace_objects_by_a_file(repository):
    remove_objects(repository)
    (repository / "objects").write_text("")


def remove_refs(repository):
    shutil.rmtree(repository / "refs")


def remove_all(repository):
    repository.rename(repository.parent / f"{repository.name}.gone")


def spoil_config(repository):
    with (repository / "config").open("a") as config:
        config.write("[broken\n")


LOSSES = [remove_head, spoil_head, remove_objects, replace_objects_by_a_file, remove_refs, remove_all, spoil_config,
          include_a_file, include_if]


@pytest.fixture(scope="module")
def settled(tmp_path_factory, start_module_gate):
    """A gate for many repositories, with the advertisements of all of them in memory."""
    root = tmp_path_factory.mktemp("settled")
    for change in [*CHANGES, *LOSSES]:
        repository = bare(root / f"{change.__name__}.git")
        history(repository, 2)
        git("config", "uploadpack.allowTipSha1InWant", "0000", cwd=repository)
        git("config", "extensions.worktreeConfig", "true", cwd=repository)
    gate = start_module_gate(f"--mirror-root={root}", "--scope=*")
    for change in [*CHANGES, *LOSSES]:
        settle(gate, change.__name__)
    return gate, root


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_change_is_seen_by_the_next_request(settled, change):
    gate, root = settled
    name = change.__name__
    before = settle(gate, name)
    assert b"ref-in-want" not in before.body
    check_same_as_git(before, root, name, settings=DEFAULTS)
    change(root / f"{name}.git")
    after, is_cached = ask(gate, name)
    assert b"ref-in-want" in after.body and not is_cached
    check_same_as_git(after, root, name, settings=DEFAULTS)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_loss_is_seen_by_the_next_request(settled, loss):
    gate, root = settled
    name = loss.__name__
    settle(gate, name)
    loss(root / f"{name}.git")
    response, is_cached = ask(gate, name)
    assert not is_cached
    check_error(response, (404, 500))


# Tests that need a gate of their own.

@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("cache")
    for name in ("repo", "other"):
        history(bare(root / f"{name}.git"), 2)
    return root


@pytest.fixture(scope="module")
def gate(root, transport, start_module_gate):
    gate = start_module_gate(f"--mirror-root={root}", "--scope=repo", transport=transport)
    settle(gate)
    return gate


def test_bytes_are_those_of_git(gate, root):
    first, is_cached = ask(gate)
    assert is_cached
    check_same_as_git(first, root, settings=DEFAULTS)


def test_bytes_are_those_of_a_gate_that_keeps_nothing(gate, root, start_gate):
    other = start_gate(f"--mirror-root={root}", "--scope=repo", "--advertisement-cache=no")
    for _ in range(3):
        response, is_cached = ask(other)
        assert not is_cached
        kept = settle(gate)
        assert (response.body, {**response.fields, "date": ""}) == (kept.body, {**kept.fields, "date": ""})


def test_checks_come_first(gate):
    settle(gate)
    check_error(gate.ask("GET", INFO, VERSION_2, token=None), 401)
    check_error(gate.ask("GET", INFO, VERSION_2, token="x" * 37), 401)
    check_error(gate.ask("GET", target("other"), VERSION_2), 403)
    check_error(gate.ask("POST", INFO, VERSION_2), 405)
    check_error(gate.ask("GET", f"{INFO}&x=y", VERSION_2), 403)
    check_error(gate.ask("GET", INFO, VERSION_2, "Expect: magic"), 417)


@pytest.mark.parametrize("field", [None, "Git-Protocol: version=1", "Git-Protocol: version=2:x", "Git-Protocol: x:version=2",
                                   "Git-Protocol: version=3", "Git-Protocol: version=02"])
def test_other_protocols_are_for_git(gate, field):
    """Their answers come from git, however similar they are to the kept one."""
    before = len(gate.request_records())
    assert gate.ask("GET", INFO, *filter(None, [field])).status == 200
    record = wait_until("the record", lambda: gate.request_records()[before:])[-1]
    assert "cached" not in record


def test_pushes_are_for_git(gate):
    before = len(gate.request_records())
    assert gate.ask("GET", INFO_PUSH, VERSION_2).status == 200
    record = wait_until("the record", lambda: gate.request_records()[before:])[-1]
    assert "cached" not in record


def test_framings(gate):
    settle(gate)
    closed, is_cached = ask(gate, "repo", "Connection: close")
    assert is_cached and closed.closes and closed.complete
    with gate.connect() as connection:
        connection.send(head("GET", INFO, VERSION_2, version="1.0"))
        old = connection.response()
        assert "transfer-encoding" not in old.fields and old.body == closed.body
    with gate.connect() as connection:
        connection.send(head("GET", INFO, VERSION_2) * 50)
        assert {connection.response().body for _ in range(50)} == {closed.body}


def test_what_git_does_not_read_may_change(gate, root):
    settle(gate)
    (root / "repo.git" / "description").write_text("another one\n")
    assert ask(gate)[1]


def test_references_are_not_kept(gate, root):
    """A push does not change the advertisement in memory, but a fetch gets the new references."""
    settle(gate)
    tip = history(root / "repo.git", 1, branch="fresh", text="fresh")[-1]
    response, is_cached = ask(gate)
    assert is_cached
    listing = gate.ask("POST", FETCH, FETCH_TYPE, PROTOCOL_2, body=ls_refs())
    assert tip.encode() in listing.body and response.status == 200


def test_git_is_served_by_it(gate, tmp_path):
    settle(gate)
    before = len(gate.request_records())
    git("clone", "--quiet", gate.url(), tmp_path / "clone")
    assert "yes" in {record.get("cached") for record in gate.request_records()[before:]}
    git("fsck", cwd=tmp_path / "clone")


def test_session_ids_are_not_kept(tmp_path, start_gate):
    """With transfer.advertiseSID each answer is different."""
    history(bare(tmp_path / "root" / "repo.git"), 2)
    gate = start_gate(f"--mirror-root={tmp_path / 'root'}", "--scope=repo")
    settle(gate)
    git("config", "transfer.advertiseSID", "true", cwd=tmp_path / "root" / "repo.git")
    wait_until_settled(tmp_path / "root" / "repo.git" / "config")
    bodies = [ask(gate)[0].body for _ in range(3)]
    assert len(set(bodies)) == 3 and b"session-id=" in bodies[0]


def wait_until_settled(path):
    """Wait for longer than the settling time, so that only the file's content can be the reason."""
    wait_until("the file rests", lambda: time.time() > path.stat().st_ctime + 3)


def test_what_is_included_is_seen(tmp_path, start_gate):
    """The gate never keeps an answer that depends on a file with includes, however long the file rests."""
    history(bare(tmp_path / "root" / "repo.git"), 2)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[include]\n\tpath = more\n")
    gate = start_gate(f"--mirror-root={tmp_path / 'root'}", "--scope=repo", f"--home={home}")
    wait_until_settled(home / ".gitconfig")
    for wanted in ("true", "false", "true"):
        (home / "more").write_text(f"[uploadpack]\n\tallowrefinwant = {wanted}\n")
        response, is_cached = ask(gate)
        assert not is_cached and (b"ref-in-want" in response.body) == (wanted == "true")


@pytest.mark.parametrize("setting", ["include.path=/nonexistent", "includeIf.gitdir:**.path=/nonexistent",
                                     "transfer.advertiseSID=true"])
def test_settings_of_the_gate_that_draw_in_more(tmp_path, start_gate, setting):
    repository = bare(tmp_path / "root" / "repo.git")
    history(repository, 2)
    gate = start_gate(f"--mirror-root={tmp_path / 'root'}", "--scope=repo", f"--git-config={setting}")
    wait_until_settled(repository / "config")
    for _ in range(3):
        response, is_cached = ask(gate)
        assert response.status == 200 and not is_cached


def test_settings_of_the_gate(tmp_path, start_gate):
    repository = bare(tmp_path / "root" / "repo.git")
    history(repository, 2)
    gate = start_gate(f"--mirror-root={tmp_path / 'root'}", "--scope=repo", "--git-config=uploadpack.allowRefInWant=true")
    check_same_as_git(settle(gate), tmp_path / "root", settings=(*DEFAULTS, "uploadpack.allowRefInWant=true"))


@pytest.mark.parametrize("name", [".gitconfig", ".config/git/config"])
def test_settings_of_the_home(tmp_path, start_gate, name):
    history(bare(tmp_path / "root" / "repo.git"), 2)
    home = tmp_path / "home"
    (home / ".config" / "git").mkdir(parents=True)
    gate = start_gate(f"--mirror-root={tmp_path / 'root'}", "--scope=repo", f"--home={home}")
    check_same_as_git(settle(gate), tmp_path / "root", home=home, settings=DEFAULTS)
    (home / name).write_text("[uploadpack]\n\tallowrefinwant = true\n")
    response, is_cached = ask(gate)
    assert b"ref-in-want" in response.body and not is_cached
    check_same_as_git(settle(gate), tmp_path / "root", home=home, settings=DEFAULTS)
    (home / name).unlink()
    response, is_cached = ask(gate)
    assert b"ref-in-want" not in response.body and not is_cached


@pytest.fixture
def own_exec_path(tmp_path):
    """A folder with copies of git's programs, in a place that a confined gate may execute from."""
    folder = tmp_path / "exec"
    folder.mkdir()
    for program in real_exec_path().iterdir():
        if program.name in ("git", "git-http-backend"):
            shutil.copy2(program, folder / program.name)
        else:
            (folder / program.name).symlink_to(program)
    return folder


@pytest.mark.parametrize("name", ["git"] if BACKEND == "services" else ["git", "git-http-backend"])
def test_program_that_was_replaced(tmp_path, start_gate, own_exec_path, name):
    """An answer by a script is not kept, as another script may take its place at any time."""
    history(bare(tmp_path / "root" / "repo.git"), 2)
    gate = start_gate(f"--mirror-root={tmp_path / 'root'}", "--scope=repo", variables={"GIT_EXEC_PATH": own_exec_path})
    settle(gate)
    program = own_exec_path / name
    new = own_exec_path / "new"
    new.write_text("#!/bin/sh\nprintf 'Content-Type: text/x\\r\\n\\r\\nanother git'\n" if name == "git-http-backend" else
                   "#!/bin/sh\nprintf 'another git'\n")
    new.chmod(0o755)
    new.replace(program)
    response, is_cached = ask(gate)
    assert b"another git" in response.body and not is_cached
    wait_until_settled(program)
    assert not ask(gate)[1] and not ask(gate)[1]


# A git that knows no protocol versions, as before 2.18.
OLD_GIT = """
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char *argv[]) {
    (void)argc;
    unsetenv("GIT_PROTOCOL");
    return execv(GIT, argv);
}
"""


def test_answer_with_references_is_not_kept(tmp_path, start_gate, own_exec_path):
    """The gate keeps none, whatever the request asks for."""
    history(bare(tmp_path / "root" / "repo.git"), 2)
    program = own_exec_path / "git"
    program.rename(own_exec_path / "git-itself")
    subprocess.run(["cc", f'-DGIT="{own_exec_path / "git-itself"}"', "-xc", "-", "-o", program], check=True,
                   input=OLD_GIT, text=True)
    gate = start_gate(f"--mirror-root={tmp_path / 'root'}", "--scope=repo", variables={"GIT_EXEC_PATH": own_exec_path})
    wait_until_settled(program)
    for _ in range(3):
        response, is_cached = ask(gate)
        assert response.status == 200 and b"refs/heads/" in response.body and not is_cached


def test_folder_that_was_replaced(tmp_path, start_gate):
    """Another repository, with another object format; a confined git cannot reach it."""
    root = tmp_path / "root"
    history(bare(root / "repo.git"), 2)
    history(bare(root / "sha256", "--object-format=sha256"), 2)
    gate = start_gate(f"--mirror-root={root}", "--scope=repo")
    settle(gate)
    (root / "repo.git").rename(root / "old")
    (root / "sha256").rename(root / "repo.git")
    response, is_cached = ask(gate)
    assert not is_cached
    assert response.status == 404 or b"object-format=sha256" in response.body


def test_repository_within_the_repository(tmp_path, start_gate):
    """git-http-backend(1) also takes work trees, so git looks for .git inside first. The gate prevents that."""
    root = tmp_path / "root"
    history(bare(root / "repo.git"), 2)
    gate = start_gate(f"--mirror-root={root}", "--scope=repo")
    settle(gate)
    bare(root / "repo.git" / ".git", "--object-format=sha256")
    response, is_cached = ask(gate)
    assert not is_cached and response.status == 500


def test_owner_that_has_changed(tmp_path, start_gate):
    if os.geteuid() != 0:
        pytest.skip("needs root, who alone may give a folder away")
    root = tmp_path / "root"
    history(bare(root / "repo.git"), 2)
    gate = start_gate(f"--mirror-root={root}", "--scope=repo")
    settle(gate)
    os.chown(root / "repo.git", 65534, 65534)
    response, is_cached = ask(gate)
    assert not is_cached and response.status != 200
    if BACKEND == "services":  # git before 2.48 would refuse it, too, but later and with another word
        assert response.fields["gate-reason"] == "unsafe-repository"


def test_more_repositories_than_are_kept(tmp_path, start_gate):
    root = tmp_path / "root"
    model = bare(root / "repo0.git")
    history(model, 2)
    for i in range(1, 20):
        shutil.copytree(model, root / f"repo{i}.git")
    gate = start_gate(f"--mirror-root={root}", "--scope=*")
    for i in range(20):
        settle(gate, f"repo{i}")
    kept = [ask(gate, f"repo{i}")[1] for i in range(19, -1, -1)]
    assert kept[0] and not all(kept)


@pytest.mark.parametrize("value", ["maybe", "1", "", "YES"])
def test_option_that_is_none(small_root, value):
    result = run("serve", f"--mirror-root={small_root}", "--scope=repo", f"--advertisement-cache={value}")
    assert result.returncode == 2 and "--advertisement-cache takes" in result.stderr
