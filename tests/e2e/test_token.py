# SPDX-License-Identifier: Apache-2.0
"""The token's sources, and the places where it must never go: processes, environments, the log, responses."""

import os
import pty
import re
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from .checks import check_error
from .gate import BACKEND, LISTENING, PROGRAM, environment, run
from .http import TOKEN, basic, head
from .packets import FETCH_TYPE, PUSH_TYPE
from .polling import wait_until
from .repos import ENVIRONMENT, git, out, run_bounded
from .targets import FETCH, INFO, PUSH
from .users import ANOTHER, public_copy, run_as_another

LONG_TOKEN = "".join(chr(c) for c in range(33, 127) if c != ord(":")) * 2 + "x" * 69
CLONE_LINE = re.compile(r"git clone (http://x:([!-~]+)@127\.0\.0\.1:[0-9]+/repo\.git)")


def check_token(gate, token):
    assert gate.ask("GET", INFO, token=token).status == 200
    check_error(gate.ask("GET", INFO, token="x" * 37), 401)
    assert len(gate.output) == 1 and token not in "".join(gate.lines)


def options(root, *more):
    return [f"--mirror-root={root}", "--scope=repo", *more]


@pytest.mark.parametrize("content", [f"{TOKEN}\n", TOKEN, f"{TOKEN}\n\n\n"])
def test_from_a_file(small_root, start_gate, tmp_path, content):
    (tmp_path / "token").write_text(content)
    gate = start_gate(*options(small_root, f"--token-file={tmp_path}/token"), token=None)
    check_token(gate, TOKEN)


def test_two_from_a_file(small_root, start_gate, tmp_path):
    """Both are valid, and neither is logged. A client uses the first one, whatever follows it."""
    second = "gate-another-one-" + "0" * 16
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n{second}\n")
    file.chmod(0o600)
    gate = start_gate(*options(small_root, f"--token-file={file}"), token=None)
    for user in (TOKEN, second):
        check_token(gate, user)
        assert gate.ask("GET", f"/repo.git/{user}", token=user).status == 404
    checked = run("check", f"--url=http://127.0.0.1:{gate.port}", "--repo=repo", f"--token-file={file}")
    assert checked.returncode == 0, checked.stderr
    file.write_text(f"{second}\nno token, and nothing to a client\n")
    checked = run("check", f"--url=http://127.0.0.1:{gate.port}", "--repo=repo", f"--token-file={file}")
    assert checked.returncode == 0, checked.stderr


def test_from_standard_input(small_root, start_gate):
    reader, writer = os.pipe()
    os.write(writer, f"{TOKEN}\n".encode())
    os.close(writer)
    gate = start_gate(*options(small_root, "--token-file=-"), token=None, stdin=reader)
    os.close(reader)
    check_token(gate, TOKEN)


def test_from_the_environment(small_root, start_gate):
    check_token(start_gate(*options(small_root), token="from-the-environment"), "from-the-environment")


# Becomes a program whose environment has a variable twice. No shell can make that.
TWICE = """
import ctypes, os, sys
def strings(values):
    return (ctypes.c_char_p * (len(values) + 1))(*map(os.fsencode, values), None)
environ = [f"{name}={value}" for name, value in os.environ.items()]
environ.append(next(entry for entry in environ if entry.startswith("GIT_GATE_TOKEN=")) + "-again")
ctypes.CDLL(None).execve(os.fsencode(sys.argv[1]), strings(sys.argv[1:]), strings(environ))
"""


def test_environment_of_the_gate_does_not_show_it(small_root, start_gate):
    gate = start_gate(*options(small_root, "--confine=off"), program=(sys.executable, "-c", TWICE, PROGRAM))
    check_token(gate, TOKEN)
    environ = Path(f"/proc/{gate.pid}/environ").read_bytes()
    assert environ.count(b"GIT_GATE_TOKEN=") == 2 and TOKEN.encode() not in environ and b"-again" not in environ


def test_from_systemd_credentials(small_root, start_gate, tmp_path):
    (tmp_path / "git-gate.token").write_text(f"{TOKEN}\n")
    gate = start_gate(*options(small_root), token=None, variables={"CREDENTIALS_DIRECTORY": tmp_path})
    check_token(gate, TOKEN)


