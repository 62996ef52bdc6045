# SPDX-License-Identifier: Apache-2.0
"""git-gate check: its findings about a gate that serves and its repository, its options, and its streams."""

import functools
import os
import re
import subprocess
from pathlib import Path

import pytest

from .check_verb import (  # noqa: F401  # the fixture
    NOT_SERVED, SERVED, USAGE, check_fails, check_served, serve_repo, started, where)
from .gate import PROGRAM, environment, run
from .http import TOKEN
from .repos import bare, git
from .users import public_copy, run_as_another


# Served requests.

def test_served_on_a_port(serve):
    gate = serve()
    assert check_served(where(gate)).findings["reachable"] == f"http://127.0.0.1:{gate.port}"
    check_served(f"--url=http://127.0.0.1:{gate.port}", "--repo=repo")
    check_served("--url", f"http://localhost:{gate.port}/", "--repo", "repo.git")
    gate.stop()
    requests = [(record["status"], record["service"]) for record in gate.request_records()]
    assert requests == [(200, "git-upload-pack")] * 3, "one request each, with the token at once"


def test_served_on_ipv6(serve):
    gate = serve("--listen=[::1]:0", transport=None)
    assert check_served(where(gate)).findings["reachable"] == f"http://[::1]:{gate.port}"


def test_served_on_a_socket(serve):
    gate = serve(transport="unix")
    found = check_served(f"--socket={gate.socket_path}", "--repo=repo").findings
    assert found["reachable"] == f"unix:{gate.socket_path}"
    check_served(f"--socket={found['reachable']}", "--repo=repo")
    check_served("--repo=repo", GIT_GATE_SOCKET=gate.socket_path)
    check_served(f"--socket={gate.socket_path}", "--repo=repo", GIT_GATE_SOCKET="/nowhere")


def test_served_read_only(serve):
    check_served(where(serve("--read-only")))


def test_served_whichever_repository_of_all(serve):
    check_served(where(serve("--scope=*")))


def test_served_at_the_greatest_number_of_connections(serve):
    """A connection without a proven token does not make a gate look ill."""
    gate = serve("--max-connections=2")
    with gate.connect() as first, gate.connect() as second:
        check_served(where(gate))
        assert first.is_closed() or second.is_closed()


def test_served_to_an_ordinary_user_with_nothing_but_the_socket(root, start_gate, tmp_path):
    """A user in a container has no HOME, no PATH with git on it, and an empty working directory."""
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", transport="unix")
    check_served(f"--socket={gate.socket_path}", "--repo=repo", cwd=tmp_path, PATH="/nonexistent")


# The source of the token.

def test_token_from_everywhere(serve, tmp_path):
    gate = serve()
    (tmp_path / "token").write_text(TOKEN + "\n")
    (tmp_path / "git-gate.token").write_text(TOKEN + "\n")
    file = tmp_path / "token"
    file.chmod(0o600)
    check_served(where(gate), f"--token-file={file}", token=None)
    check_served(where(gate), f"--token-file={file}", token="wrong")
    check_served(where(gate), "--token-file=-", token=None, data=TOKEN + "\n")
    check_served(f"--url={gate.url()}", token=None)
    check_served(f"--url={gate.url()}", token="wrong")
    for user in (TOKEN.replace("-", "%2D"), f"{TOKEN}:", f"{TOKEN}:x-oauth-basic", f":{TOKEN}", f"oauth2:{TOKEN}",
                 "x:" + TOKEN.replace("-", "%2D")):
        check_served(f"--url={gate.url(user=user)}", token=None)
    check_served(where(gate), token=None, GIT_GATE_TOKEN_FILE=file)
    check_served(where(gate), GIT_GATE_TOKEN_FILE="/nowhere")
    check_served(where(gate), token=None, CREDENTIALS_DIRECTORY=tmp_path)
    check_served(where(gate), token=None, GIT_GATE_TOKEN_FILE=file, CREDENTIALS_DIRECTORY="/nowhere")


