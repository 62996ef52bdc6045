# SPDX-License-Identifier: Apache-2.0
"""The recipes of docs/containers.md, with other places: sandboxes, settings, and the URLs of a forge."""

import shutil
import socket

import pytest

from .bridge import HELPER, Bridge
from .http import TOKEN
from .recipes import at, fenced, recipes
from .repos import ENVIRONMENT, bare, commit, git, history, out, refs, run_bounded, work_tree
from .sandboxes import Bubblewrap

PAGE = "docs/containers.md"
SOCKET, TOKEN_FILE, FOLDER = "/run/git-gate/gate.sock", "/run/git-gate.token", "/run/task7"
PROGRAM = "/usr/local/bin/git-remote-gate"
PORT = "9418"


@pytest.fixture
def root(tmp_path):
    """proj.git with two submodules, whose URLs are relative, as on a forge."""
    root = tmp_path / "root"
    tips = {name: history(bare(root / f"{name}.git"), 2, text=name)[-1] for name in ("lib", "docs")}
    work = work_tree(tmp_path / "work")
    (work / ".gitmodules").write_text('[submodule "lib"]\n\tpath = lib\n\turl = ../lib.git\n'
                                      '[submodule "docs"]\n\tpath = docs\n\turl = ../docs\n')
    for name, tip in tips.items():
        git("update-index", "--add", "--cacheinfo", f"160000,{tip},{name}", cwd=work)
    git("add", ".gitmodules", cwd=work)
    git("commit", "--quiet", "-m", "Add submodules", cwd=work)
    git("clone", "--quiet", "--bare", work, root / "proj.git")
    return root


@pytest.fixture
def gate(root, start_gate):
    return start_gate(f"--mirror-root={root}", "--scope=*", transport="unix")


@pytest.fixture
def host(tmp_path, gate):
    """The folder of the task on the host: socket/gate.sock, token and, by the recipe, gitconfig."""
    folder = tmp_path / "task7"
    folder.mkdir()
    (folder / "socket").symlink_to(gate.socket_path.parent)
    (folder / "token").write_text(f"{TOKEN}\n")
    recipe, = recipes(PAGE, "The settings")
    shell(at(recipe, {FOLDER: folder}), tmp_path)
    return folder


@pytest.fixture
def places(gate, host):
    """The places of a container, for a machine without one."""
    return {SOCKET: gate.socket_path, TOKEN_FILE: host / "token"}


def shell(script, cwd, ok=True, **variables):
    """Run a script without any variable for gate://; its result."""
    own = {name: value for name, value in {**ENVIRONMENT, "HOME": str(cwd), **variables}.items()
           if not name.startswith("GIT_GATE_") or name == "GIT_GATE_WAIT"}
    result = run_bounded(["sh", "-euc", script], seconds=60, cwd=cwd, environment=own)
    assert (result.returncode == 0) == ok, f"{script}\n{result}"
    return result


def test_settings(host, places, tmp_path):
    """git needs only these settings, whatever a program has removed from its environment."""
    settings = tmp_path / "settings"
    settings.write_text(at((host / "gitconfig").read_text(), places))
    result = shell("git ls-remote gate:///proj HEAD", tmp_path, GIT_CONFIG_GLOBAL=str(settings))
    assert b"\tHEAD\n" in result.stdout


def test_bubblewrap(host, gate, tmp_path):
    if Bubblewrap.obstacle():
        pytest.skip(Bubblewrap.obstacle())
    recipe, = recipes(PAGE, "bubblewrap")
    recipe = at(recipe, {f"{FOLDER}/socket": gate.socket_path.parent, FOLDER: host, PROGRAM: HELPER,
                         "git clone gate:///proj.git": "sh -c 'git clone gate:///proj.git && git -C proj rev-parse HEAD'"})
    own = {name: value for name, value in ENVIRONMENT.items() if not name.startswith("GIT_")}
    result = run_bounded(["sh", "-euc", recipe], seconds=60, cwd=tmp_path, environment=own)
    assert result.returncode == 0, result
    assert result.stdout.decode().strip() == refs(tmp_path / "root" / "proj.git")["refs/heads/main"]


def test_urls_of_a_forge(host, places, tmp_path):
    more, commands = recipes(PAGE, "The URLs of a forge")
    settings = tmp_path / "settings"
    settings.write_text(at((host / "gitconfig").read_text(), places) + more)
    folder = tmp_path / "clones"
    folder.mkdir()
    assert "https://" in commands and "ssh://" in commands and "git@" in commands
    shell(commands, folder, GIT_CONFIG_GLOBAL=str(settings))
    assert out("rev-list", "--count", "HEAD", cwd=folder / "proj" / "lib") == "2"
    assert out("rev-list", "--count", "HEAD", cwd=folder / "proj" / "docs") == "2"
    tip = commit(folder / "ssh-proj", "new", "text\n")
    shell("git push --quiet origin HEAD:refs/heads/task7", folder / "ssh-proj", GIT_CONFIG_GLOBAL=str(settings))
    assert refs(tmp_path / "root" / "proj.git")["refs/heads/task7"] == tip
    assert "forge.example" in out("config", "remote.origin.url", cwd=folder / "ssh-proj")


@pytest.mark.parametrize("program, number", [("srt", 1), ("codex", 2)])
def test_sandbox_of_a_coding_agent(host, gate, tmp_path, program, number):
    """Both are on npm: @anthropic-ai/sandbox-runtime, which needs bwrap, socat and rg, and @openai/codex."""
    if not shutil.which(program):
        pytest.skip(f"needs {program}")
    blocks = recipes(PAGE, "Sandboxes of coding agents")
    (tmp_path / "tmp").mkdir()
    home = {"HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": str(tmp_path / ".gitconfig"),
            "TMPDIR": str(tmp_path / "tmp")}  # codex refuses a home below it
    shell(at(blocks[0], {f"{FOLDER}/socket": gate.socket_path.parent, FOLDER: host}), tmp_path, **home)
    (tmp_path / "srt.json").write_text(fenced(PAGE, "Sandboxes of coding agents", "json")[0])
    shell(blocks[number], tmp_path, **home)
    assert out("rev-parse", "HEAD", cwd=tmp_path / "proj") == refs(tmp_path / "root" / "proj.git")["refs/heads/main"]


def test_bridge(host, gate, tmp_path):
    """Without the line for no_proxy, git asks the proxy, which is not there."""
    commands, *_, proxy = recipes(PAGE, "Programs that insist on http://")
    _, commands = commands.split("&\n", 1)
    bridge = Bridge(gate.socket_path)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    try:
        commands = at(commands, {PORT: bridge.port, TOKEN_FILE: host / "token",
                                 "git -C proj push": "git -C proj push --quiet"})
        result = shell(commands, tmp_path, ok=False, http_proxy=nowhere)
        assert "ailed to connect to 127.0.0.1" in result.stderr
        shell(proxy + commands, tmp_path, http_proxy=nowhere)
    finally:
        bridge.stop()
    mirror = refs(tmp_path / "root" / "proj.git")
    assert mirror["refs/heads/task7"] == mirror["refs/heads/main"]
