# SPDX-License-Identifier: Apache-2.0
"""Fixtures that start gates, and stop and check them at the end of the test or module. Also skips tests."""

import contextlib
import shutil
import signal

import pytest

from .backends import ExecPath
from .confinement import obstacle
from .gate import CONFINE_OPTIONS, Gate
from .python_package import run_elsewhere
from .repos import bare, history
from .rules import Work, make_template


def pytest_configure(config):
    """Restore SIGINT, which a shell's background jobs ignore, and so would the programs that tests start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "needs_confinement: of gates that are confined, which not every machine can")
    config.addinivalue_line("markers", "needs_library: of tests that load libgitgate into the interpreter")


def pytest_runtest_setup(item):
    """Skip tests that need confinement: all of them with GIT_GATE_CONFINE=require. The report has one line for all."""
    needs = "--confine=require" in CONFINE_OPTIONS or item.get_closest_marker("needs_confinement")
    if needs and obstacle():
        pytest.skip(obstacle())


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    return run_elsewhere(pyfuncitem) or None


def gates():
    """
    Yields a function that starts a gate with the given options.

    At the end, each gate that its test did not stop gets SIGTERM and must end as git-gate(1) says.
    """
    with contextlib.ExitStack() as stack:
        def start(*options, **named):
            gate = Gate(*options, **named)
            stack.callback(gate.clean_up)
            started.append(gate)
            return gate
        started = []
        yield start
        for gate in started:
            if gate.process.returncode is None:
                gate.stop()


@pytest.fixture
def start_gate():
    yield from gates()


@pytest.fixture(scope="module")
def start_module_gate():
    yield from gates()


@pytest.fixture(scope="module", params=["tcp", "unix"])
def transport(request):
    return request.param


@pytest.fixture(scope="module")
def small_root(tmp_path_factory):
    """A mirror root with repo.git, of three commits, and the repository out of scope other.git."""
    root = tmp_path_factory.mktemp("mirrors")
    for name in ("repo", "other"):
        history(bare(root / f"{name}.git"), 3, text=name)
    return root


@pytest.fixture
def root(small_root, tmp_path):
    """A copy of small_root for only one test, without other tests' replacements of git."""
    return shutil.copytree(small_root, tmp_path / "root", ignore=shutil.ignore_patterns("exec-*"))


@pytest.fixture
def scratch(root):
    """A folder for the output of hooks and scripts. A confined gate's programs can write only in its repository."""
    folder = root / "repo.git" / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def gate_with(root, scratch, start_gate):
    """Starts a gate for repo.git whose program of git runs the prelude; returns it with the ExecPath."""
    def start(prelude, *options, **named):
        exec_path = ExecPath(scratch / "exec", prelude)
        return start_gate(f"--mirror-root={root}", "--scope=repo", *options, exec_path=exec_path, **named), exec_path
    return start


@pytest.fixture
def pre_receive(tmp_path):
    """Makes a folder with one hook, and the option for it. The hook may write to the fixture scratch."""
    def make(text):
        hook = tmp_path / "hooks" / "pre-receive"
        hook.parent.mkdir()
        hook.write_text(f"#!/bin/sh\n{text}\n")
        hook.chmod(0o755)
        return f"--hooks-path={hook.parent}"
    return make


@pytest.fixture(scope="module")
def mirror_template(tmp_path_factory):
    """A work tree and a mirror, which Work copies for each test."""
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def root_of_one(mirror_template, tmp_path):
    """A mirror root with one repository, repo.git."""
    folder = tmp_path / "mirrors"
    folder.mkdir()
    shutil.copytree(mirror_template[1], folder / "repo.git")
    return folder


@pytest.fixture
def guarded(mirror_template, root_of_one, start_gate, tmp_path):
    """Starts a gate with rules and hooks; returns it and a work tree for its one repository."""
    def start(rules, hooks, *options, **named):
        (tmp_path / "rules").write_text(rules)
        folder = tmp_path / "hooks"
        folder.mkdir()
        for name, text in hooks.items():
            (folder / name).write_text(f"#!/bin/sh\n{text}")
            (folder / name).chmod(0o755)
        work = Work(mirror_template, root_of_one, tmp_path)
        gate = start_gate(f"--mirror-root={root_of_one}", f"--scope={work.name}", f"--rules={tmp_path}/rules",
                          *([f"--hooks-path={folder}"] if hooks else []), *options, **named)
        return gate, work
    return start