@pytest.mark.parametrize("length", [1, 2, 3, 255])
def test_token_of_any_length(serve, length):
    """Base64 has three possible endings."""
    token = ("".join(chr(c) for c in range(33, 127) if c != ord(":")) * 3)[:length]
    check_served(where(serve(token=token)), token=token)


# Wrong usage.

@pytest.mark.parametrize("words, arguments", [
    (["--url", "--socket", "--repo"], ["repo"]),
    (["--url"], [f"http://x:{TOKEN}@127.0.0.1:1/repo.git"]),
    (["--timeout"], ["--timeout=1"]),
    (["--token "], [f"--token={TOKEN}"]),
    (["--url"], ["--url"]),
    (["--socket"], ["--socket="]),
    (["--repo"], []),
    (["--repo"], ["--url=http://127.0.0.1:1"]),
    (["--repo", "--url"], ["--url=http://127.0.0.1:1/repo.git", "--repo=repo"]),
    (["--repo"], ["--repo=a/b"]),
    (["--repo"], ["--repo=.git/"]),
    (["--repo"], [f"--repo=http://x:{TOKEN}@127.0.0.1:1/repo.git"]),
    (["--socket", "--url"], ["--socket=/s", f"--url=http://x:{TOKEN}@127.0.0.1:1/repo.git"]),
    (["--url"], [f"--socket=http://x:{TOKEN}@127.0.0.1:1/repo.git", "--repo=repo"]),
    (["--url=http://127.0.0.1:1"], ["--socket=127.0.0.1:1", "--repo=repo"]),
    (["--socket", "107"], ["--socket=/" + "x" * 107, "--repo=repo"]),
    (["http://"], [f"--url=https://{TOKEN}:@127.0.0.1:1/repo.git"]),
    (["http://"], [f"--url={TOKEN}"]),
    (["loopback"], [f"--url=http://x:{TOKEN}@10.0.0.1:1/repo.git"]),
    (["loopback"], [f"--url=http://x:{TOKEN}@example.org/repo.git"]),
    (["port is not a number"], [f"--url=http://127.0.0.1:{TOKEN}/repo.git"]),
    (["--url", "user"], [f"--url=http://{TOKEN}%zz:@127.0.0.1:1/repo.git"]),
    (["--url", ".git"], [f"--url=http://127.0.0.1:1/{TOKEN}"]),
    (["--token-file", "--url"], [f"--url=http://x:{TOKEN}@127.0.0.1:1/repo.git", "--token-file=-"]),
    (["--token-file"], [f"--token-file={TOKEN}", "--repo=repo"]),
    (["--token-file"], ["--token-file=/etc/os-release", "--repo=repo"]),
    (["--token-file"], ["--token-file=-", "--repo=repo"]),
])
def test_bad_usage(words, arguments):
    assert check_fails(words, *arguments, status=USAGE).stdout == ""


def test_bad_token_from_elsewhere(tmp_path):
    """With no argument at all, the message lists the options."""
    for words, variables in ((["--token-file", "GIT_GATE_TOKEN", "GIT_GATE_TOKEN_FILE"], {}),
                             (["GIT_GATE_TOKEN"], {"token": "two words"}), (["GIT_GATE_TOKEN"], {"token": ""}),
                             (["GIT_GATE_TOKEN_FILE"], {"GIT_GATE_TOKEN_FILE": TOKEN}),
                             (["GIT_GATE_TOKEN is the path", "GIT_GATE_TOKEN_FILE"], {"token": f"{tmp_path}/token"}),
                             (["GIT_GATE_TOKEN_FILE names a folder"], {"GIT_GATE_TOKEN_FILE": tmp_path}),
                             (["GIT_GATE_TOKEN_FILE=/dev/null is empty"], {"GIT_GATE_TOKEN_FILE": "/dev/null"}),
                             (["--token-file"], {"CREDENTIALS_DIRECTORY": tmp_path / "nowhere"})):
        check_fails(words, "--repo=repo", status=USAGE, **{"token": None, **variables})
    (tmp_path / "git-gate.token").write_text("two words\n")
    check_fails(["git-gate.token"], "--repo=repo", status=USAGE, token=None, CREDENTIALS_DIRECTORY=tmp_path)


