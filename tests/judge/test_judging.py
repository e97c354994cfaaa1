"""Which card judges, and that claims which are added to it are judged on the records that are there."""

import json
import math
from pathlib import Path

import msgspec
import pytest

from keras_reprise import catalog
from keras_reprise.base.errors import IntegrityError
from keras_reprise.catalog import lockfile, sources
from keras_reprise.judge import comparable, groups, judging, verdicts
from keras_reprise.record.encoding import pretty, record_id
from keras_reprise.record.expressions.authoring import count, last, metric, number
from keras_reprise.record.schema import ClaimCard, decode
from keras_reprise.store import claim_values
from keras_reprise.store.checking import check
from keras_reprise.store.store import Store

ROOT = Path(__file__).parents[2]
SLUG = "cifar10-lr-drop"


@pytest.fixture
def store(tmp_path) -> Store:
    """The project's records of one recipe, to be read anew."""
    for kind in ("machines", "environments", "cards"):
        (tmp_path / kind).mkdir()
        for path in (ROOT / "results" / kind).glob("*.json"):
            (tmp_path / kind / path.name).write_bytes(path.read_bytes())
    for path in (ROOT / "results" / "records" / SLUG).rglob("*.json"):
        target = tmp_path / path.relative_to(ROOT / "results")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return Store(tmp_path)


def summaries(store):
    found, problems = store.summaries()
    assert not problems
    return found


def locked():
    entry = catalog.find(SLUG)
    assert entry is not None
    return entry


def with_claims(monkeypatch, *claims):
    """Have the lock's card hold these claims beside its own."""
    entry = locked()
    card = msgspec.structs.replace(entry.card, claims=[*entry.card.claims, *claims])
    changed = msgspec.structs.replace(entry, card=card)
    monkeypatch.setattr(sources, "_entries", lambda slug: (changed,) if slug == SLUG else ())
    sources._entry_of.cache_clear()
    return card


@pytest.fixture(autouse=True)
def forget():
    yield
    sources._entry_of.cache_clear()


NEW = ClaimCard("ends-low", "S.", "W", "T", "nats", (None, 9.0), False, role="detail", kind="continuous",
                value=last("drop", "train_loss"))  # fmt: skip


def test_a_claim_that_is_added_is_judged_on_old_records_without_measuring(store, monkeypatch):
    before = groups.gather(summaries(store), store)
    with_claims(monkeypatch, NEW)
    after = groups.gather(summaries(store), store)
    places = {group.machine for group in after}
    assert len(places) > 2  # CPUs and GPUs
    for old, new in zip(before, after, strict=True):
        assert old.verdict("ends-low") is None
        found = new.verdict("ends-low")
        assert found is not None
        by_hand = [
            float(record.arms["drop"].curves["train_loss"][-1])
            for one in new.complete
            if (record := store.read(store.root / one.path))
        ]
        assert found.values == pytest.approx(by_hand)
        assert (found.n, found.n_failed) == (len(by_hand), 0)
        kept = {v.claim: (v.verdict, v.values) for v in new.verdicts if v.role != "detail"}
        assert kept == {v.claim: (v.verdict, v.values) for v in old.verdicts if v.role != "detail"}


def test_the_values_of_the_lock_are_worked_out_while_the_records_are_indexed(store, monkeypatch):
    summaries(store)

    def no_reading(*arguments):
        raise AssertionError("a record was read again")

    monkeypatch.setattr("keras_reprise.store.store._evaluated", no_reading)
    assert groups.gather(summaries(store), Store(store.root))


def test_values_are_remembered_by_record_and_expression(store, monkeypatch):
    with_claims(monkeypatch, NEW)
    groups.gather(summaries(store), store)
    another = Store(store.root)
    monkeypatch.setattr("keras_reprise.store.store._evaluated", None)
    assert groups.gather(summaries(another), another)
    renamed = msgspec.structs.replace(NEW, id="other", interval=(0.0, None))
    with_claims(monkeypatch, renamed)
    fresh = Store(store.root)
    assert all(group.verdict("other") for group in groups.gather(summaries(fresh), fresh))
    with_claims(monkeypatch, msgspec.structs.replace(NEW, value=last("drop", "test_loss")))
    with pytest.raises(TypeError):  # another expression is worked out anew
        groups.gather(summaries(fresh), fresh)


def test_a_premise_that_does_not_hold_leaves_a_replicate_undefined(store, monkeypatch):
    given = count("drop", "train_loss") > 12
    with_claims(monkeypatch, msgspec.structs.replace(NEW, given=given))
    for group in groups.gather(summaries(store), store):
        found = group.verdict("ends-low")
        assert found is not None
        n = len(group.complete)
        assert (found.n, found.n_undefined, found.n_failed) == ((n, 0, 0) if group.scale == "full" else (0, n, 0))