@pytest.mark.parametrize("folder", ["{0}/file", "{0}/loop", "{0}/loops", "{0}/folder", "x" * 5000])
def test_credential_that_cannot_be_read(small_root, tmp_path, folder):
    """An unreadable credential is an error. The user would not know a token minted in its place."""
    (tmp_path / "file").write_text("no folder\n")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "loops").mkdir()
    (tmp_path / "loops" / "git-gate.token").symlink_to("git-gate.token")
    (tmp_path / "folder" / "git-gate.token").mkdir(parents=True)
    result = run("serve", *options(small_root, "--listen=127.0.0.1:0"), CREDENTIALS_DIRECTORY=folder.format(tmp_path))
    assert (result.returncode, result.stdout) == (2, "") and "git-gate.token" in result.stderr


def test_minted_beside_other_credentials(small_root, start_gate, tmp_path):
    (tmp_path / "other").write_text("x")
    gate = start_gate(*options(small_root), token=None, variables={"CREDENTIALS_DIRECTORY": tmp_path})
    wait_until("the second line", lambda: len(gate.output) == 2)


@pytest.mark.parametrize("mode, told", [(0o600, False), (0o400, False), (0o700, False), (0o640, True), (0o604, True),
                                        (0o622, True), (0o644, True)])
def test_file_that_others_may_read(small_root, start_gate, tmp_path, mode, told):
    """The gate and its check name the file, its mode and the remedy; both go on."""
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(mode)
    gate = start_gate(*options(small_root, f"--token-file={file}"), token=None)
    told_by_gate = [record for record in gate.records if "token_file" in record]
    assert [(record["level"], record["token_file"], record["mode"], "chmod 600" in record["message"])
            for record in told_by_gate] == [("warning", str(file), f"{mode:04o}", True)] * told
    for how in ({"arguments": [f"--token-file={file}"]}, {"variables": {"GIT_GATE_TOKEN_FILE": file}}):
        result = run("check", f"--url=http://127.0.0.1:{gate.port}", "--repo=repo", *how.get("arguments", ()),
                     **how.get("variables", {}))
        assert result.returncode == 0 and result.stderr.count("\n") == told
        assert not told or all(word in result.stderr for word in (str(file), f"{mode:04o}", "chmod 600")), result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize("owner, mode, mends", [
    (0, 0o640, None), (0, 0o440, None), (0, 0o660, "chmod g-w,o="), (0, 0o644, "chmod g-w,o="), (0, 0o642, "chmod g-w,o="),
    (12345, 0o640, "chown"), (12345, 0o040, "chown"), (ANOTHER, 0o600, None), (ANOTHER, 0o640, "chmod 600")])
def test_file_of_somebody_else(owner, mode, mends):
    """This user's group may read a file of root. A third user as owner can change the mode at any time."""
    with tempfile.TemporaryDirectory() as name, public_copy(PROGRAM) as program:
        file = Path(name) / "token"
        file.write_text(f"{TOKEN}\n")
        file.chmod(mode)
        os.chown(file, owner, ANOTHER)
        Path(name).chmod(0o755)
        result = run_as_another(program, "check", "--url=http://127.0.0.1:1", "--repo=repo", f"--token-file={file}",
                                env=environment())
    assert (result.returncode, result.stdout) == (1, "reachable: no\n"), result.stderr
    warnings = [line for line in result.stderr.splitlines() if line.startswith("git-gate: warning: ")]
    assert [f"'{file}' belongs to uid {owner} and has mode {mode:04o}" in line and f" {mends} it" in line
            for line in warnings] == [True] * bool(mends), result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_file_of_a_third_user_is_told_by_the_gate(small_root, start_gate, tmp_path):
    """Root can read the file, but its owner can, too."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "token").chmod(0o600)
    os.chown(tmp_path / "token", 12345, 12345)
    gate = start_gate(*options(small_root, f"--token-file={tmp_path}/token"), token=None)
    record, = (record for record in gate.records if "token_file" in record)
    assert (record["level"], record["owner"], record["mode"]) == ("warning", 12345, "0600")
    assert "chown" in record["message"]


def test_file_beside_the_credentials(small_root, start_gate, tmp_path):
    """systemd protects only its own files in its folder."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "token").chmod(0o644)
    gate = start_gate(*options(small_root, f"--token-file={tmp_path}/folder/../token"), token=None,
                      variables={"CREDENTIALS_DIRECTORY": tmp_path / "folder"})
    assert [record["mode"] for record in gate.records if "token_file" in record] == ["0644"]


