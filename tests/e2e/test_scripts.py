# SPDX-License-Identifier: Apache-2.0
"""The scripts: each prints its help at once, and refuses unknown arguments before it does any work."""

import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .repos import ENVIRONMENT

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(path.name for path in (ROOT / "script").iterdir() if os.access(path, os.X_OK))
OTHERS = sorted(str(path.relative_to(ROOT)) for folder in (".ci", "bench") for path in (ROOT / folder).iterdir()
                if path.is_file() and os.access(path, os.X_OK))
USAGE = 2


@pytest.fixture
def copy(tmp_path):
    """A folder with the scripts alone, without the project. A script that begins to work fails, and leaves a trace."""
    shutil.copytree(ROOT / "script", tmp_path / "script")
    shutil.copytree(ROOT / "man", tmp_path / "man")
    before = sorted(tmp_path.rglob("*"))

    def run_there(script, *arguments):
        if script != "bootstrap":
            (tmp_path / "script" / "bootstrap").write_text("#!/bin/sh\ntouch worked\nexit 9\n")
        result = subprocess.run([tmp_path / "script" / script, *arguments], cwd=tmp_path, capture_output=True, text=True,
                                check=False, timeout=10, env={**ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": "1"})
        assert sorted(tmp_path.rglob("*")) == before, "it began to work"
        return result
    return run_there


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["x", "--help"]])
def test_help(copy, script, arguments):
    result = copy(script, *arguments)
    assert (result.returncode, result.stderr) == (0, "")
    assert f"script/{script}" in result.stdout and "SPDX" not in result.stdout and "set -" not in result.stdout


