# SPDX-License-Identifier: Apache-2.0
"""The records of a push: one for each reference that it asks to move, with the outcome."""

import gzip

import pytest

from .backends import BACKENDS
from .http import request
from .packets import AHEAD_BYTES, FLUSH, NO_OBJECT, PUSH_TYPE, empty_pack, large_pack, packet, push
from .polling import wait_until
from .repos import git, out, refs
from .targets import PUSH

MAIN = "refs/heads/main"
SIDE_BAND = "report-status side-band-64k"
LISTED_MAX = 256


@pytest.fixture(params=BACKENDS)
def start(request, start_gate, root):
    """Starts a gate for repo.git, with each backend."""
    def run(*options):
        return start_gate(f"--mirror-root={root}", "--scope=repo", f"--backend={request.param}", *options)
    return run


@pytest.fixture
def gate(start):
    return start()


@pytest.fixture
def hooks(tmp_path):
    """Makes hooks, and the option for them."""
    folder = tmp_path / "hooks"
    folder.mkdir()

    def make(name, text):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
        return f"--hooks-path={folder}"
    return make


def tip(root):
    return refs(root / "repo.git")[MAIN]


def records(gate, message="push"):
    return [record for record in gate.records if record["message"] == message]


def seen(gate):
    """The records of single references, without their objects."""
    return [(record["ref"], record["move"], record["result"], record.get("reason")) for record in records(gate)]


def send(gate, body, *fields):
    """Push, and stop the gate, so that its log is complete."""
    gate.ask("POST", PUSH, PUSH_TYPE, *fields, body=body)
    gate.wait_no_children()
    gate.stop()


def test_create_update_delete(gate, root, tmp_path):
    """git's own client, which also asks for a push of nothing."""
    git("clone", "--quiet", gate.url(), tmp_path / "clone")
    old = tip(root)
    git("commit", "--quiet", "--allow-empty", "--message=new", cwd=tmp_path / "clone")
    new = out("rev-parse", "HEAD", cwd=tmp_path / "clone")
    git("push", "--quiet", "origin", "main", "main:other", cwd=tmp_path / "clone")
    git("push", "--quiet", "origin", ":other", "main:main", cwd=tmp_path / "clone")
    wait_until("three records", lambda: len(records(gate)) == 3)
    moved = [(record["ref"], record["old"], record["new"], record["move"]) for record in records(gate)]
    assert moved == [(MAIN, old, new, "fast-forward"), ("refs/heads/other", NO_OBJECT, new, "create"),
                     ("refs/heads/other", new, NO_OBJECT, "delete")]
    for record in records(gate):
        assert record["level"] == "info" and record["result"] == "ok" and "reason" not in record
        request_record, = (each for each in gate.request_records() if each["id"] == record["id"])
        assert request_record["route"] == "receive-pack"
    assert not records(gate, "push as a whole")


@pytest.mark.parametrize("capabilities", ["report-status", SIDE_BAND])
def test_refused_by_pre_receive(start, root, hooks, capabilities):
    """A hook's words that look like a report are not taken for one."""
    gate = start(hooks("pre-receive", "printf '0018ok refs/heads/new\\n0000'; exit 1"))
    send(gate, push([(NO_OBJECT, tip(root), "refs/heads/new"), (tip(root), NO_OBJECT, MAIN)], None, capabilities))
    reason = "pre-receive hook declined"
    assert seen(gate) == [("refs/heads/new", "create", "refused", reason), (MAIN, "delete", "refused", reason)]
    assert {record["level"] for record in records(gate)} == {"warning"}


@pytest.mark.parametrize("atomic", ["", " atomic"])
def test_refused_by_update(start, root, hooks, atomic):
    gate = start(hooks("update", '[ "$1" != refs/heads/no ]'))
    commands = [(NO_OBJECT, tip(root), f"refs/heads/{name}") for name in ("a", "no", "z")]
    send(gate, push(commands, None, SIDE_BAND + atomic))
    other = ("refused", "atomic push failure") if atomic else ("ok", None)
    assert seen(gate) == [("refs/heads/a", "create", *other), ("refs/heads/no", "create", "refused", "hook declined"),
                          ("refs/heads/z", "create", *other)]


