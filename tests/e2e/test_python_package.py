# SPDX-License-Identifier: Apache-2.0
"""The package git_gate: its options, its installation, and its message without the library."""

import ctypes
import inspect
import re
import signal
import subprocess
import sys
import typing
from pathlib import Path

import pytest

from . import header
from .gate import run
from .http import TOKEN
from .python_package import LIBRARY, PACKAGE, PROJECT, load, needs_library, python, variables
from .repos import ENVIRONMENT, run_bounded

git_gate = load()

E_USAGE = 2
LOAD = "import git_gate; print(git_gate.__file__)"


@needs_library
@pytest.mark.parametrize("options, said", [
    ({"no_such_option": 1}, "no-such-option"),
    ({"max_backends": 0}, "--max-backends takes"),
    ({"read_only": "perhaps"}, "--read-only takes yes or no"),
    ({"hide_refs": ["heads"]}, "--hide-refs=heads"),
    ({"log_level": "loud"}, "--log-level takes"),
    ({"hooks_path": "/nonexistent"}, "--hooks-path=/nonexistent"),
    ({"remote_user": "a\0b"}, "--remote-user"),
], ids=lambda value: "" if isinstance(value, str) else next(iter(value)))
def test_an_option_that_is_wrong_is_named(small_root, options, said):
    import asyncio  # noqa: PLC0415  # the interpreter that runs this test may be another one
    gate = git_gate.GateServer(mirror_root=small_root, token=TOKEN, scope="repo", host="127.0.0.1", port=0, **options)
    with pytest.raises(git_gate.GateError) as caught:
        asyncio.run(gate.start())
    assert said in str(caught.value) and caught.value.code == E_USAGE and TOKEN not in str(caught.value)
    assert gate.address is None


@needs_library
def test_it_is_what_the_header_says():
    """Constants, calls with types, and the struct. Otherwise only a crash would show a difference."""
    binding = git_gate._library
    for name, value in header.constants().items():
        if hasattr(binding, name[len("GATE_"):]):
            assert getattr(binding, name[len("GATE_"):]) == value, name
    assert {name for name in vars(binding) if re.fullmatch(r"E_\w+|\w+_MAX", name)} == {
        "E_INTERNAL", "E_USAGE", "ERROR_MESSAGE_MAX", "TOKEN_MAX"}
    types = {"int": ctypes.c_int, "size_t": ctypes.c_size_t, "char*": ctypes.c_char_p,
             "structgate_error*": ctypes.POINTER(binding._Error)}
    for kind in ("config", "server"):
        types.update({f"structgate_{kind}*": ctypes.c_void_p, f"structgate_{kind}**": ctypes.POINTER(ctypes.c_void_p)})
    calls = {name: call for name, call in binding._CALLS.items() if name.startswith("gate_")}
    assert calls == {name: (types[result], [types[parameter] for parameter in parameters])
                     for name, (result, *parameters) in header.functions().items()}
    assert header.members("gate_error") == ["int code", "char message[GATE_ERROR_MESSAGE_MAX]"]
    assert binding._Error._fields_ == [("code", ctypes.c_int), ("message", ctypes.c_char * binding.ERROR_MESSAGE_MAX)]


@needs_library
def test_versions_are_one():
    assert run("--version").stdout == f"git-gate {git_gate.__version__}\n"


@needs_library
def test_annotations_can_be_looked_up():
    """inspect, dataclasses and documentation tools read annotations, not only type checkers."""
    hints = typing.get_type_hints(git_gate.GateServer.__init__)
    assert hints["token"] is str and hints["port"] == typing.Optional[int]
    for _, function in inspect.getmembers(git_gate.GateServer, inspect.isfunction):
        typing.get_type_hints(function)
    typing.get_type_hints(git_gate.GateServer.address.fget)
    typing.get_type_hints(git_gate.mint_token)


