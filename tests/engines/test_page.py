# SPDX-License-Identifier: Apache-2.0
"""The statements of docs/containers.md about single engines, apart from recipes. Options come from the page."""

import re
import shlex
from pathlib import Path

import pytest
from e2e.recipes import PROJECT, at, fenced, recipes, section
from engines import DENIED
from host import PAGE, WORK, Task, shell
from image import GATE_IMAGE, IMAGE

LOOK = "git ls-remote gate:///proj.git HEAD"
POD = "A pod with a gate of its own"


def said(result):
    return result.stderr + result.stdout.decode(errors="replace")


def named_on_page(pattern):
    """The one text on the page that fits a pattern."""
    found, = re.findall(pattern, (PROJECT / PAGE).read_text())
    return found


@pytest.fixture
def others_task(engine):  # pylint: disable=unused-argument # it has to be ready
    """task8, whose gate runs as an ordinary user. Every user may read its token."""
    task = Task("task", folder="/run/task8", mirrors="/srv/others")
    (task.folder / "token").chmod(0o644)
    (task.folder / "gitconfig").chmod(0o644)
    yield task
    task.stop()


@pytest.mark.engines("podman", "docker")
@pytest.mark.usefixtures("others_task")
def test_capability(engine):
    """Root in a container ignores the socket's mode, unless it lacks one capability, which the page names."""
    result = engine.run(command=LOOK, folder="/run/task8")
    assert result.returncode == 0, result
    result = engine.run(command=LOOK, folder="/run/task8", more=named_on_page(r"unless `(--cap-drop=\S+)`"))
    assert result.returncode != 0 and DENIED in said(result) and "CAP_DAC_OVERRIDE" in said(result), result


@pytest.mark.engines("podman")
@pytest.mark.usefixtures("task")
def test_keep_id_of_root(engine):
    """The recipe leaves --userns=keep-id out for root, as Podman 4.3 refuses it."""
    if not engine.version().startswith("4.3."):
        pytest.skip("the page says it of Podman 4.3")
    result = shell(at(engine.recipe(), {"IMAGE": IMAGE}))
    assert result.returncode != 0 and "keep-id is only supported in rootless mode" in said(result), result


@pytest.mark.engines("podman", "podman-rootless")
def test_health(engine, task):
    """The page's probe succeeds, and fails once the gate no longer accepts the token."""
    probe, = [block for block in recipes(PAGE, "A health probe") if "--health-cmd" in block]
    options = probe.replace("\\\n", " ").split("run ...")[1].replace("IMAGE", "")
    name = f"--detach --name=probed --health-interval=disable {options}"
    started = engine.run(command="exec sleep 60", more=name.strip())
    try:
        assert started.returncode == 0, started
        assert shell("podman healthcheck run probed", user=engine.user).returncode == 0
        right = (task.folder / "token").read_bytes()
        (task.folder / "token").write_bytes(b"not-" + right)
        result = shell("podman healthcheck run probed", user=engine.user)
        (task.folder / "token").write_bytes(right)
        assert result.returncode != 0, result
    finally:
        shell("podman rm --force --time=0 probed", user=engine.user)


@pytest.mark.engines("podman", "podman-rootless")
@pytest.mark.parametrize("place, other, status, words", [
    ("", "", 0, "Cloning into"),
    ("    - {name: token, mountPath: /run/git-gate.token, readOnly: true}\n    - {name: settings", "    - {name: settings",
     128, "names a file that cannot be read"),
    ("    - {name: socket, mountPath: /run/git-gate, readOnly: true}\n", "", 128, "there is no socket"),
], ids=["as it stands", "no token", "no mount"])
def test_pod(engine, task, place, other, status, words):
    """A pod whose gate is one of its containers. It has the files of a task of the host."""
    assert (task.folder / "token").exists()
    text = at(fenced(PAGE, POD, "yaml")[0], {"GATE": GATE_IMAGE})
    (WORK / "pod.yaml").write_text(text if not place else at(text, {place: other}))
    play, wait, down = recipes(PAGE, POD)[-1].splitlines()
    try:
        result = shell(play, user=engine.user, cwd=WORK)
        assert result.returncode == 0, result
        ended = shell(wait, user=engine.user)
        log = shell("podman logs task7-task 2>&1; podman logs task7-gate 2>&1", user=engine.user)
        assert ended.stdout.decode().split() == [str(status)] and words in said(log), (ended, log)
    finally:
        result = shell(down, user=engine.user, cwd=WORK)
        assert result.returncode == 0, result