@pytest.mark.parametrize("script", OTHERS)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_of_other_programs(tmp_path, script, option):
    """These programs also do no work before the help."""
    result = subprocess.run([ROOT / script, option], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=10,
                            env={**ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": "1"})
    assert (result.returncode, result.stderr) == (0, "")
    assert script in result.stdout and "SPDX" not in result.stdout and "set -" not in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_there_are_scripts():
    assert {"build", "test", "lint"} <= set(SCRIPTS) and {"bench/run", ".ci/run"} <= set(OTHERS)


@pytest.mark.parametrize("script, arguments, words", [
    ("bootstrap", ["--brew"], "'--brew'"),
    ("build", ["instal"], "'instal'"),
    ("build", ["--brew"], "'--brew'"),
    ("build", ["install", "here"], "'here'"),
    ("build", ["install", "/here", "there"], "at the most"),
    ("build", ["uninstal"], "'uninstal'"),
    ("build", ["uninstall", "here"], "'here'"),
    ("count-tests", [], "FOLDER"),
    ("debian-root", ["--brew"], "'--brew'"),
    ("fuzz", ["--brew"], "'--brew'"),
    ("fuzz", ["10", "tea"], "'tea'"),
    ("lint", [], "BUILD_FOLDER"),
    ("lint", ["nowhere", "report"], "BUILD_FOLDER"),
    ("package", ["--brew"], "'--brew'"),
    ("musl-root", ["--brew"], "'--brew'"),
    ("release", [], "VERSION"),
    ("release", ["1.0"], "'1.0'"),
    ("release", ["v1.0.0"], "'v1.0.0'"),
    ("release", ["1.0.0", "1.0.1"], "'1.0.1'"),
    ("release", ["1.0.0", "--brew"], "'--brew'"),
    ("release", ["1.0.0", "--dry-run", "--without=tea"], "--without=tea"),
    ("release", ["1.0.0", "--without=tests"], "--dry-run"),
    ("sbom", ["1.0.0"], "FOLDER"),
    ("sbom", ["1.0.0", "nowhere", "0"], "git-gate-1.0.0.tar.gz"),
    ("server", ["--brew=tea"], "--brew is no option"),
    ("server", ["--read-only", "--Read-only"], "--Read-only is no option"),
    ("server", ["nowhere.git"], "no repository 'nowhere.git'"),
    ("soak", ["--brew"], "'--brew'"),
    ("soak", ["--transport=pigeon"], "'--transport=pigeon'"),
    ("test", ["unit", "brew"], "'brew'"),
    ("static-tarball", ["--brew"], "'--brew'"),
    ("static-tarball", ["--install"], "one folder"),
    ("static-tarball", ["here", "there"], "one folder"),
    ("test-container", ["--brew"], "'--brew'"),
    ("test-debian", ["--brew"], "'--brew'"),
    ("test-fleets", ["slurm", "--brew"], "'--brew'"),
    ("test-engines", ["--brew"], "'--brew'"),
    ("test-engines", ["podman", "lxd"], "'lxd'"),
    ("test-package", ["--brew"], "'--brew'"),
    ("test-package", ["bookworm"], "script/package bookworm"),
    ("test-image", ["--brew"], "name of a release"),
    ("test-static", ["here", "there"], "one tarball"),
    ("toolchains", ["--brew"], "'--brew'"),
])
def test_unknown_arguments(copy, script, arguments, words):
    """This holds even for git-gate's own arguments, before anybody has built it."""
    result = copy(script, *arguments)
    assert (result.returncode, result.stdout) == (USAGE, "") and words in result.stderr
    assert result.stderr.startswith(f"{script}: ") and result.stderr.count("\n") == 1


def test_output_of_the_server_is_the_gate_s(tmp_path):
    """Standard output begins with the line 'listening', whatever the preparing tools print."""
    for name, text in {"script/bootstrap": "echo noise", "script/build": "echo noise",
                       "build/git-gate": "echo listening"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    for name in ("server", "lib"):
        shutil.copy(ROOT / "script" / name, tmp_path / "script")
    result = subprocess.run([tmp_path / "script" / "server", tmp_path], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "listening\n"), result.stderr


@pytest.fixture
def lint(tmp_path, monkeypatch):
    """script/lint as a module, which looks at a copy of the sources."""
    loader = importlib.machinery.SourceFileLoader("lint", str(ROOT / "script" / "lint"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("lint", loader))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    loader.exec_module(module)
    shutil.copytree(ROOT / "src", tmp_path / "src")
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs/architecture.md", tmp_path / "docs")
    subprocess.run(["git", "init", "-q", tmp_path], check=True, env=ENVIRONMENT)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    return module


def test_lint_knows_which_way_is_down(lint):
    assert (lint.check_arrows(), lint.check_files(), lint.check_order()) == ("", "", "")


@pytest.mark.parametrize("name, included, arrow", [
    ("serve/turns.c", "serve/server.h", "an arrow upwards, from turns to server"),
    ("serve/exchange_process.h", "serve/connection.h", "an arrow upwards, from exchange_process to connection"),
    ("serve/gate.h", "serve/reach.h", "an arrow upwards, from gate to reach"),
])
def test_lint_names_an_arrow_upwards(lint, name, included, arrow):
    path = lint.ROOT / "src" / name
    path.write_text(path.read_text() + f'#include "{included}"\n')
    assert lint.check_order() == f"src/{name} includes {included}: {arrow}"
    assert lint.check_arrows() == ""


def test_lint_names_an_arrow_between_rooms(lint):
    path = lint.ROOT / "src/base/buffer.c"
    path.write_text(path.read_text() + '#include "serve/loop.h"\n')
    assert lint.check_arrows() == "src/base/buffer.c includes serve/loop.h: there is no arrow from base to it"


def test_lint_wants_each_file_in_the_architecture(lint):
    (lint.ROOT / "src/serve/turns.c").rename(lint.ROOT / "src/serve/spins.c")
    (lint.ROOT / "src/serve/turns.h").unlink()
    assert lint.check_files().splitlines() == [
        "src/serve/spins.*: docs/architecture.md does not list it",
        "docs/architecture.md lists src/serve/turns, which does not exist"]


FUZZ_TARGET = """#!/bin/sh
mkdir "$TMPDIR/left"
echo "$*"
setsid sleep 1000 &
echo $! >"{left}"
echo 'stat::number_of_executed_units: 7'
{end}
"""


@pytest.mark.parametrize("end, status, words", [
    ("exit 0", 0, ["fuzz: gate: ok, 7 runs"]),
    ("echo 'x.c:1: not so: a == b'; echo 'Test unit written to crash-1'; echo 'Base64: AA=='; kill -ABRT $$", 1,
     ["fuzz: gate FAILED", "    x.c:1: not so: a == b", "    Base64: AA==", "    the input is crash-1"]),
])
def test_fuzz_leaves_nothing_of_a_target(tmp_path, end, status, words):
    """After a pass or an abort, neither the target's process in its own session nor its folder is left."""
    left = tmp_path / "left"
    for name, text in {"script/bootstrap": "#!/bin/sh\n", "bin/ninja": "#!/bin/sh\n", "tests/fuzz/seeds": "#!/bin/sh\n",
                       "build-fuzz/build.ninja": "", "temporary/x": "",
                       "build-fuzz/tests/fuzz/fuzz_gate": FUZZ_TARGET.format(left=left, end=end)}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    shutil.copy(ROOT / "script" / "fuzz", tmp_path / "script")
    environment = {**ENVIRONMENT, "PATH": f"{tmp_path}/bin:{ENVIRONMENT['PATH']}", "TMPDIR": str(tmp_path / "temporary")}
    result = subprocess.run([tmp_path / "script" / "fuzz", "--report", tmp_path / "report.xml", "1", "gate"],
                            capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == status, result.stderr
    assert all(line in result.stdout for line in words), result.stdout
    report = (tmp_path / "report.xml").read_text()
    assert '<failure message="x.c:1: not so: a == b; Base64: AA=="' in report if status else "<failure" not in report
    assert "-seed=" in (tmp_path / "build-fuzz" / "fuzz-gate.log").read_text()
    assert not Path("/proc", left.read_text().strip()).exists()
    assert [path.name for path in (tmp_path / "temporary").iterdir()] == ["x"]


def test_failed_cases_are_named(tmp_path):
    """Each failed case and each missing report is named and counted. A case that passed the second time is only named."""
    failure = '<failure message="not so&#10;more"/>'
    for report, cases in {"e2e": {"good": "", "bad": failure, "shaky": failure, "once": failure, "mute": "<error/>",
                                  "left": "<skipped/>"},
                          "e2e-again": {"bad": failure, "shaky": ""}}.items():
        (tmp_path / f"{report}.xml").write_text("<testsuite>" + "".join(
            f'<testcase classname="c" name="{name}">{inside}</testcase>' for name, inside in cases.items()) + "</testsuite>")
    result = subprocess.run([ROOT / "script" / "count-tests", tmp_path, "e2e", "lint"], capture_output=True, text=True,
                            check=False, env=ENVIRONMENT)
    assert (result.returncode, result.stdout.splitlines()) == (1, [
        "failed: e2e: c.bad: not so", "passed the second time: e2e: c.shaky: not so", "failed: e2e: c.once: not so",
        "failed: e2e: c.mute", "failed: lint: it left no report, or an empty one",
        "1 could not be run here, as told above", "2 passed, 4 failed"])
