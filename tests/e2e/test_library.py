# SPDX-License-Identifier: Apache-2.0
"""libgitgate as installed: its header, its exports, its manual page and the program in that page."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from .gate import PROGRAM
from .header import HEADER, functions
from .polling import wait_until
from .repos import ENVIRONMENT, git, out

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(PROGRAM).parent
MANUAL = ROOT / "man" / "libgitgate.3"
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
ONLY_IN_THE_LIBRARY = {"token", "second-token", "listen-fd", "log-fd", "moves-fd"}


def needs(*programs):
    absent = [program for program in programs if not shutil.which(program)]
    if absent:
        pytest.skip(f"needs {', '.join(absent)}")


def run(*arguments, **named):
    """Return the output of a tool, which must succeed."""
    result = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, check=False, **named)
    assert result.returncode == 0, f"{arguments}:\n{result.stderr}"
    return result.stdout


def is_sanitized():
    """Tell whether the library needs a sanitizer's runtime, which a plain program lacks."""
    return b"__asan_init" in (BUILD / "libgitgate.so").read_bytes()


@pytest.fixture(scope="module")
def installed():
    """The root of the installation, and the environment in which pkg-config finds it."""
    needs("meson", "pkg-config", "cc")
    if not os.access(BUILD / "build.ninja", os.W_OK):
        pytest.skip("needs a build folder that can be written")
    with tempfile.TemporaryDirectory() as name:
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", name)
        root = Path(name)
        pc, = root.glob("**/pkgconfig/gitgate.pc")
        # Without the machine's folders: the library needs no other package.
        yield root, {**ENVIRONMENT, "PKG_CONFIG_SYSROOT_DIR": name, "PKG_CONFIG_LIBDIR": str(pc.parent)}


def compile_program(source, program, installed):
    """Compile as the manual page says: with the output of pkg-config."""
    _, environment = installed
    flags = run("pkg-config", "--cflags", "--libs", "gitgate", env=environment).split()
    sanitizers = ["-fsanitize=address,undefined"] if is_sanitized() else []
    run("cc", "-std=c17", *STRICT, *sanitizers, "-o", program, source, *flags)


def with_library(installed):
    """The environment in which a program finds the library."""
    root, _ = installed
    library, = root.glob("**/libgitgate.so.0")
    passed = {name: value for name, value in os.environ.items() if name.startswith(("ASAN_", "UBSAN_"))}
    return {**ENVIRONMENT, **passed, "LD_LIBRARY_PATH": str(library.parent)}


def test_exports_are_what_the_header_declares():
    needs("nm")
    listing = run("nm", "-D", "--defined-only", BUILD / "libgitgate.so")
    symbols = [line.split()[1:] for line in listing.splitlines()]
    exported = {name.split("@")[0] for kind, name in symbols if kind == "T"}
    assert exported == set(functions()) and len(exported) == 9
    assert [name for kind, name in symbols if kind != "T"] == ["LIBGITGATE_0"]
    assert all(name.endswith("@@LIBGITGATE_0") for kind, name in symbols if kind == "T")


@pytest.mark.parametrize("compiler", ["cc -std=c17 -x c", "cc -std=c99 -x c", "clang -std=c17 -x c",
                                      "g++ -std=c++11 -x c++", "clang++ -std=c++20 -x c++"])
def test_header_stands_alone(tmp_path, compiler):
    """The header compiles alone, included twice, and in each version of the language."""
    command = compiler.split()
    needs(command[0])
    source = tmp_path / "alone"
    calls = ", ".join(f"sizeof(&{name})" for name in functions())
    source.write_text("#include <gitgate.h>\n#include <gitgate.h>\n"
                      f"size_t all[] = {{{calls}}};\n"
                      "struct gate_error failure = {GATE_E_USAGE, \"x\"};\n")
    run(*command, *STRICT, "-I", HEADER.parent, "-c", "-o", tmp_path / "o", source)


def test_header_links_from_cpp(tmp_path, installed):
    """Without extern "C", the linker would not find the names."""
    needs("g++")
    _, environment = installed
    source = tmp_path / "program.cc"
    source.write_text("#include <gitgate.h>\n"
                      "int main() { char token[GATE_TOKEN_MAX]; return gate_mint_token(token, sizeof token, nullptr); }")
    flags = run("pkg-config", "--cflags", "--libs", "gitgate", env=environment).split()
    sanitizers = ["-fsanitize=address,undefined"] if is_sanitized() else []
    run("g++", *STRICT, *sanitizers, "-o", tmp_path / "program", source, *flags)
    run(tmp_path / "program", env=with_library(installed))


def example():
    """The program in the manual page, as man(1) would show it."""
    text = MANUAL.read_text()
    block, = re.findall(r"^\.Bd -literal\n(#include .*?)^\.Ed$", text, re.MULTILINE | re.DOTALL)
    return block.replace("\\e", "\\")


def test_example_of_the_manual(tmp_path, root, installed):
    """The example compiles without a warning, serves a clone and a push, and ends with its standard input."""
    source = tmp_path / "example.c"
    source.write_text(example())
    compile_program(source, tmp_path / "example", installed)
    with subprocess.Popen([tmp_path / "example", root, "repo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=with_library(installed)) as process:
        try:
            url = process.stdout.readline().strip()
            assert re.fullmatch(r"http://x:gate-[0-9a-f]{32}@127\.0\.0\.1:[0-9]+/repo\.git", url)
            git("clone", "--quiet", url, tmp_path / "clone")
            assert out("rev-parse", "HEAD", cwd=tmp_path / "clone") == out("rev-parse", "main", cwd=root / "repo.git")
            git("push", "--quiet", "origin", "HEAD:refs/heads/new", cwd=tmp_path / "clone")
            assert out("rev-parse", "new", cwd=root / "repo.git") == out("rev-parse", "main", cwd=root / "repo.git")
            wrong = url.replace("gate-", "gaol-")
            assert "Authentication failed" in git("ls-remote", wrong, ok=False).stderr
            process.stdin.close()
            wait_until("the end of the program", lambda: process.poll() is not None, 20)
            assert (process.returncode, process.stdout.read(), process.stderr.read()) == (0, "", "")
        finally:
            process.kill()
    git("ls-remote", url, ok=False)


@pytest.mark.parametrize("arguments, status, word", [((), 2, "usage"), (("/nonexistent", "repo"), 2, "--mirror-root="),
                                                     (("{root}", "none"), 2, "--scope")])
def test_example_says_what_is_wrong(tmp_path, root, installed, arguments, status, word):
    source = tmp_path / "example.c"
    source.write_text(example())
    compile_program(source, tmp_path / "example", installed)
    result = subprocess.run([tmp_path / "example", *(argument.format(root=root) for argument in arguments)], text=True,
                            stdin=subprocess.DEVNULL, capture_output=True, check=False, env=with_library(installed))
    assert (result.returncode, result.stdout) == (status, "") and word in result.stderr


def test_manual_names_all_functions_and_options():
    """The functions of the header, and the options that only the library has."""
    page = MANUAL.read_text()
    assert set(re.findall(r"^\.(?:Fn|Fo) (gate_\w+)", page.split(".Sh DESCRIPTION")[0], re.MULTILINE)) == set(functions())
    assert set(re.findall(r"^\.It Fn (\w+)", page, re.MULTILINE)) == set(functions())
    assert set(re.findall(r"^\.It Li ([a-z-]+)", page, re.MULTILINE)) == ONLY_IN_THE_LIBRARY
    described = re.sub(r"\s*\*\s*", " ", HEADER.read_text())
    assert all(f'"{name}"' in described for name in ONLY_IN_THE_LIBRARY)
