# SPDX-License-Identifier: Apache-2.0
"""Installed files: their places, and whether git, programs and systemd find them."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from .bridge import check_static, is_sanitized
from .gate import PROGRAM, run
from .header import functions
from .repos import ENVIRONMENT, git, out

BUILD = Path(PROGRAM).parent
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed():
    """The root of the installation. Every user may look in, as man(1) may run as another one."""
    if not shutil.which("meson") or not os.access(BUILD / "build.ninja", os.W_OK):
        pytest.skip("needs meson, and a build folder that can be written")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", root], check=True,
                       capture_output=True)
        yield root


@pytest.fixture(scope="module")
def path(installed):
    program, = installed.glob("**/bin/git-gate")
    return f"{program.parent}:{os.environ['PATH']}"


def test_git_finds_the_program(path):
    answer = subprocess.run(["git", "gate", "--version"], check=True, capture_output=True, text=True,
                            env={**ENVIRONMENT, "PATH": path}).stdout
    assert answer.startswith("git-gate ") and len(answer.split()) == 2


@pytest.mark.skipif(not shutil.which("man"), reason="needs man(1)")
def test_git_finds_the_manual(installed, path):
    """git looks for a command's manual only if it finds the command."""
    page, = installed.glob("**/man1/git-gate.1")
    shown = subprocess.run(["git", "help", "gate"], check=True, capture_output=True, text=True,
                           env={**ENVIRONMENT, "PATH": path, "MANPATH": str(page.parents[1]),
                                "MANPAGER": "cat", "MANWIDTH": "80"}).stdout
    assert "GIT-GATE(1)" in shown and "--mirror-root" in shown


def pages(installed):
    return sorted((*installed.glob("**/man1/*"), *installed.glob("**/man3/*")))


@pytest.mark.skipif(not shutil.which("man"), reason="needs man(1)")
def test_manual_has_each_name(installed):
    """Every program and every function of the library has a page, or is part of another one's."""
    page, = installed.glob("**/man1/git-gate.1")
    programs = {path.name for path in next(installed.glob("**/bin")).iterdir()}
    assert {path.stem for path in pages(installed)} == programs | {"libgitgate"} | set(functions())
    for name in programs | set(functions()):
        shown = subprocess.run(["man", name], check=True, capture_output=True, text=True,
                               env={**ENVIRONMENT, "MANPATH": str(page.parents[1]), "MANPAGER": "cat"}).stdout
        assert name.removeprefix("git-gate-") in shown and "GATE(" in shown.splitlines()[0].upper()


def test_manual_says_where_faults_go(installed):
    for path in pages(installed):
        text = path.read_text()
        assert "\n.Sh AUTHORS\n" in text and "\n.Sh BUGS\n" in text, path
        assert "SECURITY.md" in text.split("\n.Sh BUGS\n")[1] and not re.search("@[A-Z]+@", text), path


def test_git_clones_by_the_helper(installed, path, small_root, start_gate, tmp_path):
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", transport="unix")
    git("clone", "--quiet", "gate:///repo.git", tmp_path / "clone", PATH=path, GIT_GATE_SOCKET=gate.socket_path)
    assert out("rev-parse", "HEAD", cwd=tmp_path / "clone") == out("rev-parse", "main", cwd=small_root / "repo.git")


@pytest.mark.skipif(is_sanitized(), reason="the sanitizers know no static programs")
def test_helper_is_one_static_file(installed):
    helper, = installed.glob("**/bin/git-remote-gate")
    check_static(helper)


# Acts as the compiler of a machine whose libc has no such start file, or no static archive.
COMPILER = """#!/bin/sh
for argument; do
    case $argument in
    {without}) exit 1 ;;
    esac
done
exec cc "$@"
"""


@pytest.mark.skipif(not shutil.which("meson"), reason="needs meson")
@pytest.mark.parametrize("without, options, words", [
    ("-static-pie", (), "static programs are linked at a fixed address"),
    ("-static-pie | -static", (), "WARNING: git-remote-gate is not static"),
    ("-static-pie | -static", ("-Dstatic=true",), "git-remote-gate cannot be linked statically"),
    ("-static-pie | -static", ("-Dstatic=false",), "git-remote-gate: dynamic"),
    ("none", (), "git-remote-gate: static"),
])
def test_helper_without_static_libc(tmp_path, without, options, words):
    """The build finds out what can be linked, and says so."""
    compiler = tmp_path / "cc"
    compiler.write_text(COMPILER.format(without=without))
    compiler.chmod(0o755)
    result = subprocess.run(["meson", "setup", "-Dmusl=disabled", *options, tmp_path / "build", ROOT],
                            capture_output=True, text=True, check=False, env={**os.environ, "CC": str(compiler)})
    assert words in re.sub(r" +: ", ": ", result.stdout), result.stdout
    assert (result.returncode == 0) == ("cannot" not in words)