def test_refused_by_git(start, root):
    gate = start("--git-config=receive.denyNonFastForwards=true")
    old, new = tip(root), out("rev-parse", f"{MAIN}~1", cwd=root / "repo.git")
    send(gate, push([(old, new, MAIN), (NO_OBJECT, new, "refs/heads/new")]))
    assert seen(gate) == [(MAIN, "forced", "refused", "non-fast-forward"), ("refs/heads/new", "create", "ok", None)]
    assert [(record["old"], record["new"]) for record in records(gate)] == [(old, new), (NO_OBJECT, new)]


def test_compressed_push(gate, root):
    body = gzip.compress(push([(NO_OBJECT, tip(root), "refs/heads/new")]))
    send(gate, body, "Content-Encoding: gzip")
    assert seen(gate) == [("refs/heads/new", "create", "ok", None)]


@pytest.fixture
def rules(tmp_path):
    """Makes a file of rules, and the option for it."""
    def make(text='[refs "refs/*"]\n\tupdate = fast-forward\n\tdelete = yes\n'):
        (tmp_path / "rules").write_text(text)
        return f"--rules={tmp_path}/rules"
    return make


def test_kinds_of_updates(start, root, rules, tmp_path):
    """Where rules ask for fast-forwards, the records tell which updates are fast-forwards, even for refused ones."""
    gate = start(rules())
    git("clone", "--quiet", gate.url(), tmp_path / "clone")
    git("commit", "--quiet", "--allow-empty", "--message=new", cwd=tmp_path / "clone")
    git("push", "--quiet", "origin", "main", "main:other", "HEAD~1:refs/heads/back", cwd=tmp_path / "clone")
    git("push", "--quiet", "origin", "main:back", ":other", cwd=tmp_path / "clone")
    git("push", "--quiet", "origin", "+main~1:main", "main:new", cwd=tmp_path / "clone", ok=None)
    wait_until("all records", lambda: len(records(gate)) == 7)
    assert sorted(record[:3] for record in seen(gate)[:3]) == [
        ("refs/heads/back", "create", "ok"), (MAIN, "fast-forward", "ok"), ("refs/heads/other", "create", "ok")]
    assert sorted(record[:3] for record in seen(gate)[3:5]) == [
        ("refs/heads/back", "fast-forward", "ok"), ("refs/heads/other", "delete", "ok")]
    assert sorted(record[:3] for record in seen(gate)[5:]) == [
        (MAIN, "forced", "refused"), ("refs/heads/new", "create", "refused")]


@pytest.mark.parametrize("is_first", [True, False])
def test_kinds_are_of_their_own_objects(start, root, is_first):
    """git passes a name with a line break to hooks unchanged, so they read a command that nobody has sent."""
    gate = start()
    old, new = tip(root), out("rev-parse", f"{MAIN}~1", cwd=root / "repo.git")
    forged = (old, new, f"refs/heads/x\n{new} {old} {MAIN}")
    commands = [forged, (old, new, MAIN)] if is_first else [(old, new, MAIN), forged]
    send(gate, push(commands))
    moves = {(record["ref"], record["move"], record["result"]) for record in records(gate)}
    assert [move for name, move, _ in moves if name == MAIN] == ["forced"] and not any(
        move == "fast-forward" for _, move, _ in moves)


def test_kinds_that_nobody_asks_for(start, root, rules):
    gate = start(rules('[refs "refs/*"]\n\tupdate = any\n'), "--keep-old=no")
    old, new = tip(root), out("rev-parse", f"{MAIN}~1", cwd=root / "repo.git")
    send(gate, push([(old, new, MAIN)], None, SIDE_BAND))
    assert seen(gate) == [(MAIN, "update", "ok", None)]


FORGERY = """for fd in 4 5 6 7 8 9; do
    (eval "printf 'forced OLD NEW refs/heads/main\\nforced OLD NEW refs/heads/x\\n' >&$fd") 2>/dev/null
done
env | grep TELL && exit 1
exit 0"""


