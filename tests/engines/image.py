# SPDX-License-Identifier: Apache-2.0
"""
Makes two images from a folder with Debian, in one archive that Podman, Docker and containerd load: that of a task, with
git, and that of a gate, which has git-gate, too.
"""

import functools
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

IMAGE, GATE_IMAGE = "localhost/task:latest", "localhost/gate:latest"
PATH = "PATH=/usr/local/bin:/usr/bin:/bin"
NO_PART = ["./proc/*", "./sys/*", "./dev/*", "./tmp/*", "./var/cache/*", "./var/lib/apt/lists/*", "./usr/share/doc/*",
           "./usr/share/locale/*", "./usr/share/man/*", "./usr/share/zoneinfo/*", "./usr/share/i18n/*", "./var/lib/dpkg/info/*",
           "./usr/lib/*/gconv/*"]


@functools.lru_cache
def archive():
    """The archive's path; it is in the format of `docker save`."""
    folder = Path(os.environ["GIT_GATE_WORK"]) / "image"
    folder.mkdir()
    system = layer(folder / "system.tar", os.environ["GIT_GATE_ROOT"], *(f"--exclude={part}" for part in NO_PART))
    gate = layer(folder / "gate.tar", Path(os.environ["GIT_GATE_WORK"]) / "installed")
    images = [describe(folder, "task", IMAGE, system), describe(folder, "gate", GATE_IMAGE, system, gate)]
    (folder / "manifest.json").write_text(json.dumps(images))
    path = folder.with_suffix(".tar")
    with tarfile.open(path, "w") as whole:
        for part in sorted(folder.iterdir()):
            whole.add(part, part.name)
    shutil.rmtree(folder)
    path.chmod(0o644)
    return path


def layer(path, folder, *options):
    """Pack a folder; the file's name and its digest."""
    subprocess.run(["tar", "--create", f"--file={path}", f"--directory={folder}", "--numeric-owner", "--one-file-system",
                    *options, "."], check=True)
    with open(path, "rb") as file:
        return path.name, hashlib.file_digest(file, "sha256").hexdigest()


def describe(folder, name, tag, *layers):
    """Write the configuration of an image; its entry for the manifest."""
    architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    config = {"architecture": architecture, "os": "linux", "config": {"Env": [PATH], "Cmd": ["sh"]},
              "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for _, digest in layers]},
              "history": [{"created_by": file} for file, _ in layers]}
    (folder / f"{name}.json").write_text(json.dumps(config))
    return {"Config": f"{name}.json", "RepoTags": [tag], "Layers": [file for file, _ in layers]}
