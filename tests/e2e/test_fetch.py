# SPDX-License-Identifier: Apache-2.0
"""Tests fetches by git's client through the real program, over every transport."""

import pytest

from .http import TOKEN, basic
from .repos import (COMMIT_STEP_SECONDS, ENVIRONMENT, FIRST_COMMIT_TIME, add_packed_refs, bare, commit, git, history,
                    out, refs, remote_refs, run_bounded, sent_fields, work_tree)

COMMITS = 12

# Only for http://: credentials in the address, or from a prompt.
by_http = pytest.mark.parametrize("transport", ["tcp", "unix"], indirect=True, scope="module")


@pytest.fixture(scope="module", params=["tcp", "unix", "remote"])
def transport(request):
    return request.param


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """repo.git has two branches and three tags. Tests that change a mirror make their own beside it."""
    root = tmp_path_factory.mktemp("fetch")
    repo = bare(root / "repo.git")
    ids = history(repo, COMMITS)
    history(repo, 3, branch="side", text="side", start=ids[5])
    git("tag", "light", ids[2], cwd=repo)
    git("tag", "-a", "-m", "Annotated", "heavy", ids[8], cwd=repo)
    git("tag", "-a", "-m", "Not on a branch", "loose", out("rev-parse", f"{ids[3]}^{{tree}}", cwd=repo), cwd=repo)
    git("update-ref", "refs/gate/secret", ids[1], cwd=repo)
    return root


@pytest.fixture(scope="module")
def gate(root, transport, start_module_gate):
    return start_module_gate(f"--mirror-root={root}", "--scope=*", transport=transport)


def visible_refs(repository):
    return {name: oid for name, oid in refs(repository).items() if not name.startswith("refs/gate/")}


def depth(clone):
    return int(out("rev-list", "--count", "HEAD", cwd=clone))


def test_clone_is_whole(gate, root, tmp_path):
    git("clone", "--quiet", gate.url(), tmp_path / "clone")
    git("fsck", "--strict", "--no-dangling", cwd=tmp_path / "clone")
    mirror = refs(root / "repo.git")
    assert refs(tmp_path / "clone", "refs/tags") == {n: o for n, o in mirror.items() if n.startswith("refs/tags/")}
    assert out("rev-parse", "HEAD", cwd=tmp_path / "clone") == mirror["refs/heads/main"]
    assert out("rev-parse", "origin/side", cwd=tmp_path / "clone") == mirror["refs/heads/side"]


def test_mirror_clone_has_every_visible_ref_and_no_hidden_one(gate, root, tmp_path):
    git("clone", "--quiet", "--mirror", gate.url(), tmp_path / "clone.git")
    assert refs(tmp_path / "clone.git") == visible_refs(root / "repo.git")


@pytest.mark.parametrize("version", [0, 1, 2])
def test_each_protocol_version(gate, root, tmp_path, version):
    """The trace shows the requested version. Without it, nobody would notice a lost Git-Protocol and version 0."""
    trace = tmp_path / "trace"
    option = f"protocol.version={version}"
    listing = out("-c", option, "ls-remote", gate.url(), GIT_TRACE_PACKET=trace)
    assert remote_refs(listing) == visible_refs(root / "repo.git")
    assert listing.startswith(refs(root / "repo.git")["refs/heads/main"] + "\tHEAD\n")
    said = [v for v in (1, 2) if f"< version {v}\n" in trace.read_text()]
    assert said == ([version] if version else [])
    git("-c", option, "clone", "--quiet", gate.url(), tmp_path / "clone")
    assert depth(tmp_path / "clone") == COMMITS