@pytest.mark.parametrize("name", ["pre-receive", "update", "post-receive", "post-update", "reference-transaction"])
def test_hooks_do_not_tell_kinds(start, root, rules, hooks, name):
    """The operator's hooks do not get the descriptor by which git-gate-hook reports kinds. It reports none here itself."""
    old, new = out("rev-parse", f"{MAIN}~1", cwd=root / "repo.git"), tip(root)
    forgery = FORGERY.replace("OLD", old).replace("NEW", new)
    gate = start(rules('[refs "refs/*"]\n\tupdate = any\n'), hooks(name, forgery), "--keep-old=no")
    git("update-ref", "refs/heads/x", old, cwd=root / "repo.git")
    send(gate, push([(old, new, "refs/heads/x")], None, SIDE_BAND))
    assert seen(gate) == [("refs/heads/x", "update", "ok", None)]


def test_kinds_of_many_updates(start, root, rules):
    gate = start(rules())
    old, new = out("rev-parse", f"{MAIN}~1", cwd=root / "repo.git"), tip(root)
    names = [f"refs/heads/many/{'x' * 100}{i}" for i in range(LISTED_MAX * 4)]
    git("update-ref", "--stdin", cwd=root / "repo.git", data="".join(f"create {name} {old}\n" for name in names))
    send(gate, push([(old, new, name) for name in names], None, SIDE_BAND))
    assert set(seen(gate)) <= {(name, "fast-forward", "ok", None) for name in names[:LISTED_MAX]}
    assert len(records(gate)) > LISTED_MAX / 4, "more are lost than do not fit into the pipe of the log"


def test_push_without_report(gate, root):
    send(gate, push([(NO_OBJECT, tip(root), "refs/heads/new")], None, "quiet"))
    assert seen(gate) == [("refs/heads/new", "create", "unknown", None)]
    assert "refs/heads/new" in refs(root / "repo.git")


def test_push_of_nothing(gate):
    send(gate, FLUSH)
    assert not records(gate) and not records(gate, "push as a whole")


def test_client_that_leaves(start, root, scratch, hooks):
    """The client leaves while a hook judges the push. The push still succeeds."""
    gate = start(hooks("pre-receive", f': >"{scratch}/begun"; while [ ! -e "{scratch}/go" ]; do sleep 0.05; done'))
    with gate.connect() as connection:
        body = push([(NO_OBJECT, tip(root), "refs/heads/new")], None, SIDE_BAND)
        connection.send(request("POST", PUSH, PUSH_TYPE, body=body))
        wait_until("the hook", (scratch / "begun").exists)
    wait_until("the record of the request", gate.request_records)
    assert not records(gate)
    (scratch / "go").touch()
    wait_until("the record", lambda: records(gate))
    assert seen(gate) == [("refs/heads/new", "create", "ok", None)]
    gate.wait_no_children()


def test_client_that_leaves_with_its_body_open(gate, root):
    """git carries out deletions before the end of the body, and reports while the gate still reads the body."""
    body = push([(tip(root), NO_OBJECT, "refs/heads/gone")], bytes(AHEAD_BYTES), SIDE_BAND)
    git("update-ref", "refs/heads/gone", MAIN, cwd=root / "repo.git")
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=body)[:-1])
        wait_until("the deletion", lambda: "refs/heads/gone" not in refs(root / "repo.git"))
    gate.wait_no_children()
    wait_until("the record", lambda: records(gate))
    assert seen(gate) == [("refs/heads/gone", "delete", "ok", None)]


def test_client_that_leaves_before_the_pack(gate, root):
    body = push([(NO_OBJECT, tip(root), "refs/heads/new")], large_pack(2 * AHEAD_BYTES), SIDE_BAND)
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=body)[:-1])
        wait_until("git", gate.children)
    gate.wait_no_children()
    wait_until("the record", lambda: records(gate))
    (name, move, result, _), = seen(gate)
    assert (name, move) == ("refs/heads/new", "create") and result in ("refused", "unknown")
    assert "refs/heads/new" not in refs(root / "repo.git")