def test_a_claim_without_an_expression_is_judged_by_what_records_hold(store):
    for group in groups.gather(summaries(store), store):
        found = group.verdict("test-loss-rises")
        assert found is not None
        held = [float(one.claims["test-loss-rises"]) for one in group.complete]
        assert found.values == tuple(value for value in held if math.isfinite(value))


def own(store, measurement="a" * 64, title="One's own", finished="2026-02-01T00:00:00Z", seed=1, **claim):
    """A record of somebody's own recipe with a card that has one claim; returns the card's sha256."""
    path = next((store.root / "records" / SLUG).rglob("*.json"))
    facts = json.loads(path.read_bytes())
    card = json.loads(pretty(msgspec.to_builtins(locked().card)))
    fields = {
        "id": "c",
        "says": title,
        "where": "",
        "statistic": "",
        "unit": "",
        "interval": [0.0, None],
        "exact": False,
    }
    card |= {"slug": "own", "title": title, "claims": [fields | claim]}
    digest = store.add_document("cards", card)
    facts["schema"] = 2
    facts["recipe"] |= {"slug": "own", "card": digest, "measurement": measurement}
    facts["replicate"]["seed"] = seed
    facts["numbers"] = {}
    facts |= {"claims": {"c": 1.0}, "finished_at": finished}
    facts["id"] = record_id(facts)
    store.add_record(pretty(facts))
    return digest


def judge_of(store):
    (members,) = comparable.groups(one for one in summaries(store) if one.recipe.slug == "own").values()
    return judging.judging_card(members, store).title


def test_of_somebody_s_own_recipe_the_card_that_was_finished_first_judges(store):
    own(store, title="first")
    own(store, title="later", finished="2026-03-01T00:00:00Z", seed=2)
    assert judge_of(store) == "first"


def test_a_run_here_names_the_card_that_judges(store):
    own(store, title="first")
    later = own(store, title="later", finished="2026-03-01T00:00:00Z", seed=2)
    store.judge_by("a" * 64, later)
    assert judge_of(store) == "later"
    assert json.loads((store.root / "judging" / f"{'a' * 12}.json").read_bytes()) == {
        "card": later,
        "measurement": "a" * 64,
    }
    assert check(store)[1] == []


def test_a_card_that_is_named_judges_its_own_recipe_alone(store):
    own(store, title="first")
    store.judge_by("a" * 64, next(one.recipe.card for one in summaries(store) if one.recipe.slug == SLUG))
    assert judge_of(store) == "first"


def test_a_broken_name_of_a_card_is_told(store):
    own(store)
    folder = store.root / "judging"
    folder.mkdir()
    (folder / f"{'a' * 12}.json").write_text("{}")
    with pytest.raises(IntegrityError, match="names no card"):
        judge_of(store)
    assert "names no card" in check(store)[1][0].fault
    (folder / f"{'a' * 12}.json").write_bytes(pretty({"measurement": "b" * 64, "card": "c" * 64}))
    assert "misplaced" in check(store)[1][0].fault


def test_own_claims_added_later_judge_the_records_of_before(store):
    own(store, title="first")
    value = msgspec.to_builtins(metric("drop", "test_error"))
    card = own(store, title="later", finished="2026-03-01T00:00:00Z", seed=2, id="c", value=value)
    store.judge_by("a" * 64, card)
    found = verdicts.verdicts([one for one in summaries(store) if one.recipe.slug == "own"], store)
    assert [(one.claim, one.n) for one in found] == [("c", 2)]
    assert 1.0 not in found[0].values


def test_a_number_of_an_old_record_is_its_claim_where_the_lock_says_it_is_unchanged(store):
    path = next((store.root / "records" / SLUG).rglob("*.json"))
    record, _ = decode(path.read_bytes(), path.name)
    card = msgspec.structs.replace(
        locked().card, claims=[msgspec.structs.replace(NEW, value=number("test-tail-grows"))]
    )
    assert math.isnan(claim_values.row(record, card, (), {})[0] or 0.0)
    assert claim_values.row(record, card, ("test-tail-grows",), {}) == [record.claims["test-tail-grows"]]
    assert claim_values.Digests().of(card) != claim_values.Digests().of(card, ("test-tail-grows",))


def test_the_lock_keeps_which_numbers_are_unchanged():
    entry = msgspec.structs.replace(locked(), unchanged=["a-number"])
    assert json.loads(entry.content())["unchanged"] == ["a-number"]
    assert msgspec.json.decode(entry.content(), type=lockfile.Pinned).unchanged == ["a-number"]
    assert "unchanged" not in json.loads(locked().content())
