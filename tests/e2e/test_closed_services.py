# SPDX-License-Identifier: Apache-2.0
"""
Services of git that the operator or the repository closes, with each --backend.

And the answer to HEAD, which --backend=services makes without git-http-backend.
"""

import pytest

from .backends import BACKENDS, NAME, real_exec_path
from .repos import bare, git, history

SERVICES = {"http.uploadpack": "/info/refs?service=git-upload-pack",
            "http.receivepack": "/info/refs?service=git-receive-pack", "http.getanyfile": "/HEAD"}


def test_services_without_http_backend(tmp_path, start_gate):
    """Some systems package git in parts. The gate still answers HEAD there."""
    history(bare(tmp_path / "mirrors" / "repo.git"), 1)
    parts = tmp_path / "parts"
    parts.mkdir()
    for found in real_exec_path().iterdir():
        if found.name != NAME:
            (parts / found.name).symlink_to(found)
    gate = start_gate(f"--mirror-root={tmp_path}/mirrors", "--scope=repo", "--backend=services",
                      variables={"GIT_EXEC_PATH": str(parts)})
    git("clone", "--quiet", gate.url(), tmp_path / "work")
    response = gate.ask("GET", "/repo.git/HEAD")
    assert (response.status, response.fields["content-type"]) == (200, "text/plain")
    assert response.body == b"ref: refs/heads/main\n"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("setting, target", SERVICES.items())
def test_operator_closes(tmp_path, start_gate, backend, setting, target):
    history(bare(tmp_path / "mirrors" / "repo.git"), 1)
    gate = start_gate(f"--mirror-root={tmp_path}/mirrors", "--scope=repo", f"--backend={backend}",
                      f"--git-config={setting}=false")
    response = gate.ask("GET", f"/repo.git{target}")
    assert (response.status, response.fields["gate-reason"]) == (403, "git-refuses")
    others = {*SERVICES.values()} - {target}
    assert [gate.ask("GET", f"/repo.git{other}").status for other in others] == [200, 200]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("setting", SERVICES)
def test_repository_closes(tmp_path, start_gate, backend, setting):
    """A service that the repository closes, in any of git's words, is closed from the next request on. Others stay open."""
    repo = bare(tmp_path / "mirrors" / "repo.git")
    history(repo, 1)
    gate = start_gate(f"--mirror-root={tmp_path}/mirrors", "--scope=repo", f"--backend={backend}")

    def closed():
        answers = {name: gate.ask("GET", f"/repo.git{target}", "Git-Protocol: version=2")
                   for name, target in SERVICES.items()}
        assert all((answer.status, answer.reason) in ((200, None), (403, "git-refuses")) for answer in answers.values())
        return [name for name, answer in answers.items() if answer.status == 403]

    assert not closed()
    for value in ("false", "No", "off", "0"):
        git("config", setting, value, cwd=repo)
        assert closed() == [setting]
    git("config", setting, "true", cwd=repo)
    assert not closed()
    (repo / "config").write_text(f"[http]\n\t{setting.split('.')[1]} = true\n\t{setting.split('.')[1]} = false\n")
    assert closed() == [setting]
    (repo / "config").write_text("")
    (repo / "config.worktree").write_text(f"[http]\n\t{setting.split('.')[1]} = false\n")
    assert closed() == [setting]
    gate.wait_no_children()


@pytest.mark.parametrize("backend", BACKENDS)
def test_repository_closes_a_service_to_clients(tmp_path, start_gate, backend):
    """A push gets its refusal before git starts. The operator may open the service by name."""
    repo = bare(tmp_path / "mirrors" / "repo.git")
    history(repo, 1)
    git("config", "http.receivepack", "false", cwd=repo)
    options = [f"--mirror-root={tmp_path}/mirrors", "--scope=repo", f"--backend={backend}"]
    gate = start_gate(*options)
    response = gate.ask("POST", "/repo.git/git-receive-pack", "Content-Type: application/x-git-receive-pack-request",
                        body=b"0000")
    assert (response.status, response.reason) == (403, "git-refuses")
    assert b"repository's own configuration" in response.body
    git("clone", "--quiet", gate.url(), tmp_path / "work")
    refused = git("push", "origin", "HEAD:refs/heads/other", cwd=tmp_path / "work", ok=False)
    assert "403" in refused.stderr
    gate = start_gate(*options, "--git-config=http.receivepack=true")
    git("push", gate.url(), "HEAD:refs/heads/other", cwd=tmp_path / "work")


@pytest.mark.parametrize("option, told", [
    ("--git-config=transfer.hideRefs=HEAD", b""), ("--hide-refs=refs/heads", b"ref: refs/heads/main\n"),
    ("--hide-refs=!refs/heads", b"ref: refs/heads/main\n"),
    ("--git-config=transfer.hideRefs=!refs", b"ref: refs/heads/main\n")])
def test_head_of_services_and_hidden_references(tmp_path, start_gate, option, told):
    """For HEAD the gate hides all other references. The operator may hide HEAD too, but can show no other one."""
    history(bare(tmp_path / "mirrors" / "repo.git"), 1)
    gate = start_gate(f"--mirror-root={tmp_path}/mirrors", "--scope=repo", "--backend=services", option)
    response = gate.ask("GET", "/repo.git/HEAD")
    assert (response.status, response.body) == (200, told)
