"""How metrics move over time: change points, series of records and gates, and what the report shows of them."""

import copy
import datetime
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from forging import add_record, forge, records

from keras_reprise.base.errors import NothingMeasuredError, UserError
from keras_reprise.cli.gates import history_text
from keras_reprise.judge.history import Point, Series, change_points, of_records
from keras_reprise.record.encoding import pretty
from keras_reprise.report.history_figure import draw_history
from keras_reprise.store.store import Store

RESULTS = Path(__file__).parents[2] / "results"


def test_a_step_is_found_where_it_is():
    generator = np.random.default_rng(1)
    values = np.concatenate([1 + 0.02 * generator.standard_normal(20), 1.3 + 0.02 * generator.standard_normal(15)])
    assert change_points(values) == [20]


def test_two_steps_are_found():
    generator = np.random.default_rng(2)
    levels = [1.0] * 12 + [1.2] * 12 + [0.9] * 12
    assert change_points(np.array(levels) + 0.01 * generator.standard_normal(36)) == [12, 24]


def test_steady_values_have_few_changes():
    """Noise alone is taken for a change in at most one series of twenty."""
    generator = np.random.default_rng(3)
    found = [bool(change_points(1 + 0.05 * generator.standard_normal(30))) for _ in range(200)]
    assert np.mean(found) <= 0.05


@pytest.mark.parametrize("values", [[], [1.0] * 5, [2.0] * 40, [1.0, 2.0, 1.0]])
def test_what_cannot_change_does_not(values):
    assert change_points(values) == []


@pytest.fixture
def upgraded(tmp_path):
    """Our records of one recipe, and the same again in another environment a month later, 40 % slower."""
    store = tmp_path / "store"
    source = next(path for path in sorted((RESULTS / "records").rglob("seed1-*.json")) if "lr-too-low" in str(path))
    for folder in ("machines", "environments", "cards"):
        shutil.copytree(RESULTS / folder, store / folder)
    original = json.loads(source.read_bytes())
    facts = json.loads((store / "environments" / f"{original['environment']}.json").read_bytes())
    content = pretty(facts | {"keras": "9.9.9"})
    newer = hashlib.sha256(content).hexdigest()[:12]
    (store / "environments" / f"{newer}.json").write_bytes(content)
    generator = np.random.default_rng(4)
    for month, (environment, factor) in enumerate(((original["environment"], 1.0), (newer, 1.4)), start=1):
        for seed in range(1, 7):
            document = copy.deepcopy(original)
            at = datetime.datetime(2026, month, 1, seed, tzinfo=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.0Z")
            document |= {"environment": environment, "started_at": at, "finished_at": at}
            document["replicate"]["seed"] = seed
            for arm in document["arms"].values():
                arm["time"]["step_s"]["median"] *= factor * float(np.exp(0.01 * generator.standard_normal()))
            add_record(store, document)
    return store


def test_an_upgrade_shows_in_the_records(upgraded, reprise, tmp_path):
    arm = next(iter(json.loads(records(upgraded)[0].read_bytes())["arms"]))
    result = reprise("history", f"lr-too-low/{arm}/step_s", "--store", upgraded, "--figure", tmp_path / "steps.svg")
    assert result.exit_code == 0, result.output
    assert "12 values, 1 changes of level" in result.stdout
    assert "+40" in result.stdout or "+39" in result.stdout
    assert (tmp_path / "steps.svg").read_bytes().startswith(b"<?xml")
    result = reprise("history", f"lr-too-low/{arm}/step_s", "--store", upgraded, "--json")
    facts = json.loads(result.stdout)[0]
    assert len(facts["points"]) == 12
    assert facts["changes"] == ["2026-02-01T01:00:00.0Z"]
    claim = json.loads(records(upgraded)[0].read_bytes())["claims"]
    result = reprise("history", f"lr-too-low/{next(iter(claim))}", "--store", upgraded)
    assert "no change of level" in " ".join(result.stdout.split())


def test_the_report_shows_it_on_the_machines_page(upgraded, reprise):
    assert reprise("report", "--store", upgraded).exit_code == 0
    page = next(path for path in (upgraded / "reports").glob("machine-*.html") if "How times moved" in path.read_text())
    assert "lr-too-low/" in page.read_text()
    figures = list((upgraded / "reports" / "figures").glob("history-*.svg"))
    assert figures
    before = {path: path.stat().st_mtime_ns for path in figures}
    assert reprise("report", "--store", upgraded).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in figures} == before
    newer = [path for path in records(upgraded) if json.loads(path.read_bytes())["started_at"].startswith("2026-02")]
    for path in newer:
        path.unlink()
    assert reprise("report", "--store", upgraded).exit_code == 0
    assert not list((upgraded / "reports" / "figures").glob("history-*.svg"))