@pytest.mark.engines("nspawn")
@pytest.mark.usefixtures("task")
def test_gate_inside_nspawn(engine):
    """With the system calls that the page names, the gate starts under full confinement. Without them it does not."""
    ours = "--bind-ro=/usr/local:/usr/local --bind=/srv/mirrors:/srv/mirrors"
    serve = "timeout --preserve-status 2 git-gate serve --confine=require --listen=127.0.0.1:0 /srv/mirrors/proj.git"
    allowed = named_on_page(r"(--system-call-filter='[^']+')")
    result = engine.run(command=serve, more=f"{ours} {allowed}")
    assert result.returncode == 0 and "listening http://127.0.0.1:" in said(result), result
    result = engine.run(command=serve, more=ours)
    assert "listening" not in said(result) and "--confine" in said(result), result


@pytest.mark.engines("gvisor")
@pytest.mark.usefixtures("task")
def test_closed_gvisor(engine):
    """Without the option gVisor refuses the host's sockets, and git-remote-gate says so."""
    result = engine.run("sockets closed")
    assert result.returncode != 0 and "gVisor, the kernel of this sandbox" in said(result), result


@pytest.mark.engines("podman", "podman-rootless", "docker", "bubblewrap", "nspawn")
def test_borrowing(engine, task):
    """With one more mount, a clone copies no objects."""
    titles = {"podman-rootless": "Podman", "podman": "Podman", "docker": "Docker", "nspawn": "systemd-nspawn"}
    row = re.escape(titles.get(engine.name, engine.name))
    option, = re.findall(rf"^\| {row} \| `(.+)` \|$", section(PAGE, "Clones that copy nothing"), re.M)
    clone, = [block for block in recipes(PAGE, "Clones that copy nothing") if block.endswith("gate:///proj.git proj\n")]
    result = engine.run(command=f"cd /tmp; {clone} cat proj/.git/objects/info/alternates; find proj/.git/objects -type f | wc -l",
                        more=option)
    assert result.returncode == 0, result
    assert result.stdout.decode().split() == ["/run/mirror/objects", "1"], result  # the file of alternates alone
    assert task.gate.poll() is None


@pytest.mark.engines("podman", "podman-rootless")
@pytest.mark.usefixtures("task")
def test_bridge(engine):
    """A program that insists on http:// works beside the bridge."""
    bridge, = [block for block in recipes(PAGE, "Programs that insist on http://") if block.startswith("podman")]
    clone = recipes(PAGE, "Programs that insist on http://")[0].split("&\n", 1)[1].split("git -C proj push")[0]
    text = at(bridge, {"exec task'": "cd /tmp; . /clone'", "IMAGE": f"--volume={WORK}/clone:/clone:ro IMAGE"})
    (WORK / "clone").write_text(clone)
    result = engine.run_recipe(text)
    assert result.returncode == 0 and "Cloning into 'proj'" in said(result), result
    assert shlex.split(clone)[0] == "git"


@pytest.mark.engines("podman")
def test_quadlet(engine):
    """The example in systemd/ wants its socket but does not require it, and does not wait for a network."""
    quadlet = Path("/usr/libexec/podman/quadlet")
    if not quadlet.exists() or tuple(map(int, re.findall(r"\d+", engine.version())[:2])) < (5, 3):
        pytest.skip("needs Podman 5.3 with Quadlet")
    example = (PROJECT / "systemd/git-gate-task.container").read_text()
    folder = WORK / "quadlets"
    folder.mkdir()
    (folder / "task7.container").write_text(example)
    (folder / "waits.container").write_text(at(example, {"DefaultDependencies=false\n": ""}))
    result = shell(f"QUADLET_UNIT_DIRS={folder} {quadlet} -user -dryrun")
    units = dict(re.findall(r"^---(\S+)\.service---\n(.*?)(?=^---\S+---$|\Z)", result.stdout.decode(), re.M | re.S))
    assert "network-online" in units["waits"] and "network-online" not in units["task7"], result
    assert "\nWants=git-gate@task7.socket\n" in units["task7"] and "\nRequires=" not in units["task7"], result