@pytest.mark.parametrize("how", ["credential", "file of the credentials", "pipe", "standard input"])
def test_modes_that_tell_nothing(small_root, start_gate, tmp_path, how):
    """systemd protects credentials by other means, and nobody else can read a pipe."""
    (tmp_path / "git-gate.token").write_text(f"{TOKEN}\n")
    (tmp_path / "git-gate.token").chmod(0o444)
    reader, writer = os.pipe()
    os.write(writer, f"{TOKEN}\n".encode())
    os.close(writer)
    option = {"credential": [], "file of the credentials": [f"--token-file={tmp_path}/git-gate.token"],
              "pipe": ["--token-file=/dev/stdin"], "standard input": ["--token-file=-"]}[how]
    variables = {"CREDENTIALS_DIRECTORY": tmp_path} if "credential" in how else {}
    gate = start_gate(*options(small_root, *option), token=None, variables=variables, stdin=reader)
    os.close(reader)
    check_token(gate, TOKEN)
    assert not [record for record in gate.records if "token_file" in record]


def test_file_that_nobody_can_mend(small_root, start_gate, tmp_path):
    """A secret mounted into a container cannot be changed there."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "token").chmod(0o444)
    gate = start_gate(*options(small_root), token=TOKEN)
    command = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", tmp_path, tmp_path, PROGRAM, "check", "--repo=repo",
               f"--url=http://127.0.0.1:{gate.port}", f"--token-file={tmp_path}/token"]
    if not shutil.which("bwrap") or run_bounded([*command[:7], "true"], seconds=10).returncode != 0:
        pytest.skip("needs bwrap(1), and that it may do something")
    result = run_bounded(command, seconds=30, environment=environment())
    assert (result.returncode, result.stderr) == (0, "")


def journal():
    """Both ends of a pipe in place of systemd's journal, and the variable that tells a service of it."""
    reader, writer = os.pipe()
    status = os.fstat(writer)
    return reader, writer, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}


def test_not_minted_for_the_journal(small_root, start_gate):
    """The journal would keep the token, and show it to others."""
    reader, writer, variables = journal()
    gate = start_gate(*options(small_root), token=None, variables=variables, stdout=writer, wait=False, log_format=None)
    os.close(writer)
    assert gate.wait() == 2
    gate.err.join()
    assert "journal" in "".join(gate.lines) and "--token-file" in "".join(gate.lines)
    assert os.read(reader, 100) == b""
    os.close(reader)


def test_with_a_token_the_journal_gets_the_address_alone(small_root, start_gate):
    reader, writer, variables = journal()
    gate = start_gate(*options(small_root), variables=variables, stdout=writer, wait=False)
    os.close(writer)
    assert LISTENING.fullmatch(os.read(reader, 4096).decode().rstrip("\n"))
    gate.stop()
    assert os.read(reader, 100) == b""
    os.close(reader)


def test_of_the_greatest_length_and_all_letters(small_root, start_gate):
    assert len(LONG_TOKEN) == 255
    gate = start_gate(*options(small_root), token=LONG_TOKEN)
    check_token(gate, LONG_TOKEN)
    check_error(gate.ask("GET", INFO, token=LONG_TOKEN[:-1]), 401)
    check_error(gate.ask("GET", INFO, token=LONG_TOKEN + "x"), 401)


def test_short_token_is_a_warning(small_root, start_gate):
    """The gate uses it all the same. The warning names the remedy, and not the token."""
    gate = start_gate(*options(small_root), token="~Qz{9|")
    check_token(gate, "~Qz{9|")
    gate.stop()
    warnings = [record for record in gate.records if record["level"] == "warning"]
    assert any("token" in record["message"] for record in warnings)
    gate = start_gate(*options(small_root), token="~Qz{9|~Qz{9|~Qz{")
    gate.stop()
    assert not [record for record in gate.records if record["level"] == "warning"]