def test_fetch_brings_what_is_new(gate, root, tmp_path):
    mirror = bare(root / f"{tmp_path.name}-{gate.pid}.git")
    ids = history(mirror, 5)
    git("clone", "--quiet", gate.url(mirror.stem), tmp_path / "clone")
    newest = history(mirror, 4, text="new", start=ids[-1])[-1]
    git("update-ref", "-d", "refs/heads/gone", cwd=mirror)
    git("update-ref", "refs/heads/fresh", ids[2], cwd=mirror)
    git("fetch", "--quiet", cwd=tmp_path / "clone")
    assert out("rev-parse", "origin/main", cwd=tmp_path / "clone") == newest
    assert out("rev-parse", "origin/fresh", cwd=tmp_path / "clone") == ids[2]
    git("update-ref", "-d", "refs/heads/fresh", cwd=mirror)
    git("fetch", "--quiet", "--prune", cwd=tmp_path / "clone")
    assert "refs/remotes/origin/fresh" not in refs(tmp_path / "clone")


def test_pull_of_a_forced_change(gate, root, tmp_path):
    mirror = bare(root / f"{tmp_path.name}-{gate.pid}.git")
    ids = history(mirror, 5)
    git("clone", "--quiet", gate.url(mirror.stem), tmp_path / "clone")
    other = history(mirror, 2, branch="rewritten", text="other", start=ids[1])[-1]
    git("update-ref", "refs/heads/main", other, cwd=mirror)
    assert "forced update" in git("fetch", cwd=tmp_path / "clone").stderr
    assert out("rev-parse", "origin/main", cwd=tmp_path / "clone") == other


def test_shallow_clone_deepened_to_the_end(gate, tmp_path):
    clone = tmp_path / "clone"
    git("clone", "--quiet", "--depth=2", gate.url(), clone)
    assert depth(clone) == 2
    git("fetch", "--quiet", "--deepen=3", cwd=clone)
    assert depth(clone) == 5
    git("fetch", "--quiet", "--depth=1", cwd=clone)
    assert depth(clone) == 1
    git("fetch", "--quiet", "--unshallow", cwd=clone)
    assert depth(clone) == COMMITS
    assert out("rev-parse", "--is-shallow-repository", cwd=clone) == "false"


def test_shallow_since_and_exclude(gate, tmp_path):
    since = FIRST_COMMIT_TIME + (COMMITS - 4) * COMMIT_STEP_SECONDS
    git("clone", "--quiet", f"--shallow-since={since}", "--single-branch", gate.url(), tmp_path / "since")
    assert depth(tmp_path / "since") == 4
    git("clone", "--quiet", "--shallow-exclude=light", "--single-branch", gate.url(), tmp_path / "exclude")
    assert depth(tmp_path / "exclude") == COMMITS - 3


def test_single_branch(gate, tmp_path):
    git("clone", "--quiet", "--single-branch", "--branch=side", gate.url(), tmp_path / "clone")
    names = refs(tmp_path / "clone", "refs/remotes")
    assert [name for name in names if not name.endswith("/HEAD")] == ["refs/remotes/origin/side"]


def test_tags_none_all_and_one(gate, tmp_path):
    git("clone", "--quiet", "--no-tags", gate.url(), tmp_path / "clone")
    assert refs(tmp_path / "clone", "refs/tags") == {}
    git("fetch", "--quiet", "origin", "tag", "heavy", cwd=tmp_path / "clone")
    assert list(refs(tmp_path / "clone", "refs/tags")) == ["refs/tags/heavy"]
    git("fetch", "--quiet", "--tags", cwd=tmp_path / "clone")
    assert sorted(refs(tmp_path / "clone", "refs/tags")) == ["refs/tags/heavy", "refs/tags/light", "refs/tags/loose"]


@pytest.mark.parametrize("filter_", ["blob:none", "tree:0"])
def test_partial_clone_fetches_the_rest_when_it_is_needed(gate, root, tmp_path, filter_):
    clone = tmp_path / "clone"
    git("clone", "--quiet", "--no-checkout", f"--filter={filter_}", gate.url(), clone)

    def missing():
        listing = out("rev-list", "--objects", "HEAD", "--missing=print", cwd=clone).splitlines()
        return {line for line in listing if line.startswith("?")}
    before = missing()
    assert before, "nothing was left out: the filter did not reach the server"
    git("checkout", "--quiet", cwd=clone)
    assert (clone / "dir1" / "file").read_text() == "line 11\n" * 20
    old = out("show", "HEAD~9:dir2/file", cwd=clone)
    assert old == out("show", "main~9:dir2/file", cwd=root / "repo.git")
    assert before - missing(), "nothing of what was left out has come"


