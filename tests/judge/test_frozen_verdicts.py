"""What the project's results said when records were told apart by measurement, they still say; what was printed still resolves.

`data/verdicts-0c1ea4b.json` holds the verdicts, groups and identifiers of `results/` at that commit, and the records they rest
on: records that came later change none of it.
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
FROZEN = json.loads((Path(__file__).parents[1] / "data" / "verdicts-0c1ea4b.json").read_bytes())


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


def test_the_same_records_have_the_same_verdicts(store, then):
    now = {}
    for members in comparable.groups(then).values():
        assert setting(members) not in now
        claims = {v.claim: [v.verdict, v.n, v.mean] for v in verdicts.verdicts(members, store)}
        now[setting(members)] = (comparable.digest(members), claims)
    assert len(now) == len(FROZEN["groups"])
    for group in FROZEN["groups"]:
        key = tuple(group[name] for name in ("recipe", "version", "scale", "data", "machine", "environment"))
        digest, claims = now[key]
        assert digest == group["digest"]
        assert set(group["claims"]) <= set(claims)
        for claim, (verdict, n, mean) in group["claims"].items():
            assert claims[claim][:2] == [verdict, n], (key, claim)
            assert claims[claim][2] == pytest.approx(float(mean), rel=1e-5, nan_ok=True)


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