def test_backends_and_data_sets_of_one_name_are_series_of_their_own(filled_store):
    (path,) = (filled_store / "environments").glob("*.json")
    facts = json.loads(path.read_bytes())
    content = pretty(facts | {"backend": facts["backend"] | {"name": "another"}})
    other = hashlib.sha256(content).hexdigest()[:12]
    (filled_store / "environments" / f"{other}.json").write_bytes(content)

    def change(document):
        seed = document["replicate"]["seed"]
        data = {"name": "images", "n_train": 1, "n_test": 1, "substitute": False}
        document["data"] = data | {"fingerprint": str(seed % 2) * 64}
        document["environment"] = other if seed > 4 else document["environment"]

    forge(filled_store, record=change)
    store = Store(filled_store)
    for metric in ("plain/two/value", "plain/two-is-two"):
        found = of_records(metric, store.summaries()[0], store)
        assert sorted(len(one.points) for one in found) == [1, 1, 2, 2]
        assert len({one.setting for one in found}) == 4
        assert sum("images 11111111, another" in one.setting for one in found) == 1


def test_a_claim_that_only_the_judging_card_has_is_worked_out(filled_store):
    def added(card):
        value = {"form": "metric", "arm": "two", "name": "value"}
        card["claims"].append(card["claims"][0] | {"id": "worked-out", "value": value})

    forge(filled_store, card=added)
    store = Store(filled_store)
    summaries = store.summaries()[0]
    assert not any("worked-out" in summary.claims for summary in summaries)
    found, same = (of_records(f"plain/{name}", summaries, store)[0] for name in ("worked-out", "two/value"))
    assert len(found.points) == 6
    assert found.points == same.points


def test_a_history_without_a_broken_record_exits_1(filled_store, reprise):
    records(filled_store)[0].write_text("{")
    for more in ([], ["--json"]):
        result = reprise("history", "plain/two/value", "--store", filled_store, *more)
        assert (result.exit_code, bool(result.stdout)) == (1, True), result.output


def test_what_is_not_there_is_said(filled_store, reprise):
    summaries, store = Store(filled_store).summaries()[0], Store(filled_store)
    with pytest.raises(NothingMeasuredError, match="reprise run nowhere"):
        of_records("nowhere/arm/loss", summaries, store)
    with pytest.raises(UserError, match="total_s"):
        of_records("plain/arm/loss", summaries, store)
    assert reprise("history", "bench.py::test_x", "--store", filled_store).exit_code == 3


def test_figures_are_drawn_in_known_forms_only(filled_store):
    with pytest.raises(UserError, match="not bmp"):
        draw_history([], "bmp")


def test_a_level_above_a_negative_one_is_a_rise_and_none_is_told_from_nothing():
    values = [-2.0] * 3 + [-1.0] * 3 + [0.0] * 3 + [1.0] * 3 + [1.5] * 3
    points = [Point("2026-01-01T00:00:00Z", value, "0" * 12, None) for value in values]
    text = history_text(Series("plain/two/value", "0" * 12, "v1", points, [3, 6, 9, 12]))
    levels = [line.split() for line in text.splitlines() if line.startswith("2026")]
    assert [level[4] for level in levels[1:]] == ["+50.0%", "+100.0%", "-", "+50.0%"]
    assert len(levels[0]) == len(levels[1]) - 1, "the first has no level before it"
