# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: the gate reads the token's file again. Clients with a valid token notice nothing, and a fault changes nothing."""

import contextlib
import os
import pty
import signal
import subprocess
import threading

import pytest

from .checks import check_error, check_serves
from .confinement import needs_confinement
from .gate import PROGRAM, WITHOUT_LEAKS, environment
from .http import TOKEN, request
from .packets import PROTOCOL_2
from .polling import wait_until
from .repos import bare, commit, git, history
from .targets import INFO

SECOND = "gate-another-one-0123456789abcdef"
THIRD = "gate-the-third-one-0123456789abcd"
READ = "the file of the token was read again"
KEPT = "the token stays as it was"
NOTHING = "there is no token to read again"


def replace(file, *tokens):
    """Put a new file in the old one's place, as a rotation does."""
    new = file.with_name("new")
    new.write_text("".join(f"{token}\n" for token in tokens))
    new.chmod(0o600)
    new.rename(file)


def reload(gate, message):
    """Send SIGHUP; return the record that answers it."""
    return gate.reload((READ, KEPT, NOTHING), message)


def status(gate, token):
    return gate.ask("GET", INFO, PROTOCOL_2, token=token).status


@pytest.fixture
def file(tmp_path):
    folder = tmp_path / "secrets"
    folder.mkdir()
    replace(folder / "token", TOKEN)
    return folder / "token"


@pytest.fixture(params=["auto", "off"])
def gate(request, small_root, start_gate, file):
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", f"--token-file={file}",
                      f"--confine={request.param}", token=None, variables=WITHOUT_LEAKS)
    yield gate
    gate.stop()
    assert not any(token in line for token in (SECOND, THIRD) for line in gate.lines)


def test_rotation(gate, file):
    """The old token is valid, then both, then the new one. The last record says how many there are, and shows none."""
    assert [status(gate, token) for token in (TOKEN, SECOND)] == [200, 401]
    replace(file, SECOND, TOKEN)
    assert [status(gate, token) for token in (TOKEN, SECOND)] == [200, 401]
    record = reload(gate, READ)
    assert (record["level"], record["tokens"], record["token_file"]) == ("notice", 2, str(file))
    assert [status(gate, token) for token in (TOKEN, SECOND, "")] == [200, 200, 401]
    gate.ask("GET", f"/{SECOND}", token=TOKEN)
    replace(file, SECOND)
    assert reload(gate, READ)["tokens"] == 1
    assert [status(gate, token) for token in (TOKEN, SECOND)] == [401, 200]


def test_kept_connection(gate, file):
    """On a kept connection, the next request with a removed token gets a 401."""
    with gate.connect() as connection:
        connection.send(request("GET", INFO, PROTOCOL_2))
        assert connection.response("GET").status == 200
        replace(file, SECOND)
        reload(gate, READ)
        connection.send(request("GET", INFO, PROTOCOL_2))
        check_error(connection.response("GET"), 401)


@pytest.mark.parametrize("content, words", [
    (None, ["cannot be read", "No such file"]),
    ("", ["is empty"]),
    ("two words\n", ["the first line"]),
    ("x" * 256 + "\n", ["the first line"]),
    (f"{SECOND}\nwith:colon\n", ["the second line"]),
    (f"{SECOND}\n{THIRD}\n{TOKEN}\n", ["the third line"]),
    ("folder", ["names a folder"]),
    ("fifo", ["something else than a file"]),
])
def test_fault_keeps_the_old_one(gate, file, content, words):
    """The record names the remedy. The gate does not wait for a pipe, and reads the mended file again."""
    file.unlink()
    if content == "folder":
        file.mkdir()
    elif content == "fifo":
        os.mkfifo(file)
    elif content is not None:
        file.write_text(content)
    record = reload(gate, KEPT)
    assert record["level"] == "error" and all(word in record["error"] for word in words), record
    assert "SIGHUP again" in record["message"]
    assert [status(gate, token) for token in (TOKEN, SECOND, THIRD)] == [200, 401, 401]
    if content == "folder":
        file.rmdir()
    replace(file, SECOND)
    reload(gate, READ)
    assert [status(gate, token) for token in (TOKEN, SECOND)] == [401, 200]


def test_file_that_may_not_be_read(gate, file):
    if os.geteuid() == 0 and not any(record.get("capabilities") == "dropped" for record in gate.records):
        pytest.skip("root reads every file")
    file.chmod(0)
    assert "permission denied" in reload(gate, KEPT)["error"]
    assert status(gate, TOKEN) == 200


def test_links(small_root, start_gate, tmp_path):
    """Kubernetes mounts a secret like this: a link leads by a link to the folder, which another link replaces."""
    def publish(name, token):
        (tmp_path / name).mkdir()
        (tmp_path / name / "token").write_text(f"{token}\n")
        (tmp_path / "new").symlink_to(name)
        (tmp_path / "new").rename(tmp_path / "..data")
    publish("..1", TOKEN)
    (tmp_path / "token").symlink_to("..data/token")
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", f"--token-file={tmp_path}/token", token=None)
    publish("..2", SECOND)
    reload(gate, READ)
    assert [status(gate, token) for token in (TOKEN, SECOND)] == [401, 200]