@pytest.fixture(scope="module")
def many_refs(root):
    """More different wants than fit into git's http.postBuffer of 1 MiB, at 50 bytes each."""
    mirror = bare(root / "many.git")
    add_packed_refs(mirror, {f"refs/heads/tip/{i}": oid for i, oid in enumerate(history(mirror, 22_000))})
    return mirror


@pytest.mark.parametrize("version", [0, 2])
def test_clone_with_a_request_over_one_mebibyte(gate, many_refs, tmp_path, version):
    """git sends such a request chunked, after a probe; a gate that knows only Content-Length fails here."""
    trace = tmp_path / "trace"
    git("-c", f"protocol.version={version}", "clone", "--quiet", "--mirror", gate.url("many"), tmp_path / "clone.git",
        GIT_TRACE_CURL=trace, GIT_TRACE_CURL_NO_DATA=1)
    assert "chunked" in sent_fields(trace, "Transfer-Encoding")
    assert refs(tmp_path / "clone.git") == refs(many_refs)


def test_long_negotiation_comes_compressed(gate, root, tmp_path):
    """Many haves and nothing in common at first: git compresses such requests."""
    mirror = bare(root / f"{tmp_path.name}-{gate.pid}.git")
    ids = history(mirror, 5)
    clone, trace = tmp_path / "clone", tmp_path / "trace"
    git("clone", "--quiet", gate.url(mirror.stem), clone)
    history(clone, 3000, branch="own", text="own", start=ids[-1])
    newest = history(mirror, 200, text="new", start=ids[-1])[-1]
    git("fetch", "--quiet", cwd=clone, GIT_TRACE_CURL=trace, GIT_TRACE_CURL_NO_DATA=1)
    assert "gzip" in sent_fields(trace, "Content-Encoding")
    assert out("rev-parse", "origin/main", cwd=clone) == newest


@pytest.mark.parametrize("version", [0, 2])
def test_empty_repository(gate, root, tmp_path, version):
    mirror = root / f"{tmp_path.name}-{gate.pid}.git"
    git("init", "--quiet", "--bare", "--initial-branch=trunk", mirror)
    result = git("-c", f"protocol.version={version}", "clone", gate.url(mirror.stem), tmp_path / "clone")
    assert "empty repository" in result.stderr
    if version == 2:
        assert out("symbolic-ref", "HEAD", cwd=tmp_path / "clone") == "refs/heads/trunk"


def test_head_of_another_name(gate, root, tmp_path):
    mirror = root / f"{tmp_path.name}-{gate.pid}.git"
    git("init", "--quiet", "--bare", "--initial-branch=trunk", mirror)
    history(mirror, 2, branch="trunk")
    git("clone", "--quiet", gate.url(mirror.stem), tmp_path / "clone")
    assert out("symbolic-ref", "HEAD", cwd=tmp_path / "clone") == "refs/heads/trunk"


def test_sha256_repository(gate, root, tmp_path):
    mirror = bare(root / f"{tmp_path.name}-{gate.pid}.git", "--object-format=sha256")
    tip = history(mirror, 3)[-1]
    assert len(tip) == 64
    git("clone", "--quiet", gate.url(mirror.stem), tmp_path / "clone")
    assert out("rev-parse", "HEAD", cwd=tmp_path / "clone") == tip


