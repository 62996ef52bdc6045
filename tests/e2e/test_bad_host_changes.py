# SPDX-License-Identifier: Apache-2.0
"""Changes under a serving gate: another git or none, a lost socket, and jumps of the clock."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from .backends import HEAD_TEXT, HOLD, LINE, MUCH, MUCH_END, MUCH_TEXT, real_exec_path
from .checks import check_error, check_serves
from .host import check_left_nothing, connections, descriptors_at_rest, stat_fields
from .http import head, request
from .packets import FETCH_TYPE, PROTOCOL_2, ls_refs
from .polling import wait_until
from .repos import bare, history
from .targets import FETCH, INFO

DAYS = Path(__file__).with_name("days.c")


# The repository.

@pytest.mark.parametrize("scope", ["repo", "*"])
def test_no_other_repository_in_its_place(tmp_path, start_gate, scope):
    """git itself would try NAME.git.git next."""
    root = tmp_path / "root"
    history(bare(root / "repo.git"), 1)
    gate = start_gate(f"--mirror-root={root}", f"--scope={scope}")
    check_serves(gate)
    history(bare(root / "repo.git.git"), 2)
    (root / "repo.git").rename(root / "away.git")
    response = gate.ask("GET", INFO)
    check_error(response, 404)
    assert b"no such repository" in response.body
    (root / "away.git").rename(root / "repo.git")
    (root / "repo.git.git").rename(root / "other.git")  # beside which repo.git would not be served
    check_serves(gate)


# git itself.

def test_git_upgraded_while_serving(gate_with):
    """Packages replace git by rename. Running requests keep the old program, new ones get the new program."""
    gate, exec_path = gate_with(f"{HEAD_TEXT}; {MUCH_TEXT}; {HOLD}; echo end; exit 0")
    with gate.connect() as connection:
        connection.send(head("GET", INFO))
        connection.wait_for(MUCH_END)
        new = exec_path.path / "new"
        new.write_text(f"#!/bin/sh\nexec '{real_exec_path() / exec_path.program.name}' \"$@\"\n")
        new.chmod(0o755)
        new.rename(exec_path.program)
        assert b"refs/heads/main" in gate.ask("GET", INFO).body
        exec_path.release()
        connection.response_head()
        assert connection.rest_of_chunks() == (LINE + MUCH + b"end\n", True)
    check_serves(gate)


def not_executable(path):
    path.chmod(0o644)


def no_interpreter(path):
    path.write_text("#!/nonexistent/sh\n")


def not_a_program(path):
    path.write_bytes(b"\x7fELF" + b"\0" * 100)


def a_folder(path):
    path.unlink()
    path.mkdir()


def link_to_itself(path):
    path.unlink()
    path.symlink_to(path.name)


@pytest.mark.parametrize("spoil", [not_executable, no_interpreter, not_a_program, a_folder, link_to_itself,
                                   Path.unlink])
def test_git_that_cannot_be_executed(gate_with, spoil):
    """In the middle of an upgrade that is not done by rename, or after a failed one."""
    gate, exec_path = gate_with("")
    check_serves(gate)
    exec_path.program.rename(exec_path.path / "whole")
    shutil.copy(exec_path.path / "whole", exec_path.program)
    spoil(exec_path.program)
    before = descriptors_at_rest(gate)
    for _ in range(3):
        check_error(gate.ask("GET", INFO), 500)
    assert any("git cannot be started" in line and str(exec_path.program) in line for line in gate.lines)
    check_left_nothing(gate, before)
    if exec_path.program.is_dir():
        exec_path.program.rmdir()
    (exec_path.path / "whole").rename(exec_path.program)
    check_serves(gate)


def test_git_that_is_being_written(gate_with):
    gate, exec_path = gate_with("")
    with exec_path.program.open("ab"):
        check_error(gate.ask("GET", INFO), 500)
    check_serves(gate)


# The socket.

@pytest.mark.parametrize("by", ["nothing", "a file", "a folder", "a socket"])
def test_socket_is_taken_away(small_root, start_gate, by):
    """Open connections go on. At its end the gate removes only its own socket, which is gone."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", transport="unix")
    path = gate.socket_path
    gate.socket_path = None
    with gate.connect() as connection, socket.socket(socket.AF_UNIX) as other:
        connection.send(head("GET", "/nothing"))
        assert connection.response().status == 404
        path.unlink()
        {"nothing": lambda: None, "a file": path.touch, "a folder": path.mkdir,
         "a socket": lambda: other.bind(str(path))}[by]()
        for _ in range(3):
            connection.send(head("GET", INFO))
            assert connection.response().status == 200
        gate.stop()
        assert connection.is_closed()
        assert path.exists() == (by != "nothing")


def test_folder_of_the_socket_is_taken_away(small_root, start_gate):
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", transport="unix")
    with gate.connect() as connection:
        shutil.rmtree(gate.socket_path.parent)
        connection.send(head("GET", INFO))
        assert connection.response().status == 200
    gate.stop()


def test_next_gate_takes_the_path_over(small_root, start_gate):
    """The first gate serves its clients to the end, and does not remove the path of the next one."""
    first = start_gate(f"--mirror-root={small_root}", "--scope=repo", transport="unix")
    path, first.socket_path = first.socket_path, None
    with first.connect() as connection:
        connection.send(head("GET", "/nothing"))
        assert connection.response().status == 404
        path.unlink()
        second = start_gate(f"--mirror-root={small_root}", "--scope=repo", f"--socket={path}", transport=None)
        connection.send(head("GET", INFO))
        assert connection.response().status == 200
        check_serves(second)
        first.stop()
        check_serves(second)
        second.stop()
        assert not path.exists()


# The clock.

def test_no_deadline_depends_on_the_time_of_day(small_root, start_gate, tmp_path):
    """The clock may jump at any time, also backwards. Here each reading jumps by a day, as the log's times show."""
    library = tmp_path / "days.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", library, DAYS], check=True)
    asan = f"{os.environ.get('ASAN_OPTIONS', '')}:verify_asan_link_order=0"
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", "--header-timeout=2",
                      variables={"LD_PRELOAD": str(library), "ASAN_OPTIONS": asan})
    start = time.monotonic()
    with gate.connect() as connection:
        connection.send(head("GET", INFO)[:-1])
        assert connection.response().status == 408
    assert 1.9 < time.monotonic() - start < 10
    days = [record["time"][:10] for record in gate.records]
    assert len(days) > 2 and days == sorted(set(days), reverse=True)


def test_gate_that_was_suspended(small_root, start_gate):
    """The gate stops for longer than its deadlines, as in a frozen container. Requests that came in time are served."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", "--header-timeout=1", "--stall-timeout=1")
    data = request("POST", FETCH, FETCH_TYPE, PROTOCOL_2, body=ls_refs())
    clients = [gate.connect() for _ in range(8)]
    for client in clients:
        client.send(data[:-10])
    wait_until("all are accepted", lambda: connections(gate.pid) == len(clients))
    gate.signal(signal.SIGSTOP)
    wait_until("the gate stands still", lambda: stat_fields(gate.pid)[0] == "T")
    for client in clients:
        client.send(data[-10:])
    time.sleep(1.2)  # the suspension itself, not a wait
    gate.signal(signal.SIGCONT)
    assert [client.response().status for client in clients] == [200] * len(clients)
    for client in clients:
        client.close()
