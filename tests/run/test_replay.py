import hashlib
import json
import shutil

import pytest
from forging import add_record, records

from keras_reprise import catalog
from keras_reprise.base.errors import RecipeError, UserError
from keras_reprise.recipe import locking
from keras_reprise.record.encoding import pretty
from keras_reprise.run import replay, request
from keras_reprise.store.store import Store


@pytest.fixture
def folder(tmp_path, plain_recipe):
    target = tmp_path / "recipes" / "family"
    target.mkdir(parents=True)
    shutil.copy(plain_recipe, target)
    locking.relock(target.parent)
    return target.parent


def measure(path, store, scale, seeds):
    both_ends = f"{','.join(map(str, seeds))},{seeds[-1]}"
    request.run(request.Request((str(path),), scale=scale, seeds=both_ends, workers=0), store)


@pytest.fixture
def store(folder, store_path):
    """Two replicates at quick scale."""
    measure(folder / "family" / "plain.py", Store(store_path), "quick", [2, 5])
    return Store(store_path)


def edit(folder, old, new):
    path = folder / "family" / "plain.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def backend() -> str:
    import keras

    return str(keras.backend.backend())


def test_code_that_gives_every_number_again_is_accepted_under_the_same_version(folder, store):
    before = catalog.read_lock(folder).recipes[0]
    edit(folder, "0.01 * noise[0]", "noise[0] * 0.01")
    with pytest.raises(RecipeError, match="version is still 1"):
        locking.relock(folder)
    (line,) = replay.replay(folder, "plain", None, store, backend(), measure)
    assert line == "plain at quick scale: seeds 2, 5 gave every number again; the old measurement is accepted."
    assert locking.unlocked(folder) == []
    after = catalog.read_lock(folder).recipes[0]
    (accepted,) = after.accepted
    old = before.measurements["quick"][backend()]
    assert (accepted.sha256, accepted.of, accepted.scale, accepted.evidence) == (old, "measurement", "quick", "replay")
    assert after.accepts("quick", backend(), old, "f" * 64)
    assert after.measurements["full"] != before.measurements["full"]
    assert not after.accepts("full", None, before.measurements["full"][backend()], "f" * 64)


def test_where_this_machine_has_records_another_ones_bits_do_not_count(folder, store):
    document = json.loads(records(store.root)[0].read_text())
    facts = json.loads((store.root / "machines" / f"{document['machine']}.json").read_text()) | {"cpu": "another"}
    content = pretty(facts)
    document["machine"] = hashlib.sha256(content).hexdigest()[:12]
    (store.root / "machines" / f"{document['machine']}.json").write_bytes(content)
    for arm in document["arms"].values():
        arm["metrics"] = {name: 99.0 for name in arm["metrics"]}
    document["replicate"]["seed"] = 1
    add_record(store.root, document)
    edit(folder, "0.01 * noise[0]", "noise[0] * 0.01")
    (line,) = replay.replay(folder, "plain", None, Store(store.root), backend(), measure)
    assert line == "plain at quick scale: seeds 2, 5 gave every number again; the old measurement is accepted."


def test_code_that_gives_another_number_is_not_accepted(folder, store):
    edit(folder, "0.01 * noise[0]", "0.010000001 * noise[0]")
    before = (folder / "family" / "plain.lock").read_bytes()
    with pytest.raises(RecipeError, match=r"Seed 2 of plain at quick scale gives other metrics in arm one than record"):
        replay.replay(folder, "plain", 1, store, backend(), measure)
    assert (folder / "family" / "plain.lock").read_bytes() == before


THREE = """        Claim("two-is-three", "Two is three.", "tests", value, above=2.9, below=3.1, erratum="X0: it is two"),\n"""


def test_a_retired_claim_is_still_in_the_lock_after_a_replay(folder, store):
    locking.retire(folder, "plain", "two-is-three", "it is two")
    edit(folder, THREE, "")
    edit(folder, "0.01 * noise[0]", "noise[0] * 0.01")
    replay.replay(folder, "plain", None, store, backend(), measure)
    claims = {claim.id: claim.retired for claim in catalog.read_lock(folder).recipes[0].card.claims}
    assert claims == {"two-is-two": None, "two-is-three": "it is two"}


def test_nothing_is_measured_again_for_a_recipe_that_dropped_a_claim(folder, store):
    edit(folder, THREE, "")
    edit(folder, "0.01 * noise[0]", "noise[0] * 0.01")
    with pytest.raises(RecipeError, match="no longer states the claim two-is-three"):
        replay.replay(folder, "plain", None, store, backend(), lambda *_: pytest.fail("measured"))


def test_records_of_another_backend_are_left_to_a_replay_there(folder, store):
    edit(folder, "0.01 * noise[0]", "noise[0] * 0.01")
    other = next(name for name in ("torch", "jax") if name != backend())

    def never(*arguments):
        raise AssertionError

    lines = replay.replay(folder, "plain", None, store, other, never)
    assert lines == [f"There are records of plain on {backend()} too: run it again there, with --backend {backend()}."]
    assert [one.kind for one in locking.unlocked(folder)] == ["code"]
    replay.replay(folder, "plain", None, store, backend(), measure)
    assert locking.unlocked(folder) == []


def test_recipes_about_seconds_are_not_replayed(folder, store):
    edit(folder, "measure=measure,", "measure=measure, timing=True,")
    with pytest.raises(UserError, match="plain is about seconds"):
        replay.replay(folder, "plain", None, store, backend(), measure)


def test_an_unknown_recipe_is_named(folder, store):
    with pytest.raises(UserError, match="no recipe 'plane'"):
        replay.replay(folder, "plane", None, store, backend(), measure)


def test_a_replay_runs_with_as_many_threads_as_it_is_given(monkeypatch, folder, store):
    from keras_reprise.cli import recipes

    asked = []
    monkeypatch.setattr(request, "run", lambda words, again: asked.append(words))
    monkeypatch.setattr(replay, "replay", lambda folder, slug, version, store, name, measure: [
        measure(folder / "family" / "plain.py", store, "quick", [2, 5])
    ])  # fmt: skip
    recipes._replay(folder, "plain", store, 1)
    recipes._replay(folder, "plain", store, None)
    assert [(one.threads, one.seeds) for one in asked] == [(1, "2,5,5"), (None, "2,5,5")]