def test_help():
    for arguments in (["--help"], ["-h"], ["--repo=repo", "--help"]):
        result = run("check", *arguments)
        assert (result.returncode, result.stderr) == (0, "")
        assert set(re.findall(r"^  (--[a-z-]+)", result.stdout, re.MULTILINE)) == {
            "--socket", "--url", "--token-file", "--repo", "--mirror-root"}
    assert "git-gate check" in run("--help").stdout


# Its own standard streams.

def test_standard_output_that_is_full(serve):
    gate = serve()
    with open("/dev/full", "w", encoding="ascii") as full, started(where(gate), stdout=full) as process:
        assert "standard output" in process.communicate(timeout=20)[1]
    assert process.returncode == NOT_SERVED


def test_standard_output_that_nobody_reads(serve):
    """A message and an exit status report the fault, not a signal."""
    gate = serve()
    reader, writer = os.pipe()
    os.close(reader)
    with started(where(gate), stdout=writer) as process:
        os.close(writer)
        assert "standard output" in process.communicate(timeout=20)[1]
    assert process.returncode == NOT_SERVED


def test_standard_output_that_is_closed(serve):
    gate = serve()
    with started(where(gate), stdout=None, preexec_fn=lambda: os.close(1)) as process:
        assert "standard output" in process.communicate(timeout=20)[1]
    assert process.returncode == NOT_SERVED


def test_token_is_not_minted_into_nothing():
    """mint opens a descriptor that cannot be written in place of a closed standard output."""
    result = subprocess.run([PROGRAM, "mint"], env=environment(), stderr=subprocess.PIPE, text=True, timeout=30,
                            preexec_fn=lambda: os.close(1), check=False)
    assert result.returncode == NOT_SERVED and "standard output" in result.stderr


def test_closed_standard_error_changes_nothing(serve):
    gate = serve()
    for user, status in ((f"{TOKEN}:", SERVED), ("x:", NOT_SERVED)):
        with started(f"--url={gate.url(user=user)}", stderr=None, preexec_fn=lambda: os.close(2)) as process:
            assert "reachable" in process.communicate(timeout=20)[0]
        assert process.returncode == status


# Findings in the repository.

def test_repository_is_looked_into(root, start_gate):
    def look(gate):
        result = run("check", f"--url={gate.url(user=None)}", f"--mirror-root={root}", GIT_GATE_TOKEN=TOKEN)
        return result.returncode, result.stdout

    def set_config(*settings):
        for setting in settings:
            git("config", *setting.split("="), cwd=root / "repo.git")
    start = functools.partial(start_gate, f"--mirror-root={root}", "--scope=repo")
    status, said = look(start())
    assert status == 0 and "\nsafe to serve: yes\nlock files: 0\n" in said
    set_config("core.repositoryFormatVersion=1", "extensions.partialClone=origin", "remote.origin.promisor=true")
    gate = start()
    status, said = look(gate)
    assert status == 0 and "\nsafe to serve: yes\npartial clone: yes, " in said and "--refetch" in said
    set_config("hook.x.command=true")
    status, said = look(gate)
    assert status == 1 and "\nsafe to serve: no, " in said and "hook.x.command" in said


def test_repository_that_cannot_be_read_is_not_called_safe(serve):
    """Another user's view does not tell what the gate's user would serve."""
    with public_copy(PROGRAM) as program:
        mirrors = Path(program).parent
        repository = bare(mirrors / "repo.git")
        (repository / "config").write_text("[hook \"x\"]\n\tcommand = true\n")
        (repository / "config").chmod(0o600)
        result = run_as_another(program, "check", f"--url={serve().url(user=None)}", f"--mirror-root={mirrors}",
                                env=environment(GIT_GATE_TOKEN=TOKEN))
    assert "\nsafe to serve: unknown, " in result.stdout and "user who runs the gate" in result.stdout, result.stdout


def test_misspelt_option_of_the_look_into_a_repository():
    assert "--mirror-root" in run("check", "--miror-root=/srv").stderr