def relative(root):
    """The files below a folder, and links to files, as paths within it."""
    return {str(path.relative_to(root)) for path in root.glob("**/*") if not path.is_dir()}


def test_nothing_else_is_installed(installed):
    prefix = next(installed.glob("**/bin/git-gate")).parents[1]
    files = {re.sub(r"^lib(/[^/]*-linux-gnu[^/]*|64)?/(?=libgitgate|pkgconfig)", "lib/", name)
             for name in relative(prefix) if "/__pycache__/" not in name}
    package = {name for name in files if "/git_gate/" in name}
    version = run("--version").stdout.split()[1]
    assert len({Path(name).parent for name in package}) == 1
    assert {Path(name).name for name in package} == {"__init__.py", "_library.py", "_moves.py", "_pipe.py", "_records.py", "py.typed"}
    hooks = {name for name in files if name.startswith("libexec/git-gate/hooks/")}
    assert hooks and all(re.fullmatch("libexec/git-gate/hooks/([0-7]|alone)/[a-z-]+", name) for name in hooks)
    assert {(prefix / name).resolve() for name in hooks} == {(prefix / "libexec/git-gate/git-gate-hook").resolve()}
    completions = {f"share/{name}" for name in (
        "bash-completion/completions/git-gate", "bash-completion/completions/git-gate-bridge", "zsh/site-functions/_git-gate",
        "fish/vendor_completions.d/git-gate.fish", "fish/vendor_completions.d/git-gate-bridge.fish")}
    manuals = {name for name in files if name.startswith("share/man/")}
    assert completions <= files and files - package - hooks - manuals - completions == {
        "bin/git-gate", "bin/git-gate-bridge", "bin/git-remote-gate", "include/gitgate.h", "libexec/git-gate/git-gate-hook",
        "lib/libgitgate.so", "lib/libgitgate.so.0", f"lib/libgitgate.so.{version}", "lib/pkgconfig/gitgate.pc"}
    assert all(re.fullmatch(r"share/man/man([13])/[a-z_-]+\.\1", name) for name in manuals)
    assert relative(installed) == {str(prefix.relative_to(installed) / name) for name in relative(prefix)}


@pytest.mark.skipif(not shutil.which("meson"), reason="needs meson")
@pytest.mark.parametrize("options, program", [
    ((), "/usr/local/bin/git-gate"),
    (("--prefix=/usr",), "/usr/bin/git-gate"),
    (("--prefix=/opt/gate", "--bindir=programs"), "/opt/gate/programs/git-gate"),
])
def test_units(tmp_path, options, program):
    """-Dsystemd=enabled installs units for both managers, with the program's final path."""
    subprocess.run(["meson", "setup", "-Dsystemd=enabled", *options, tmp_path / "build", ROOT], check=True,
                   capture_output=True)
    subprocess.run(["meson", "install", "-C", tmp_path / "build", "--no-rebuild", "--tags=systemd", "--destdir",
                    tmp_path / "root"], check=True, capture_output=True)
    units = tmp_path / "root" / str(Path(program).parents[1])[1:] / "lib" / "systemd"
    both = ("git-gate@.service", "git-gate@.socket", "git-gate-upkeep@.service", "git-gate-upkeep@.timer")
    for_the_system = {f"system/{name}@.service.d/system.conf" for name in ("git-gate", "git-gate-upkeep")}
    expected = for_the_system | {f"{manager}/{name}" for manager in ("system", "user") for name in both}
    assert {str(units.relative_to(tmp_path / "root") / name) for name in expected} == relative(tmp_path / "root")
    source = (ROOT / "systemd" / "git-gate@.service.in").read_text()
    for manager in ("system", "user"):
        unit = (units / manager / "git-gate@.service").read_text()
        assert f"\nExecStart={program} serve " in unit and "@bindir@" not in unit
        assert unit == source.replace("@bindir@", str(Path(program).parent))


# ---- script/build install ----

# The README's command, with an existing repository and an end.
SNIPPET = """
import asyncio, subprocess, sys
from git_gate import GateServer, mint_token
async def main():
    token = mint_token()
    async with GateServer(mirror_root=sys.argv[1], scope="repo", token=token, host="127.0.0.1", port=0) as gate:
        print(subprocess.run(["git", "ls-remote", gate.address.replace("//", f"//x:{token}@") + "/repo.git"], check=True,
                             capture_output=True, text=True).stdout)
asyncio.run(main())
"""