def test_minted_when_none_is_given(small_root, start_gate, tmp_path):
    """Only a minted token brings a second line, a command that works unchanged."""
    gate = start_gate(*options(small_root), token=None)
    wait_until("the second line", lambda: len(gate.output) == 2)
    match = CLONE_LINE.fullmatch(gate.output[1])
    assert match and re.fullmatch(r"gate-[0-9a-f]{32}", match.group(2)), gate.output
    gate.token = match.group(2)
    git(*gate.output[1].split()[1:], tmp_path / "clone")
    other = start_gate(*options(small_root), token=None)
    wait_until("the second line", lambda: len(other.output) == 2)
    assert match.group(2) not in other.output[1]


def two_lines(controller):
    """The first two lines that a terminal gets."""
    text = b""
    while text.count(b"\n") < 2:
        text += os.read(controller, 4096)
    return text.decode().replace("\r\n", "\n").splitlines()


def test_terminal_gets_the_command(small_root, start_gate):
    """On a terminal a person reads, so the command is printed even for an old token."""
    controller, terminal = pty.openpty()
    gate = start_gate(*options(small_root), stdout=terminal, wait=False)
    os.close(terminal)
    first, second = two_lines(controller)
    assert LISTENING.fullmatch(first)
    assert CLONE_LINE.fullmatch(second).group(2) == TOKEN
    gate.stop()
    os.close(controller)


def test_command_for_a_unix_socket(small_root, start_gate, tmp_path):
    """Pasted into a shell the command works unchanged, whatever characters the path and the token have."""
    controller, terminal = pty.openpty()
    path = tmp_path / "it's a $folder; ~`" / "gate.sock"
    token = "~$it's\"a`token;&|<>*?#\\!{}"
    gate = start_gate(*options(small_root, f"--socket={path}"), transport=None, token=token, stdout=terminal, wait=False)
    os.close(terminal)
    first, second = two_lines(controller)
    assert first == f"listening unix:{path}" and second.endswith(" git clone gate:///repo.git")
    result = run_bounded(["sh", "-c", second], seconds=60, cwd=tmp_path, environment=ENVIRONMENT)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "repo" / ".git").is_dir()
    gate.stop()
    os.close(controller)


# Where it must not go.

DUMP = """
cat "/proc/$$/environ" >"$here/environ"
tr '\\0' ' ' <"/proc/$$/cmdline" >"$here/cmdline"
for fd in /proc/$$/fd/*; do readlink "$fd"; done >"$here/descriptors"
while IFS= read -r line; do echo "$line"; done <"/proc/$$/status" >"$here/status" # without a fork: dash blocks signals
"""
ALLOWED = re.compile(
    r"PATH|GIT_EXEC_PATH|HOME|TMPDIR|XDG_CONFIG_HOME|LC_ALL|LANG|GIT_CONFIG_\w+|GIT_PROJECT_ROOT|GIT_HTTP_\w+|GIT_PROTOCOL|"
    r"GIT_ATTR_NOSYSTEM|GIT_NO_\w+|GIT_TERMINAL_PROMPT|GATEWAY_INTERFACE|SERVER_\w+|REQUEST_METHOD|PATH_INFO|"
    r"PATH_TRANSLATED|QUERY_STRING|SCRIPT_NAME|CONTENT_TYPE|GIT_COMMITTER_(NAME|EMAIL)|REMOTE_(USER|ADDR|HOST|PORT)|AUTH_TYPE|HTTP_\w+")


@pytest.fixture(params=["environment", "file"])
def dumped(request, gate_with, tmp_path):
    """A gate that has served a fetch and a push, and whose children recorded their environment."""
    (tmp_path / "token").write_text(TOKEN)
    from_file = request.param == "file"
    more = [f"--token-file={tmp_path}/token"] if from_file else []
    leaks = {"LEAK": "leak", "GIT_DIR": "/leak", "CREDENTIALS_DIRECTORY": tmp_path, "HOME": "/leak",
             "GIT_TRACE": "/leak", "LD_LIBRARY_PATH": "/leak", "XDG_CONFIG_HOME": "/leak"}
    gate, exec_path = gate_with(DUMP, "--allow-path=/proc", *more, token=None if from_file else TOKEN, variables=leaks)
    gate.token = TOKEN
    response = gate.ask("POST", PUSH, PUSH_TYPE, "X-Secret: header", "Cookie: cookie", "Proxy: proxy", body=b"0000")
    assert response.status == 200
    return gate, exec_path