def test_many_references(start, root, hooks):
    """Past a bound, one record stands for the rest. A slow reader of the log loses records, and reads how many."""
    gate = start(hooks("update", '[ "$1" != refs/heads/299 ]'))
    send(gate, push([(NO_OBJECT, tip(root), f"refs/heads/{i}") for i in range(300)], None, SIDE_BAND))
    wait_until("the last record", lambda: records(gate, "push as a whole"))
    n_lost = sum(record.get("dropped_records", 0) for record in gate.records)
    assert len(records(gate)) + n_lost == LISTED_MAX
    assert {result for _, _, result, _ in seen(gate)} == {"ok"}
    last, = records(gate, "push as a whole")
    assert (last["refs"], last["recorded"], last["ok"], last["refused"]) == (300, LISTED_MAX, 299, 1)
    assert last["level"] == "warning" and last["id"] == records(gate)[0]["id"]


@pytest.mark.parametrize("name", [
    "refs/heads/\x1b[31mred\x07", 'refs/heads/"},{"message":"request"', "refs/heads/a\nb", "refs/heads/a ok", "HEAD",
    "refs/heads/\udcff", " ", "refs/heads/" + "x" * 300 + "/..", "ok refs/heads/main"])
def test_hostile_names(gate, root, name):
    """The log has names byte by byte as they came, escaped, each in its own line."""
    sent = name.encode(errors="surrogateescape")
    text = f"{NO_OBJECT} {tip(root)} ".encode() + sent
    send(gate, packet(text + b"\0 " + SIDE_BAND.encode()) + FLUSH + empty_pack())
    (written, move, _, _), = seen(gate)
    assert move == "create" and written == sent.decode("latin-1")


def test_name_longer_than_a_value(gate, root):
    name = "refs/heads/" + "/".join(["y" * 200] * 6)
    send(gate, push([(NO_OBJECT, tip(root), name)], None, SIDE_BAND))
    (written, _, result, _), = seen(gate)
    assert written.endswith("...") and name.startswith(written.removesuffix("...")) and result == "ok"
    assert name in refs(root / "repo.git")


def certificate(lines, *rest):
    begin, end = packet(f"push-cert\0 {SIDE_BAND}"), packet("push-cert-end\n")
    return b"".join([begin, *map(packet, lines), end, *rest])


def test_push_certificate(gate, root):
    lines = ["certificate version 0.1\n", "\n", f"{NO_OBJECT} {tip(root)} refs/heads/new\n"]
    send(gate, certificate(lines, FLUSH, empty_pack()))
    assert seen(gate) == [("refs/heads/new", "create", "ok", None)]


@pytest.mark.parametrize("how", ["long line", "two certificates"])
def test_command_that_is_not_understood(start, root, how):
    """git still moves a reference, so a record says that there may be more. With hooks git wants a signature."""
    gate = start("--keep-old=no")
    command = f"{NO_OBJECT} {tip(root)} refs/heads/"
    head = ["certificate version 0.1\n", "\n"]
    if how == "long line":
        body = certificate([*head, f"{command}a\n", command + "/".join(["y" * 200] * 6) + f"\n{command}z\n"])
    else:
        body = certificate([*head, f"{command}a\n"], certificate([f"{command}z\n"]))
    send(gate, body + FLUSH + empty_pack())
    assert {"refs/heads/a", "refs/heads/z"} <= set(refs(root / "repo.git"))
    assert ("refs/heads/a", "create", "ok", None) in seen(gate)
    last, = records(gate, "push as a whole")
    assert last["reason"] == "the commands of this push could not all be read" and last["level"] == "warning"
    assert last["ok"] == len(refs(root / "repo.git")) - 1


def test_kinds_without_rules(gate, root, tmp_path):
    """--keep-old has to know the kinds too, from the push's bytes or by asking git."""
    git("clone", "--quiet", gate.url(), tmp_path / "clone")
    git("commit", "--quiet", "--allow-empty", "--message=new", cwd=tmp_path / "clone")
    for specs in (["main"], ["main~1:refs/heads/back"], ["main:back"], ["+main~2:main"]):
        git("push", "--quiet", "origin", *specs, cwd=tmp_path / "clone")
    wait_until("all records", lambda: len(records(gate)) == 4)
    assert [record[:3] for record in seen(gate)] == [
        (MAIN, "fast-forward", "ok"), ("refs/heads/back", "create", "ok"), ("refs/heads/back", "fast-forward", "ok"),
        (MAIN, "forced", "ok")]
