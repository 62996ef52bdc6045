# SPDX-License-Identifier: Apache-2.0
"""Signed pushes: git checks them with gpg and ssh-keygen and the keys in --home, also under confinement."""

import os
import subprocess

import pytest

from .confinement import needs_confinement
from .repos import bare, commit, git, history

pytestmark = needs_confinement
NONCE = "--git-config=receive.certNonceSeed=seed"
SHOW = '#!/bin/sh\necho "status=$GIT_PUSH_CERT_STATUS signer=$GIT_PUSH_CERT_SIGNER nonce=$GIT_PUSH_CERT_NONCE_STATUS"\n'
SIGNER = "a@example.com"


class Scene:
    """A repository, a hook that shows git's findings, and git's HOME."""

    def __init__(self, folder):
        self.folder = folder
        self.home = folder / "home"
        self.hooks = folder / "hooks"
        for made in (self.home, self.hooks, folder / "mirrors"):
            made.mkdir()
        (self.hooks / "pre-receive").write_text(SHOW)
        (self.hooks / "pre-receive").chmod(0o755)
        self.repo = bare(folder / "mirrors" / "repo.git")
        history(self.repo, 1)

    def push(self, start_gate, *settings, options=(), variables=None):
        """Push signed, by a client with these settings; return what the hook saw."""
        gate = start_gate(f"--mirror-root={self.repo.parent}", "--scope=repo", "--confine=auto", NONCE,
                          f"--home={self.home}", f"--hooks-path={self.hooks}", *options)
        clone = self.folder / "clone"
        git("clone", "--quiet", gate.url(), clone)
        commit(clone, "file", "signed")
        with_settings = [part for setting in settings for part in ("-c", setting)]
        said = git(*with_settings, "push", "--signed", "origin", "HEAD:signed", cwd=clone, **(variables or {})).stderr
        seen = next(line.removeprefix("remote: ").strip() for line in said.splitlines() if "status=" in line)
        return seen.replace("nonce=SLOP", "nonce=OK")  # git takes a nonce of an earlier second for SLOP


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def gpg(home, *arguments, **more):
    return subprocess.run(["gpg", "--homedir", home, "--batch", "--quiet", *arguments], check=True, capture_output=True,
                          timeout=60, **more)


@pytest.fixture
def keys(tmp_path):
    """A client's gpg folder with a secret key."""
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    gpg(folder, "--passphrase", "", "--quick-generate-key", f"A <{SIGNER}>", "ed25519", "sign", "never")
    yield folder
    subprocess.run(["gpgconf", "--homedir", folder, "--kill", "all"], check=True, timeout=60)


@pytest.mark.parametrize("text, status", [("trust-model always\n", "G"), (None, "N")])
def test_gpg(scene, start_gate, keys, text, status):
    """A line in gpg.conf keeps gpg from writing its trust database, as nothing may write in --home."""
    home = scene.home / ".gnupg"
    home.mkdir(mode=0o700)
    gpg(home, "--no-autostart", "--import", input=gpg(keys, "--export").stdout)
    (home / "trustdb.gpg").unlink(missing_ok=True)
    if text:
        (home / "gpg.conf").write_text(text)
    before = sorted(os.listdir(home))
    seen = scene.push(start_gate, f"user.signingKey={SIGNER}", variables={"GNUPGHOME": os.fspath(keys)})
    signer = f"A <{SIGNER}>" if status == "G" else ""
    assert seen == f"status={status} signer={signer} nonce=OK"
    assert sorted(os.listdir(home)) == before


@pytest.mark.parametrize("is_known", [True, False])
def test_ssh(scene, start_gate, tmp_path, is_known):
    """git reports G for any key that signed, so a hook has to check the signer, too."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True, timeout=60)
    signers = scene.home / "signers"
    signers.write_text(f"{SIGNER} {(tmp_path / 'key.pub').read_text()}" if is_known else "")
    seen = scene.push(start_gate, "gpg.format=ssh", f"user.signingKey={tmp_path / 'key'}",
                      options=(f"--git-config=gpg.ssh.allowedSignersFile={signers}",))
    assert seen == f"status=G signer={SIGNER if is_known else ''} nonce=OK"