def test_not_in_a_child(dumped):
    """The gate builds a child's environment from nothing, so it must have no unexpected variable."""
    gate, exec_path = dumped
    entries = (exec_path.path / "environ").read_text().rstrip("\0").split("\0")
    environ = dict(entry.split("=", 1) for entry in entries)
    assert TOKEN not in str(environ) and basic()[25:] not in str(environ)
    assert [name for name in environ if not ALLOWED.fullmatch(name)] == []
    assert "leak" not in str(environ) and "cookie" not in str(environ) and "CONTENT_LENGTH" not in environ
    assert "HTTP_AUTHORIZATION" not in environ and "HTTP_PROXY" not in environ
    assert environ["REMOTE_USER"] == "token" and environ.get("REQUEST_METHOD") == (None if BACKEND == "services" else "POST")
    assert TOKEN not in (exec_path.path / "cmdline").read_text()


def test_child_inherits_no_descriptor_and_no_signal_state(dumped):
    """A listening socket in a hook would outlive the gate. A blocked SIGTERM would make a child hard to end."""
    gate, exec_path = dumped
    descriptors = (exec_path.path / "descriptors").read_text().splitlines()
    assert not [name for name in descriptors if "eventpoll" in name or "signalfd" in name]
    assert len([name for name in descriptors if name.startswith("socket:")]) <= 3
    assert len(descriptors) <= 6, descriptors  # 0 to 2, the lifeline, and two of the listing shell
    status = dict(line.split(":\t", 1) for line in (exec_path.path / "status").read_text().splitlines())
    assert int(status["SigBlk"], 16) == 0
    assert int(status["SigIgn"], 16) & (1 << 12 | 1 << 14 | 1 << 16) == 0, "SIGPIPE, SIGTERM or SIGCHLD is ignored"


def test_not_in_the_command_line_the_log_or_a_response(dumped):
    """The test makes each kind of request, even with the token in a wrong place, at the level debug."""
    gate, _ = dumped
    assert TOKEN.encode() not in Path(f"/proc/{gate.pid}/cmdline").read_bytes()
    for data in (head("GET", f"/{TOKEN}.git/HEAD"), head("GET", f"/repo.git/HEAD?{TOKEN}"),
                 head("GET", INFO, f"X-A: {TOKEN}"), head("GET", INFO, f"Expect: {TOKEN}"),
                 head("GET", INFO, f"Git-Protocol: {TOKEN}?"), head("POST", FETCH, f"Content-Type: {TOKEN}"),
                 head("POST", FETCH, FETCH_TYPE, f"Content-Encoding: {TOKEN}"), head(TOKEN, INFO),
                 head("GET", INFO, f"Authorization: Basic {TOKEN}", token=None), head("GET", INFO, token="x" + TOKEN)):
        with gate.connect() as connection:
            connection.send(data)
            connection.response()
    gate.stop()


def test_password_of_the_client_is_not_logged(small_root, start_gate):
    """The user name is not logged either. Both may be the token of another gate."""
    gate = start_gate(*options(small_root))
    check_error(gate.ask("GET", INFO, basic("somebody", "hunter2-secret"), token=None), 401)
    check_error(gate.ask("GET", INFO, "Authorization: Bearer hunter2-secret", token=None), 401)
    assert gate.ask("GET", INFO, basic(TOKEN, "hunter2-secret"), token=None).status == 200
    assert gate.ask("GET", INFO, basic("hunter2-secret", TOKEN), token=None).status == 200
    gate.stop()
    text = "".join(gate.lines)
    assert "hunter2-secret" not in text and basic("somebody", "hunter2-secret")[25:] not in text


@pytest.fixture
def home(tmp_path):
    """A home whose .gitconfig has an effect that shows."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / ".gitconfig").write_text("[transfer]\n\thideRefs = refs/heads\n")
    return folder


def test_home_is_read_only_when_it_is_given(small_root, start_gate, home):
    hidden = start_gate(*options(small_root, f"--home={home}"))
    assert "refs/heads/main" not in out("ls-remote", hidden.url())
    seen = start_gate(*options(small_root), variables={"HOME": home, "XDG_CONFIG_HOME": home})
    assert "refs/heads/main" in out("ls-remote", seen.url())


def test_exec_path_is_inherited(gate_with):
    """The gate finds the program once, at start, and then runs it by its own path."""
    gate, exec_path = gate_with("")
    assert gate.ask("GET", INFO).status == 200
    assert exec_path.runs == ["GET /repo.git/info/refs"]