@pytest.fixture
def fresh_machine(tmp_path):
    """Runs a command with an empty /usr/local. Its changes there, in /etc and in build/ are lost."""
    if not shutil.which("bwrap") or not (ROOT / "build" / "build.ninja").exists():
        pytest.skip("needs bwrap(1), and build/ as script/build makes it")
    shutil.copytree(ROOT / "build", tmp_path / "build", symlinks=True)
    (tmp_path / "etc").mkdir()
    # The test needs only files there that others may read.
    subprocess.run(["cp", "-a", "/etc/.", tmp_path / "etc"], check=False, capture_output=True)
    root = () if os.geteuid() == 0 else ("--unshare-user", "--uid", "0", "--gid", "0")
    command = ["bwrap", *root, "--dev-bind", "/", "/", "--tmpfs", "/usr/local", "--bind", tmp_path / "etc", "/etc",
               "--bind", tmp_path / "build", ROOT / "build"]
    attempt = subprocess.run([*command, "true"], capture_output=True, check=False, text=True)
    if attempt.returncode != 0:
        pytest.skip(f"bwrap can do nothing here: {attempt.stderr.strip()}")

    def run_there(*arguments):
        return subprocess.run([*command, "sh", "-ec", *arguments], cwd=ROOT, capture_output=True, check=False,
                              text=True, env=ENVIRONMENT)
    return run_there


def test_programs_find_the_library(fresh_machine, small_root):
    """Runs script/build install and then the snippet, as the README says."""
    result = fresh_machine('script/build install; exec /usr/bin/python3 -c "$@"', "sh", SNIPPET, small_root)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split()[1] == "HEAD" and result.stderr.splitlines()[-1] == "build: installed below /usr/local"


def test_library_where_the_loader_and_pkg_config_look(fresh_machine):
    """The script overrides meson's choice, which on Debian without dpkg-dev is lib64, and nothing searches that."""
    result = fresh_machine("meson configure build --libdir=lib64; script/build install\n"
                           "/usr/bin/python3 -c 'import git_gate'; pkg-config --cflags --libs gitgate")
    assert result.returncode == 0 and "-lgitgate" in result.stdout, result.stderr
    assert result.stderr.splitlines()[-1] == "build: installed below /usr/local", "nobody has to be told anything"


def test_library_in_the_folder_that_is_named(fresh_machine):
    """LIBDIR names another folder; the script says that neither the loader nor pkg-config looks there."""
    result = fresh_machine("LIBDIR=lib/apart script/build install; ls /usr/local/lib/apart/libgitgate.so.0")
    assert result.returncode == 0, result.stderr
    assert "libgitgate(3)" in result.stderr and "PKG_CONFIG_PATH=/usr/local/lib/apart/pkgconfig" in result.stderr


@pytest.mark.parametrize("how, folder", [
    ("", "/usr/local"), ("DESTDIR=/usr/local/root /opt/gate", "/usr/local/root/opt")])
def test_uninstall(fresh_machine, how, folder):
    """uninstall removes everything that was installed, and nothing else, even in the same folders."""
    *variable, place = how.rsplit(" ", 1)
    build = f"{' '.join(variable)} script/build"
    result = fresh_machine(f"""
        mkdir -p {folder}/bin {folder}/share/man/man1
        touch {folder}/bin/other {folder}/share/man/man1/git-gone.1
        mkdir -p {folder}/gate/bin
        touch {folder}/gate/bin/own
        {build} install {place}
        test $(find {folder} -name '*git*gate*' | wc -l) -gt 10
        /usr/bin/python3 -m compileall -q $(find {folder} -name git_gate)
        {build} uninstall {place}
        cd {folder}
        find . ! -type d -o -name '*git[-_]gate*' -o -path ./gate/lib""")
    assert result.returncode == 0, result.stderr
    assert set(result.stdout.split()) == {"./bin/other", "./share/man/man1/git-gone.1", "./gate/bin/own"}
    assert result.stderr.splitlines()[-1].startswith("build: removed from ")


@pytest.mark.parametrize("how, told", [("DESTDIR=/usr/local/root script/build install /usr", False),
                                       ("script/build install /usr/local/apart", True)])
def test_where_the_loader_finds_nothing(fresh_machine, small_root, how, told):
    """With DESTDIR the script does not check the loader. Otherwise it reports the fault, and GIT_GATE_LIBRARY helps."""
    result = fresh_machine(f"{how}; ! ldconfig -p | grep gitgate")
    assert result.returncode == 0 and ("libgitgate(3)" in result.stderr) == told, result.stderr
    assert ("PKG_CONFIG_PATH=/usr/local/apart/lib" in result.stderr) == told, result.stderr
    result = fresh_machine(
        f"{how}; file=$(find /usr/local -name libgitgate.so.0); package=$(find /usr/local -name git_gate)\n"
        'GIT_GATE_LIBRARY=$file PYTHONPATH=${package%/*} /usr/bin/python3 -c "$@"\n'
        'LD_LIBRARY_PATH=${file%/*} PYTHONPATH=${package%/*} /usr/bin/python3 -c "$@"\n'
        'PYTHONPATH=${package%/*} /usr/bin/python3 -c "$@" 2>&1 | grep ImportError.*ldconfig',
        "sh", SNIPPET, small_root)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("\tHEAD\n") == 2
