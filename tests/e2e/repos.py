# SPDX-License-Identifier: Apache-2.0
"""
Makes repositories, and runs the real git client.

Every git here runs in an environment built from nothing. So the configuration of the machine and its user does not
matter, and the same calls give the same object ids. The token in the environment is only for gate:// addresses.
"""

import contextlib
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from .bridge import HELPER, SANITIZERS
from .http import TOKEN

FIRST_COMMIT_TIME = 1_600_000_000
COMMIT_STEP_SECONDS = 3600
EPILOGUE = "fatal: remote helper 'gate' aborted session\n"

ENVIRONMENT = {
    **SANITIZERS,
    "PATH": f"{HELPER.parent}:{os.environ['PATH']}",
    "GIT_GATE_TOKEN": TOKEN,
    "GIT_GATE_WAIT": "0",
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ADVICE": "0",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": f"{FIRST_COMMIT_TIME} +0000",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_COMMITTER_DATE": f"{FIRST_COMMIT_TIME} +0000",
}


def run_bounded(arguments, *, seconds, cwd=None, environment=None, data=None):
    """Run a program and its helpers in a session of their own, and end all of them on a time-out or an interrupt."""
    process = subprocess.Popen(arguments, cwd=cwd, env=environment, start_new_session=True, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(data, timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise AssertionError(f"not done within {seconds} s: {arguments}\n{err.decode(errors='replace')}") from None
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    return subprocess.CompletedProcess(arguments, process.returncode, out, err.decode(errors="replace"))


def git(*arguments, cwd=None, ok=True, data=None, seconds=60, **variables):
    """
    Run git, which must succeed (ok=True), fail (False) or may do either (None).

    The result has stdout as text without the last newline. data is standard input; variables extend the environment.
    """
    if isinstance(data, str):
        data = data.encode()
    result = run_bounded(["git", *map(str, arguments)], seconds=seconds, cwd=cwd, data=data,
                         environment={**ENVIRONMENT, **{name: str(value) for name, value in variables.items()}})
    result.stdout = result.stdout.decode(errors="replace").rstrip("\n")
    if ok is not None:
        assert (result.returncode == 0) == ok, f"git {arguments} ended with {result.returncode}:\n{result.stderr}"
    return result


def out(*arguments, **named):
    """Git's output, as text."""
    return git(*arguments, **named).stdout


def without_epilogue(said):
    """Standard error without the line that git 2.47 and later add when a helper has failed."""
    words = said.removesuffix(EPILOGUE)
    assert "aborted session" not in words, said
    return words


def bare(path, *options):
    """An empty bare repository."""
    git("init", "--quiet", "--bare", "--initial-branch=main", *options, path)
    return Path(path)


def use_storage(repository, storage):
    """Keep the references of a repository in "files", as they are, or in "reftable"."""
    if storage == "reftable" and git("refs", "migrate", "--ref-format=reftable", cwd=repository, ok=None).returncode:
        pytest.skip("needs git 2.46, for reftable")


def work_tree(path, *options):
    """An empty repository with a work tree."""
    git("init", "--quiet", "--initial-branch=main", *options, path)
    return Path(path)


def commit(work, name, content, message=None):
    """Write one file, commit it, return the commit's id."""
    path = Path(work, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    git("add", "--", name, cwd=work)
    git("commit", "--quiet", "-m", message or f"Change {name}", cwd=work)
    return out("rev-parse", "HEAD", cwd=work)


def history(repository, commits, *, branch="main", text="line", start=None):
    """Append many commits in one go, an hour apart. Return their ids, oldest first."""
    stream = []
    for i in range(commits):
        message = f"{text} {i}\n".encode()
        content = f"{text} {i}\n".encode() * 20
        seconds = FIRST_COMMIT_TIME + i * COMMIT_STEP_SECONDS
        lines = [f"commit refs/heads/{branch}", f"mark :{i + 1}", f"committer Ada <ada@example.org> {seconds} +0000",
                 f"data {len(message)}"]
        stream.append("\n".join(lines).encode() + b"\n" + message)
        if i == 0 and start:
            stream.append(f"from {start}\n".encode())
        stream.append(f"M 100644 inline dir{i % 10}/file\ndata {len(content)}\n".encode() + content + b"\n")
    git("fast-import", "--quiet", "--date-format=raw", cwd=repository, data=b"".join(stream))
    ids = out("rev-list", "--reverse", "--first-parent", branch, cwd=repository).split("\n")
    return ids[-commits:]


def add_packed_refs(repository, new):
    """Add many refs to a repository without packed ones, as git would first make a file for each."""
    lines = [f"{oid} {name}\n" for name, oid in sorted(new.items())]
    Path(repository, "packed-refs").write_text("# pack-refs with: peeled fully-peeled sorted \n" + "".join(lines))


def refs(repository, *patterns):
    """The names and object ids of a repository's refs."""
    listing = out("for-each-ref", "--format=%(refname) %(objectname)", *patterns, cwd=repository)
    return dict(line.split(" ") for line in listing.splitlines())


def remote_refs(listing):
    """The names and object ids from ls-remote, without HEAD and peeled tags."""
    pairs = (line.split("\t") for line in listing.splitlines())
    return {name: oid for oid, name in pairs if name != "HEAD" and not name.endswith("^{}")}


def sent_fields(trace, name):
    """The values of a field in git's requests, from its GIT_TRACE_CURL file."""
    pattern = re.compile(rf"=> Send header: {re.escape(name)}: (.*)", re.IGNORECASE)
    return [match.group(1).strip() for match in map(pattern.search, Path(trace).read_text().splitlines()) if match]
