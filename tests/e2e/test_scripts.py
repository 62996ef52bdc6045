# SPDX-License-Identifier: Apache-2.0
"""The scripts: each explains itself at once, and refuses unknown arguments before it does any work."""

import shutil
import subprocess
from pathlib import Path

import pytest

from .repos import ENVIRONMENT

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ["bootstrap", "build", "count-tests", "debian-root", "fuzz", "lint", "server", "soak", "test", "test-container", "test-debian", "toolchains"]
USAGE = 2


@pytest.fixture
def copy(tmp_path):
    """The scripts without a project: the first work of any of them fails, and leaves something there."""
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


@pytest.mark.parametrize("script, arguments, words", [
    ("bootstrap", ["--brew"], "'--brew'"),
    ("build", ["instal"], "'instal'"),
    ("build", ["--brew"], "'--brew'"),
    ("build", ["install", "here"], "'here'"),
    ("build", ["install", "/here", "there"], "at the most"),
    ("count-tests", [], "FOLDER"),
    ("debian-root", ["--brew"], "'--brew'"),
    ("fuzz", ["--brew"], "'--brew'"),
    ("fuzz", ["10", "tea"], "'tea'"),
    ("lint", [], "BUILD_FOLDER"),
    ("lint", ["nowhere", "report"], "BUILD_FOLDER"),
    ("server", ["--brew=tea"], "--brew is no option"),
    ("server", ["--read-only", "--Read-only"], "--Read-only is no option"),
    ("server", ["nowhere.git"], "no repository 'nowhere.git'"),
    ("soak", ["--brew"], "'--brew'"),
    ("soak", ["--transport=pigeon"], "'--transport=pigeon'"),
    ("test", ["unit", "brew"], "'brew'"),
    ("test-container", ["--brew"], "'--brew'"),
    ("test-debian", ["--brew"], "'--brew'"),
    ("toolchains", ["--brew"], "'--brew'"),
])
def test_unknown_arguments(copy, script, arguments, words):
    """Even arguments that only git-gate itself knows, before anybody has built it."""
    result = copy(script, *arguments)
    assert (result.returncode, result.stdout) == (USAGE, "") and words in result.stderr
    assert result.stderr.startswith(f"{script}: ") and result.stderr.count("\n") == 1


def test_output_of_the_server_is_the_gate_s(tmp_path):
    """Its standard output begins with the line 'listening', whatever the tools print that prepare the machine."""
    for name, text in {"script/bootstrap": "echo noise", "script/build": "echo noise",
                       "build/git-gate": "echo listening"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    for name in ("server", "lib"):
        shutil.copy(ROOT / "script" / name, tmp_path / "script")
    result = subprocess.run([tmp_path / "script" / "server", tmp_path], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "listening\n"), result.stderr


FUZZ_TARGET = """#!/bin/sh
mkdir "$TMPDIR/left"
setsid sleep 1000 &
echo $! >"{left}"
echo 'stat::number_of_executed_units: 7'
{end}
"""


@pytest.mark.parametrize("end, status, words", [
    ("exit 0", 0, ["fuzz: gate: ok, 7 runs"]),
    ("echo 'x.c:1: not so: a == b'; echo 'Test unit written to crash-1'; kill -ABRT $$", 1,
     ["fuzz: gate FAILED", "    x.c:1: not so: a == b", "    the input is crash-1"]),
])
def test_fuzz_leaves_nothing_of_a_target(tmp_path, end, status, words):
    """Whether the target passes or aborts: neither the process that it has left, in a session of its own, nor its folder."""
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
    assert (b"<failure" in (tmp_path / "report.xml").read_bytes()) == bool(status)
    assert not Path("/proc", left.read_text().strip()).exists()
    assert [path.name for path in (tmp_path / "temporary").iterdir()] == ["x"]
