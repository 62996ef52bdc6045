# SPDX-License-Identifier: Apache-2.0
"""Checks the built files, not the compiler's command line, for protections against exploitation.

The build asks for each protection that the compiler has. One object file compiled without it is enough to lose a note or
symbol. The tests ask the machine, the compiler and libc for everything that depends on them.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from .gate import PROGRAM

BUILD = Path(PROGRAM).parent
HELPER = BUILD / "git-remote-gate"
LIBRARY = BUILD / "libgitgate.so.0"
FILES = [Path(PROGRAM), HELPER, LIBRARY]

pytestmark = pytest.mark.skipif(not shutil.which("readelf"), reason="needs readelf, which binutils brings")


def readelf(option, path):
    """Return the output of readelf for a file."""
    return subprocess.run(["readelf", "--wide", option, path], check=True, capture_output=True, text=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout


def dynamic(path):
    """Return the dynamic section's entries: (name, value)."""
    return re.findall(r"^ 0x[0-9a-f]+ \((\w+)\) +(.*)$", readelf("--dynamic", path), re.MULTILINE)


def symbols(path):
    """Return the names of all symbols, without versions."""
    return {re.split("@", line.split()[7])[0] for line in readelf("--syms", path).splitlines()
            if re.match(r" *\d+: ", line) and len(line.split()) > 7}


def is_dynamic(path):
    """Tell whether it needs the libc of its system."""
    return any(name == "NEEDED" for name, _ in dynamic(path))


def is_sanitized(path):
    return any(name.startswith(("__asan", "__ubsan", "__tsan")) for name in symbols(path))


def is_optimised():
    options = json.loads((BUILD / "meson-info" / "intro-buildoptions.json").read_text())
    return {option["name"]: option["value"] for option in options}["optimization"] not in ("0", "g", "plain")


def compiled(tmp, source, *arguments):
    """Compile a few lines; return the file, or None if this machine's compiler refuses them."""
    target = Path(tmp) / "probe"
    result = subprocess.run(["cc", *arguments, "-o", target, "-x", "c", "-"], input=source, capture_output=True, text=True,
                            check=False)
    return target if result.returncode == 0 else None


def has_static_pie():
    """Tell whether a position-independent static program can be linked here, as meson.build does."""
    with tempfile.TemporaryDirectory() as tmp:
        return compiled(tmp, "int main(void) { return 0; }", "-fPIE", "-static-pie") is not None


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def path(request):
    assert request.param.exists()
    return request.param


def test_position_independent(path):
    if path == HELPER and not is_dynamic(path) and not has_static_pie():
        pytest.skip("a static program at a fixed address, as the compiler here links no other one")
    assert re.search(r"^ *Type: +DYN ", readelf("--file-header", path), re.MULTILINE)
    assert not any(name == "TEXTREL" for name, _ in dynamic(path))


def test_relocations_read_only(path):
    """GNU_RELRO is full only if everything is bound before the first instruction."""
    assert "GNU_RELRO" in readelf("--program-headers", path)
    if not dynamic(path):
        pytest.skip("a static program at a fixed address has nothing to bind")
    flags = [value for name, value in dynamic(path) if name in ("FLAGS", "FLAGS_1", "BIND_NOW")]
    assert any("BIND_NOW" in value or "NOW" in value for value in flags)


def test_no_executable_memory(path):
    """The stack is not executable, and no segment is writable and executable."""
    segments = re.findall(r"^ +(\w+) +0x.* ([R ][W ][E ]) +0x", readelf("--program-headers", path), re.MULTILINE)
    assert ("GNU_STACK", "RW ") in segments
    assert [name for name, flags in segments if "W" in flags and "E" in flags] == []


def test_stack_protector(path):
    assert "__stack_chk_fail" in symbols(path)


def test_no_search_path(path):
    assert [entry for entry in dynamic(path) if entry[0] in ("RPATH", "RUNPATH")] == []


def test_fortified(path):
    """Calls with a buffer of known size go to the checking variants of libc, as __memcpy_chk."""
    if is_sanitized(path) or not is_optimised():
        pytest.skip("the sanitizers and builds without optimisation do without _FORTIFY_SOURCE")
    if not is_dynamic(path):
        pytest.skip("a static program tells nothing: musl has no such variants, and glibc's are in it, called or not")
    assert [name for name in symbols(path) if re.fullmatch(r"__\w+_chk", name)]


@pytest.mark.parametrize("flag,notes", [("-fcf-protection", {"IBT", "SHSTK"}),
                                        ("-mbranch-protection=standard", {"BTI", "PAC"})])
def test_control_flow(path, flag, notes):
    """The linker keeps the note only if all parts have it, including those of libc and llhttp."""
    if not is_dynamic(path):
        pytest.skip("a static program is as libc's archive was compiled")
    if is_sanitized(path):
        pytest.skip("the sanitizers' run-time comes without it")
    with tempfile.TemporaryDirectory() as tmp:
        probe = compiled(tmp, "int probe(int n); int probe(int n) { return n + 1; }", "-shared", "-fPIC", flag)
        expected = {note for note in notes if probe and re.search(rf"feature: .*\b{note}\b", readelf("--notes", probe))}
    if not expected:
        pytest.skip(f"{flag} leaves no note here: the compiler does not have it, or libc's start files lack it")
    assert expected <= set(re.findall(r"\w+", " ".join(re.findall(r"feature: (.*)", readelf("--notes", path)))))


def test_not_stripped(path):
    """A packager strips the symbols and keeps them elsewhere."""
    assert "Symbol table '.symtab'" in readelf("--syms", path)
