"""What the project's results said when records were told apart by measurement, they still say; what was printed still resolves.

`data/verdicts-0c1ea4b.json` holds the verdicts, groups and identifiers of `results/` at that commit, and the records they rest
on: records that came later change none of it. `data/verdicts-changed.json` lists every verdict that the rule or a claim's
kind has changed since, with the reason.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from keras_reprise.catalog import sources
from keras_reprise.judge import comparable, groups, verdicts
from keras_reprise.report.cite import identifiers
from keras_reprise.store.store import Store, Summary

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).parents[1] / "data"
FROZEN = json.loads((DATA / "verdicts-0c1ea4b.json").read_bytes())
CHANGED = json.loads((DATA / "verdicts-changed.json").read_bytes())
NAMES = ("recipe", "version", "scale", "data", "machine", "environment")


@pytest.fixture(scope="module")
def store() -> Store:
    return Store(ROOT / "results")


@pytest.fixture(scope="module")
def then(store) -> list[Summary]:
    """The records that were there."""
    known = set(FROZEN["records"])
    return [summary for summary in store.summaries()[0] if summary.id[:16] in known]


def setting(members: Sequence[Summary]) -> tuple[Any, ...]:
    first = members[0]
    recipe = first.recipe
    return recipe.slug, recipe.version, recipe.scale, comparable.data_label(first), first.machine, first.environment


def test_every_record_is_still_there_and_of_its_version(then):
    assert len(then) == len(FROZEN["records"])
    assert {sources.label(summary.recipe) for summary in then} == {""}


@pytest.fixture(scope="module")
def judged(store, then) -> dict[tuple[Any, ...], tuple[str, dict[str, list[Any]]]]:
    """What the records that were there say now, with the digest of each group."""
    now = {}
    for members in comparable.groups(then).values():
        assert setting(members) not in now
        claims = {v.claim: [v.verdict, v.n, v.mean] for v in verdicts.verdicts(members, store)}
        now[setting(members)] = (comparable.digest(members), claims)
    return now


def same(now: Sequence[Any], frozen: Sequence[Any]) -> bool:
    """Whether a claim has the verdict, the number of replicates and the mean that it had."""
    return now[:2] == frozen[:2] and now[2] == pytest.approx(float(frozen[2]), rel=1e-5, nan_ok=True)


def test_the_same_records_have_the_same_verdicts_but_for_the_changes_that_have_a_reason(judged):
    assert len(judged) == len(FROZEN["groups"])
    listed = {(*(row[name] for name in NAMES), row["claim"]): row for row in CHANGED}
    assert len(listed) == len(CHANGED)
    for group in FROZEN["groups"]:
        key = tuple(group[name] for name in NAMES)
        digest, claims = judged[key]
        assert digest == group["digest"]
        assert set(group["claims"]) <= set(claims)
        for claim, frozen in group["claims"].items():
            row = listed.pop((*key, claim), None)
            assert same(claims[claim], row["now"] if row else frozen), (key, claim)
            if row:
                assert row["was"] == frozen
                assert not same(claims[claim], frozen), f"{key}, {claim} is as it was: leave it out of the changes"
                assert row["why"]
    assert not listed


def test_every_identifier_that_was_printed_resolves(store):
    found = groups.gather(store.summaries()[0], store)
    printed = [*FROZEN["identifiers"]]
    printed += [f"reprise:{g['recipe']}@{g['version']}/{g['digest'][:12]}" for g in FROZEN["groups"]]
    for identifier in dict.fromkeys(printed):
        named = identifiers.find(identifier, found, store)
        assert (named.group.stands, named.pooled) == (True, ())


def test_the_identifiers_of_today_s_pages_resolve(store):
    found = groups.gather(store.summaries()[0], store)
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "results" / "reports").glob("*.md")]
    printed = {match[0].split("#")[0] for page in pages for match in identifiers.PATTERN.finditer(page.read_text())}
    assert printed
    for identifier in printed:
        identifiers.find(identifier, found, store)