def test_alternates(gate, root, tmp_path):
    """A mirror that borrows the objects of another, as `git clone --shared` makes it."""
    mirror = root / f"{tmp_path.name}-{gate.pid}.git"
    git("clone", "--quiet", "--bare", "--shared", root / "repo.git", mirror)
    assert (mirror / "objects" / "info" / "alternates").exists()
    git("clone", "--quiet", gate.url(mirror.stem), tmp_path / "clone")
    git("fsck", "--no-dangling", cwd=tmp_path / "clone")
    assert depth(tmp_path / "clone") == COMMITS


@by_http
def test_submodule_out_of_scope_fails_clearly(root, transport, start_gate, tmp_path):
    """The gate serves the superproject, not the repository beside it; the user sees the gate's own sentence."""
    work = work_tree(tmp_path / "work")
    commit(work, "file", "text\n")
    tip = out("rev-parse", "main", cwd=root / "repo.git")
    (work / ".gitmodules").write_text('[submodule "sub"]\n\tpath = sub\n\turl = ../repo.git\n')
    git("update-index", "--add", "--cacheinfo", f"160000,{tip},sub", ".gitmodules", cwd=work)
    git("commit", "--quiet", "-m", "Add a submodule", cwd=work)
    name = f"{tmp_path.name}-{transport}-super"
    git("clone", "--quiet", "--bare", work, root / f"{name}.git")
    gate = start_gate(f"--mirror-root={root}", f"--scope={name}", transport=transport)
    result = git("clone", "--recurse-submodules", gate.url(name), tmp_path / "clone", ok=False)
    assert "returned error: 403" in result.stderr and "remote: " in result.stderr
    assert (tmp_path / "clone" / "file").read_text() == "text\n"
    gate.stop()
    assert {record["status"] for record in gate.request_records() if record["level"] == "warning"} == {403}


@pytest.mark.parametrize("options", [
    pytest.param(["-c", "http.version=HTTP/2"], id="asks-for-http2"),
    pytest.param(["-c", "http.version=HTTP/1.1"], id="http1.1"),
    pytest.param(["-c", "http.keepAliveIdle=1", "-c", "http.maxRequests=1"], id="one-request-at-once"),
    pytest.param(["-c", "http.proactiveAuth=basic"], id="proactive-auth"),
])
def test_client_settings_do_not_matter(gate, tmp_path, options):
    git(*options, "clone", "--quiet", gate.url(), tmp_path / "clone")
    assert depth(tmp_path / "clone") == COMMITS


@by_http
@pytest.mark.parametrize("user", [f"x:{TOKEN}", f"oauth2:{TOKEN}", f"{TOKEN}:", f"{TOKEN}:x", f"{TOKEN}:a%3ab"])
def test_token_in_the_address(gate, user):
    assert "refs/heads/main" in out("ls-remote", gate.url(user=user))


@pytest.mark.parametrize("field", [basic(), basic("x", TOKEN), f"Authorization: Bearer {TOKEN}"])
def test_token_in_an_extra_header(small_root, start_gate, field):
    """The token comes with the first request, so there is no 401."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo")
    assert "refs/heads/main" in out("-c", f"http.extraHeader={field}", "ls-remote", gate.url(user=None))
    gate.stop()
    assert {record["status"] for record in gate.request_records()} == {200}


def test_fields_that_git_itself_sends_twice(small_root, start_gate):
    """git's configuration makes it send a field twice. The answer names it, and does not ask for a git client."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo")
    extra = ["-c", f"http.extraHeader={basic()}"]
    said = git(*extra, *extra, "ls-remote", gate.url(), ok=False).stderr
    assert "remote: Authorization comes twice; git's own http.extraHeader" in said and "use a git client" not in said
    git("-c", "http.extraHeader=Content-Type: text/plain", "ls-remote", gate.url(), ok=False)
    gate.stop()
    reasons = [record["reason"] for record in gate.request_records() if record["status"] == 400]
    assert [reason.partition(";")[0] for reason in reasons] == ["Authorization comes twice",
                                                                "Content-Type comes twice"]