@needs_confinement
def test_link_to_elsewhere(small_root, start_gate, tmp_path):
    """Only Landlock denies the file. The sentence does not blame the file's mode."""
    for name, token in (("one", TOKEN), ("two", SECOND)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "token").write_text(f"{token}\n")
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "token"
    link.symlink_to(tmp_path / "one" / "token")
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", f"--token-file={link}", "--confine=auto", token=None,
                      variables=WITHOUT_LEAKS)
    link.unlink()
    link.symlink_to(tmp_path / "two" / "token")
    assert "start git-gate anew" in reload(gate, KEPT)["error"]
    assert [status(gate, token) for token in (TOKEN, SECOND)] == [200, 401]


@needs_confinement
def test_no_hook_reads_it(tmp_path, start_gate, file):
    """Only the gate may read it. git and hooks see neither the file nor its folder, and everything else as usual."""
    root = tmp_path / "mirrors"
    history(bare(root / "repo.git"), 1)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    said = root / "repo.git" / "said"
    (hooks / "pre-receive").write_text(f"""#!/bin/sh
exec >'{said}' 2>&1
cat '{file}' || echo no file
ls '{file.parent}' || echo no folder
cat HEAD && ls objects && mv said said-2 && mkdir folder && rmdir folder && git rev-parse HEAD && echo all else
:
""")
    (hooks / "pre-receive").chmod(0o755)
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", f"--token-file={file}", f"--hooks-path={hooks}",
                      "--confine=auto", token=None, variables=WITHOUT_LEAKS)
    git("clone", "--quiet", gate.url(), tmp_path / "work")
    commit(tmp_path / "work", "file", "content")
    git("push", "--quiet", "origin", "HEAD:new", cwd=tmp_path / "work")
    text = said.with_name("said-2").read_text()
    assert "no file\n" in text and "no folder\n" in text and "all else\n" in text and TOKEN not in text, text
    replace(file, SECOND)
    reload(gate, READ)


@pytest.mark.parametrize("how", ["environment", "minted", "standard input", "pipe"])
def test_nothing_to_read_again(small_root, start_gate, how):
    """The record says that there is nothing to read. The gate goes on with its token."""
    reader, writer = os.pipe()
    os.write(writer, f"{TOKEN}\n{SECOND}\n".encode())
    os.close(writer)
    option = {"standard input": ["--token-file=-"], "pipe": ["--token-file=/dev/stdin"]}.get(how, [])
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", *option, stdin=reader,
                      token=TOKEN if how == "environment" else None)
    os.close(reader)
    assert reload(gate, NOTHING)["level"] == "notice"
    if how != "minted":
        assert [status(gate, token) for token in (TOKEN, SECOND)] == [200, 401]
    gate.signal(signal.SIGHUP)
    gate.stop()


def test_credential(small_root, start_gate, tmp_path):
    file = tmp_path / "git-gate.token"
    replace(file, TOKEN)
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", token=None,
                      variables={"CREDENTIALS_DIRECTORY": tmp_path})
    replace(file, SECOND, TOKEN)
    reload(gate, READ)
    assert [status(gate, token) for token in (TOKEN, SECOND)] == [200, 200]
    file.write_text("")
    assert "the credential git-gate.token" in reload(gate, KEPT)["error"]


def test_rotation_under_clones(gate, file, tmp_path):
    """During the whole rotation no clone fails, first with the old token and then with the new one."""
    failures = []
    tokens = [TOKEN]
    ended = threading.Event()
    counts = [0, 0]

    def client(number):
        while not ended.is_set():
            folder = tmp_path / f"clone-{number}-{counts[number]}"
            result = git("clone", "--quiet", gate.url(user=f"x:{tokens[-1]}"), folder, ok=None)
            if result.returncode != 0:
                failures.append(result.stderr)
            counts[number] += 1
    clients = [threading.Thread(target=client, args=(number,)) for number in range(len(counts))]
    with contextlib.ExitStack() as stack:
        for thread in clients:
            thread.start()
            stack.callback(thread.join)
        stack.callback(ended.set)
        for old, new in ((TOKEN, SECOND), (SECOND, THIRD)):
            replace(file, new, old)
            reload(gate, READ)
            tokens.append(new)
            passed = [count + 2 for count in counts]  # by then no client has the old one
            wait_until("clones", lambda: all(now >= then for now, then in zip(counts, passed)), 60)
            replace(file, new)
            reload(gate, READ)
    assert failures == [] and [status(gate, token) for token in (TOKEN, SECOND, THIRD)] == [401, 401, 200]


def test_running_request_goes_on(small_root, start_gate, file):
    """SIGHUP ends nothing: neither the gate nor a request in the middle of its body."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", f"--token-file={file}", token=None)
    with gate.connect() as connection:
        whole = request("GET", INFO, PROTOCOL_2)
        connection.send(whole[:-4])
        replace(file, TOKEN, SECOND)
        reload(gate, READ)
        connection.send(whole[-4:])
        assert connection.response("GET").status == 200
    check_serves(gate)


def test_end_of_the_terminal(small_root):
    """A gate ends when its terminal is closed, as if SIGHUP had no other meaning. Nobody would see it otherwise."""
    leader, follower = pty.openpty()
    process = subprocess.Popen([PROGRAM, "serve", f"{small_root}/repo.git"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=follower, env=environment(GIT_GATE_TOKEN=TOKEN, **WITHOUT_LEAKS),
                               start_new_session=True)
    try:
        os.close(follower)
        assert process.stdout.readline().startswith(b"listening ")
        os.close(leader)
        process.send_signal(signal.SIGHUP)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