@needs_library
def test_what_no_option_can_be_is_a_type_error(small_root):
    for wrong in (1.5, object(), {"a": 1}):
        with pytest.raises(TypeError, match="max_backends is text"):
            git_gate.GateServer(mirror_root=small_root, token=TOKEN, scope="repo", max_backends=wrong)
    with pytest.raises(TypeError):
        git_gate.GateServer(small_root, TOKEN, "repo")


@needs_library
def test_the_token_is_not_shown(small_root):
    gate = git_gate.GateServer(mirror_root=small_root, token=TOKEN, scope="repo")
    assert TOKEN not in repr(gate) and "repo" in repr(gate)


@needs_library
def test_minted_tokens():
    first, second = git_gate.mint_token(), git_gate.mint_token()
    assert first != second and first.startswith("gate-") and len(first) == len("gate-") + 32
    assert git_gate.mint_token("x").startswith("x")
    for prefix in ("a b", "a:b", "a\0b", "\u00e9", "\ud800", "x" * 224):
        with pytest.raises(ValueError, match="prefix"):
            git_gate.mint_token(prefix)
    assert len(git_gate.mint_token("x" * 223)) == 255


@pytest.mark.parametrize("library", ["/nonexistent/libgitgate.so.0", "libc.so.6"])
def test_without_its_library_it_says_what_to_install(library):
    """The library is missing, or has another version."""
    result = python("-c", LOAD, ok=False, GIT_GATE_LIBRARY=library, LD_PRELOAD=None)
    last = result.stderr.strip().splitlines()[-1]
    assert result.returncode != 0 and last.startswith("ImportError: ")
    assert "libgitgate.so.0 of the package git-gate" in last and "GIT_GATE_LIBRARY" in last


def test_pip_installs_it(tmp_path):
    """pip needs neither a compiler nor a network."""
    for module in ("pip", "setuptools", "wheel"):
        if subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, check=False).returncode:
            pytest.skip(f"needs python3-{module}")
    source = tmp_path / "source"
    subprocess.run(["cp", "-r", PACKAGE, source], check=True)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation", "--no-deps",
                    "--disable-pip-version-check", "--root-user-action=ignore", "--target", tmp_path / "site", source],
                   check=True, env={"PATH": "/nonexistent", "HOME": str(tmp_path)}, cwd=tmp_path)
    assert {path.name for path in (tmp_path / "site" / "git_gate").iterdir()} >= {"__init__.py", "_library.py", "py.typed"}
    if LIBRARY.exists():
        result = python("-c", LOAD, PYTHONPATH=str(tmp_path / "site"))
        assert Path(result.stdout.strip()) == tmp_path / "site" / "git_gate" / "__init__.py"


@pytest.mark.skipif(not LIBRARY.exists(), reason=f"needs {LIBRARY}, as it is built together with the program")
def test_readme_has_a_whole_program(root, tmp_path):
    """The README's program, with other paths, serves until Ctrl-C, and prints a command that works."""
    program, = re.findall(r"^```python\n(.*?)^```", (PROJECT / "README.md").read_text(), re.M | re.S)
    (root / "repo.git").rename(root / "proj.git")
    for before, after in (("/srv/mirrors", root), ("/run/task7", tmp_path)):
        assert before in program
        program = program.replace(before, str(after))
    with subprocess.Popen([sys.executable, "-c", program], env=variables(PYTHONUNBUFFERED="1"), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            command = process.stdout.readline()
            result = run_bounded(["sh", "-c", command], seconds=60, cwd=tmp_path, environment=ENVIRONMENT)
            assert result.returncode == 0 and (tmp_path / "proj" / ".git").is_dir(), (command, result.stderr)
            process.send_signal(signal.SIGINT)
            stderr = process.communicate(timeout=60)[1]
        finally:
            process.kill()
    assert stderr.endswith("KeyboardInterrupt\n") and not (tmp_path / "socket" / "gate.sock").exists()