@by_http
@pytest.mark.parametrize("user, password", [("x", TOKEN), (TOKEN, "x")])
def test_token_from_a_credential_helper(gate, user, password):
    """git asks the helper only after the 401 with its WWW-Authenticate."""
    helper = f"!f() {{ test \"$1\" = get && echo username={user} && echo password={password}; }}; f"
    assert "refs/heads/main" in out("-c", f"credential.helper={helper}", "ls-remote", gate.url(user=None))


@by_http
def test_stale_token_is_forgotten(gate, tmp_path):
    """Otherwise git would offer the old token for ever. The next command asks for the new one."""
    store = tmp_path / "store"
    helpers = ["-c", f"credential.helper=store --file={store}"]
    host = gate.url(user=None).removeprefix("http://").partition("/")[0]
    store.write_text(f"http://x:{'x' * len(TOKEN)}@{host}\n")
    assert "Authentication failed" in git(*helpers, "ls-remote", gate.url(user=None), ok=False).stderr
    assert store.read_text() == ""
    helpers += ["-c", f"credential.helper=!f() {{ test $1 = get && echo username=x && echo password={TOKEN}; }}; f"]
    assert "refs/heads/main" in out(*helpers, "ls-remote", gate.url(user=None))
    assert store.read_text() == f"http://x:{TOKEN}@{host.replace(':', '%3a')}\n"


@by_http
def test_refused_without_and_with_a_wrong_token(gate):
    """Both commands end at once, without a prompt, and say who refused."""
    assert "could not read Username" in git("ls-remote", gate.url(user=None), ok=False).stderr
    wrong = git("ls-remote", gate.url(user="x:" + "x" * len(TOKEN)), ok=False)
    assert "Authentication failed" in wrong.stderr and "remote: " in wrong.stderr


def test_unknown_repository(gate):
    assert "not found" in git("ls-remote", gate.url("nowhere"), ok=False).stderr


@pytest.mark.parametrize("version", [0, 2])
def test_object_that_does_not_exist(gate, tmp_path, version):
    """git itself fails, in its own words."""
    git("clone", "--quiet", gate.url(), tmp_path / "clone")
    result = git("-c", f"protocol.version={version}", "fetch", "origin", "0123456789" * 4, cwd=tmp_path / "clone",
                 ok=False)
    assert "not our ref" in result.stderr
    git("fetch", cwd=tmp_path / "clone")


def test_clones_side_by_side(gate, tmp_path):
    """Clients run at once, in processes of their own; each gets the whole."""
    script = 'for i in $(seq 20); do git clone --quiet "$0" "clone$i" & pids="$pids $!"; done\n' \
             'for pid in $pids; do wait "$pid" || exit 1; done'
    result = run_bounded(["sh", "-c", script, gate.url()], seconds=120, cwd=tmp_path, environment=ENVIRONMENT)
    assert result.returncode == 0, result.stderr
    assert [depth(tmp_path / f"clone{i}") for i in range(1, 21)] == [COMMITS] * 20


def test_clone_of_a_large_file(gate, root, tmp_path):
    """Random bytes do not shrink: the same size goes in and comes back, through every buffer on the way."""
    mirror = root / "large.git"
    if not mirror.exists():
        work = work_tree(tmp_path / "work")
        with open("/dev/urandom", "rb") as source:
            commit(work, "large", source.read(12 << 20))
        git("clone", "--quiet", "--bare", work, mirror)
    git("clone", "--quiet", gate.url("large"), tmp_path / "clone")
    git("fsck", cwd=tmp_path / "clone")
    assert (tmp_path / "clone" / "large").stat().st_size == 12 << 20


def test_ordinary_use_warns_of_nothing(gate, tmp_path):
    """The first 401 of a client with its token in the address is routine, and so is the end of a connection."""
    before = len(gate.records)
    git("clone", "--quiet", gate.url(), tmp_path / "clone")
    git("fetch", "--quiet", cwd=tmp_path / "clone")
    assert [r for r in gate.records[before:] if r["level"] in ("warning", "error")] == []
