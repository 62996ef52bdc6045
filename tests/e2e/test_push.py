# SPDX-License-Identifier: Apache-2.0
"""Tests pushes by git's client through the real program, over every transport."""

import itertools
import os

import pytest

from .http import TOKEN, head
from .packets import NO_OBJECT, PUSH_TYPE, push
from .repos import bare, commit, git, history, out, refs, sent_fields, work_tree

HOOKS = {
    "pre-receive": """
while read -r old new name; do
    case $name in refs/heads/forbidden*) echo "the hook says no to $name"; exit 1;; esac
done
""",
    "post-receive": """
cat >post-receive.input
env >post-receive.environ
echo "$GIT_PUSH_OPTION_COUNT $GIT_PUSH_OPTION_0" >post-receive.options
echo "the hook has run"
""",
}


@pytest.fixture(scope="module", params=["tcp", "unix", "remote"])
def transport(request):
    return request.param


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("push")


@pytest.fixture(scope="module")
def gate(root, transport, start_module_gate):
    return start_module_gate(f"--mirror-root={root}", "--scope=*", "--git-config=core.logAllRefUpdates=true",
                             transport=transport)


@pytest.fixture(scope="module")
def hooked_gate(root, transport, start_module_gate, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hooks")
    folder.chmod(0o755)
    for name, text in HOOKS.items():
        (folder / name).write_text("#!/bin/sh" + text)
        (folder / name).chmod(0o755)
    return start_module_gate(f"--mirror-root={root}", "--scope=*", f"--hooks-path={folder}", "--remote-user=task-7",
                             "--git-config=receive.advertisePushOptions=true",
                             "--git-config=core.logAllRefUpdates=true", transport=transport)


class Pair:
    """A mirror of four commits, and a clone made through the gate. The clone spends no time on compression."""
    numbers = itertools.count()

    def __init__(self, gate, root, folder):
        self.mirror = bare(root / f"repo{next(self.numbers)}.git")
        self.ids = history(self.mirror, 4)
        self.url = gate.url(self.mirror.stem)
        self.work = folder / self.mirror.stem
        git("clone", "--quiet", "--config=core.compression=0", self.url, self.work)

    def push(self, *arguments, **named):
        return git("push", *arguments, cwd=self.work, **named)

    def commit(self, name="file", content="new\n"):
        return commit(self.work, name, content)

    @property
    def refs(self):
        return refs(self.mirror)

    @property
    def shown(self):
        """The references that a client sees."""
        return {name: oid for name, oid in self.refs.items() if not name.startswith("refs/gate/")}


@pytest.fixture
def pair(gate, root, tmp_path):
    return Pair(gate, root, tmp_path)


@pytest.fixture
def hooked_pair(hooked_gate, root, tmp_path):
    return Pair(hooked_gate, root, tmp_path)


def test_fast_forward_and_new_branch(pair):
    tip = pair.commit()
    pair.push("origin", "main", "main:refs/heads/new")
    assert pair.refs == {"refs/heads/main": tip, "refs/heads/new": tip}
    git("fsck", "--strict", cwd=pair.mirror)


def test_force_delete_and_tags(pair):
    git("reset", "--quiet", "--hard", pair.ids[1], cwd=pair.work)
    tip = pair.commit()
    git("tag", "-a", "-m", "Tag", "v1", cwd=pair.work)
    git("tag", "v2", cwd=pair.work)
    pair.push("--force", "origin", "main", "main:gone")
    pair.push("--tags")
    assert pair.refs["refs/heads/main"] == tip
    assert {"refs/tags/v1", "refs/tags/v2", "refs/heads/gone"} < pair.refs.keys()
    pair.push("--delete", "origin", "gone", "v2")
    assert pair.shown.keys() == {"refs/heads/main", "refs/tags/v1"}


def test_force_with_lease(pair):
    git("reset", "--quiet", "--hard", pair.ids[1], cwd=pair.work)
    pair.commit()
    git("update-ref", "refs/heads/main", pair.ids[2], cwd=pair.mirror)
    assert "stale info" in pair.push("--force-with-lease", "origin", "main", ok=False).stderr
    assert pair.refs["refs/heads/main"] == pair.ids[2]


def test_rejected_when_not_fast_forward(pair):
    other = pair.commit("other")
    pair.push("origin", "main")
    git("reset", "--quiet", "--hard", pair.ids[3], cwd=pair.work)
    git("update-ref", "refs/remotes/origin/main", pair.ids[3], cwd=pair.work)
    pair.commit("mine")
    assert "[rejected]" in pair.push("origin", "main", ok=False).stderr
    assert pair.refs["refs/heads/main"] == other


def test_atomic_all_or_nothing(pair):
    """The server refuses one of two refs, whose name conflicts with another. Alone the other ref would go in."""
    tip = pair.commit()
    both = ["origin", "main", "main:refs/heads/main/below"]
    assert "[remote rejected]" in pair.push("--atomic", *both, ok=False).stderr
    assert pair.refs == {"refs/heads/main": pair.ids[3]}
    assert "[remote rejected]" in pair.push(*both, ok=False).stderr
    assert pair.refs == {"refs/heads/main": tip}


def test_mirror_push(pair):
    tip = pair.commit()
    git("branch", "extra", cwd=pair.work)
    git("update-ref", "refs/heads/stale", pair.ids[0], cwd=pair.mirror)
    git("remote", "remove", "origin", cwd=pair.work)
    pair.push("--mirror", pair.url)
    assert pair.shown == {"refs/heads/main": tip, "refs/heads/extra": tip}


def test_into_an_empty_repository(gate, root, tmp_path):
    mirror = bare(root / f"{tmp_path.name}-{gate.pid}.git")
    work = work_tree(tmp_path / "work")
    tip = commit(work, "file", "first\n")
    git("push", gate.url(mirror.stem), "main", cwd=work)
    assert refs(mirror) == {"refs/heads/main": tip}


def test_from_a_shallow_clone(pair, tmp_path):
    shallow = tmp_path / "shallow"
    git("clone", "--quiet", "--depth=1", pair.url, shallow)
    tip = commit(shallow, "file", "from a shallow clone\n")
    git("push", "origin", "main", cwd=shallow)
    assert pair.refs["refs/heads/main"] == tip
    git("fsck", cwd=pair.mirror)


@pytest.mark.parametrize("mebibytes, options", [(3, []), (3, ["-c", "http.postBuffer=65536"]), (30, [])])
def test_large_push_comes_chunked(pair, tmp_path, mebibytes, options):
    trace = tmp_path / "trace"
    content = os.urandom(mebibytes << 20)
    pair.commit("large", content)
    git(*options, "push", "--quiet", "origin", "main", cwd=pair.work, GIT_TRACE_CURL=trace, GIT_TRACE_CURL_NO_DATA=1)
    assert "chunked" in sent_fields(trace, "Transfer-Encoding")
    git("fsck", cwd=pair.mirror)
    assert out("rev-parse", "main:large", cwd=pair.mirror) == out("hash-object", "large", cwd=pair.work)


def test_large_push_in_one_piece(pair, tmp_path):
    """With a larger postBuffer the same push has a Content-Length."""
    trace = tmp_path / "trace"
    pair.commit("large", os.urandom(3 << 20))
    git("-c", "http.postBuffer=8388608", "push", "--quiet", "origin", "main", cwd=pair.work, GIT_TRACE_CURL=trace,
        GIT_TRACE_CURL_NO_DATA=1)
    assert any(int(length) > 3 << 20 for length in sent_fields(trace, "Content-Length"))
    git("fsck", cwd=pair.mirror)


def test_memory_does_not_grow_with_the_push(gate, pair):
    """20 MB go through buffers of fixed size. A small push comes first, so that the buffers exist."""
    pair.commit()
    pair.push("--quiet", "origin", "main")
    before = gate.peak_memory_kib()
    pair.commit("large", os.urandom(20_000_000))
    pair.push("--quiet", "origin", "main")
    assert gate.peak_memory_kib() - before < 8192


def test_push_that_waits_for_100(gate, pair):
    """curl sends none of a larger body before the gate's 100."""
    body = push([(NO_OBJECT, pair.ids[0], "refs/heads/new")])
    with gate.connect() as connection:
        connection.send(head("POST", f"/{pair.mirror.name}/git-receive-pack", PUSH_TYPE, f"Content-Length: {len(body)}",
                             "Expect: 100-continue"))
        assert connection.response().status == 100
        connection.send(body)
        response = connection.response()
        assert (response.status, response.complete) == (200, True) and b"ok refs/heads/new" in response.body
    assert pair.refs["refs/heads/new"] == pair.ids[0]


def test_hidden_refs_are_neither_listed_nor_pushable(pair):
    git("update-ref", "refs/gate/secret", pair.ids[0], cwd=pair.mirror)
    assert "refs/gate" not in out("ls-remote", pair.url)
    assert "refs/gate" not in out("-c", "protocol.version=0", "ls-remote", pair.url)
    for target in ("refs/gate/secret", "refs/gate/new"):
        assert "deny updating a hidden ref" in pair.push("--force", "origin", f"main:{target}", ok=False).stderr
    assert "[remote rejected]" in pair.push("origin", ":refs/gate/secret", ok=False).stderr
    assert pair.refs == {"refs/heads/main": pair.ids[3], "refs/gate/secret": pair.ids[0]}


def test_own_hidden_refs_take_the_place_of_the_default(root, transport, start_gate, tmp_path):
    gate = start_gate(f"--mirror-root={root}", "--scope=*", "--hide-refs=refs/one", "--hide-refs=refs/two",
                      transport=transport)
    pair = Pair(gate, root, tmp_path)
    for name in ("one", "two", "three"):
        git("update-ref", f"refs/{name}/x", pair.ids[0], cwd=pair.mirror)
    listing = out("ls-remote", pair.url)
    assert "refs/three/x" in listing and "refs/one" not in listing and "refs/two" not in listing


def test_hooks_of_the_repository_never_run(pair):
    for name in ("pre-receive", "update", "post-receive", "post-update", "reference-transaction"):
        hook = pair.mirror / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\ntouch hook-has-run\nexit 1\n")
        hook.chmod(0o755)
    tip = pair.commit()
    pair.push("origin", "main")
    assert pair.refs["refs/heads/main"] == tip and not (pair.mirror / "hook-has-run").exists()


def test_hooks_of_the_hooks_path_run(hooked_pair):
    """Hooks see the push and the remote user, but not the token. Their output reaches the client."""
    tip = hooked_pair.commit()
    result = hooked_pair.push("origin", "main", "--push-option=reviewer=ada")
    assert "remote: the hook has run" in result.stderr
    assert (hooked_pair.mirror / "post-receive.input").read_text() == f"{hooked_pair.ids[3]} {tip} refs/heads/main\n"
    assert (hooked_pair.mirror / "post-receive.options").read_text() == "1 reviewer=ada\n"
    environ = (hooked_pair.mirror / "post-receive.environ").read_text()
    assert "REMOTE_USER=task-7\n" in environ and TOKEN not in environ


def test_refusal_of_a_hook_is_shown_to_the_client(hooked_pair):
    hooked_pair.commit()
    result = hooked_pair.push("origin", "main:forbidden", ok=False)
    assert "remote: the hook says no to refs/heads/forbidden" in result.stderr
    assert "pre-receive hook declined" in result.stderr
    assert "refs/heads/forbidden" not in hooked_pair.refs


def test_push_options_are_refused_unless_advertised(pair):
    pair.commit()
    assert "does not support push options" in pair.push("origin", "main", "--push-option=x", ok=False).stderr


def test_reflog_names_the_remote_user(pair, hooked_pair):
    """--git-config switches reflogs on. The name in them is never the token."""
    for each, user in ((pair, "token"), (hooked_pair, "task-7")):
        each.commit()
        each.push("origin", "main")
        line = (each.mirror / "logs" / "refs" / "heads" / "main").read_text()
        assert f" {user} <{user}@http." in line and TOKEN not in line


def test_malformed_object_is_refused(pair):
    """receive.fsckObjects: git itself would never write a date with a leading zero."""
    tree = out("rev-parse", "HEAD^{tree}", cwd=pair.work)
    text = f"tree {tree}\nauthor A <a@b> 0123 +0000\ncommitter A <a@b> 0123 +0000\n\nBad\n"
    bad = out("hash-object", "-t", "commit", "-w", "--stdin", "--literally", cwd=pair.work, data=text)
    result = pair.push("origin", f"{bad}:refs/heads/bad", ok=False)
    assert "zeroPaddedDate" in result.stderr
    assert pair.refs == {"refs/heads/main": pair.ids[3]}
    git("cat-file", "-e", bad, cwd=pair.mirror, ok=False)


def test_read_only(root, transport, start_gate, tmp_path):
    gate = start_gate(f"--mirror-root={root}", "--scope=*", "--read-only", transport=transport)
    pair = Pair(gate, root, tmp_path)
    pair.commit()
    result = pair.push("origin", "main", ok=False)
    assert "returned error: 403" in result.stderr and "read-only" in result.stderr
    assert pair.refs == {"refs/heads/main": pair.ids[3]}


def test_git_config_is_repeatable_and_takes_precedence(root, transport, start_gate, tmp_path):
    gate = start_gate(f"--mirror-root={root}", "--scope=*", "--git-config=receive.denyDeletes=true",
                      "--git-config=receive.fsckObjects=false", "--git-config=receive.denyNonFastForwards=true",
                      transport=transport)
    pair = Pair(gate, root, tmp_path)
    pair.push("origin", "main:other")
    assert "deletion prohibited" in pair.push("origin", ":other", ok=False).stderr
    assert "non-fast-forward" in pair.push("--force", "origin", f"{pair.ids[0]}:main", ok=False).stderr


def test_many_malformed_refs_do_not_deadlock(gate, pair):
    """receive-pack's complaints on standard error are more than a pipe holds, so the gate must read them."""
    names = [f"refs/heads/..{i}{'x' * 150}" for i in range(800)]
    body = push([(NO_OBJECT, pair.ids[0], name) for name in names])
    response = gate.ask("POST", f"/{pair.mirror.name}/git-receive-pack", PUSH_TYPE, body=body)
    assert (response.status, response.complete) == (200, True)
    assert response.body.count(b"ng refs/heads/..") == 800
    assert pair.refs == {"refs/heads/main": pair.ids[3]}


def test_nothing_is_collected_behind_the_push(pair):
    """receive.autogc is off. Otherwise git would repack this mirror in a process that outlives the request."""
    for name, value in (("gc.autoPackLimit", 1), ("gc.autoDetach", "false"), ("receive.unpackLimit", 1)):
        git("config", name, value, cwd=pair.mirror)
    for i in range(3):
        pair.commit(f"file{i}", f"{i}\n")
        pair.push("origin", "main")
    assert len(list((pair.mirror / "objects" / "pack").glob("*.pack"))) == 3
