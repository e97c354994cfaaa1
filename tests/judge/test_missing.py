"""What a machine lacks of a suite."""

import json

import msgspec
import pytest

from keras_reprise import catalog
from keras_reprise.base.machine import machine_facts
from keras_reprise.cli.results import hours_text, missing_lines
from keras_reprise.judge.missing import missing
from keras_reprise.record.schema import Code, DataRef, RecipeRef, ReplicateRef
from keras_reprise.store.store import Summary, document_id

MACHINE = "0" * 12
SHA = "0" * 64


def a_summary(
    slug, seed, *, version=None, scale="quick", data=None, machine=MACHINE, environment="1" * 12, status="complete",
    measurement=None, took=1.0,
):  # fmt: skip
    entry = catalog.find(slug)
    of = RecipeRef(slug, version or entry.version, scale, SHA, SHA, measurement or entry.measurements[scale]["jax"])
    return Summary(
        path=f"{slug}-{seed}", id=SHA, recipe=of, replicate=ReplicateRef(seed, 0),
        data=DataRef(data, SHA, 1, 1, data == "digits") if data else None, claims={}, machine=machine,
        environment=environment, status=status, started_at="", finished_at="", duration_s=took,
        code=Code("0", None, None, None),
    )  # fmt: skip


def row(summaries, slug, suite="all", **more):
    return next(one for one in missing(summaries, suite, MACHINE, **more) if one.recipe == slug)


def test_of_an_empty_store_everything_is_missing_with_the_command_that_measures_it():
    rows = missing([], "all", MACHINE)
    assert {one.recipe for one in rows} == {entry.slug for entry in catalog.current()}
    assert all(one.missing == one.wanted > 0 and one.complete == 0 for one in rows)
    found = row([], "cifar10-lr-drop", scale="full")
    assert found.command == "reprise run cifar10-lr-drop --scale full --seeds 6"


@pytest.mark.parametrize(
    "other",
    [
        {"machine": "9" * 12},
        {"scale": "full"},
        {"version": 99},
        {"data": "digits"},
        {"data": None},
        {"status": "failed"},
        {"measurement": SHA},
    ],
    ids=str,
)
def test_only_what_the_suite_asks_for_counts(other):
    summaries = [a_summary("cifar10-lr-drop", seed, **{"data": "cifar10", **other}) for seed in range(1, 7)]
    assert row(summaries, "cifar10-lr-drop").complete == 0
    assert row([a_summary("cifar10-lr-drop", 1, data="cifar10")], "cifar10-lr-drop").complete == 1


def test_data_that_arms_made_beside_the_declared_ones_count():
    made = [a_summary("frozen-layers", 1, data="cifar10 + cifar10 (made in measure)")]
    assert row(made, "frozen-layers").complete == 1


def test_the_environment_with_most_replicates_counts_and_seeds_beyond_the_wanted_do_not():
    summaries = [a_summary("lr-nan", seed, data="cifar10") for seed in (1, 2, 77)]
    summaries += [a_summary("lr-nan", seed, data="cifar10", environment="2" * 12) for seed in (1, 2, 3)]
    found = row(summaries, "lr-nan")
    assert (found.complete, found.missing, found.environment) == (3, found.wanted - 3, "2" * 12)


def test_a_suite_with_a_substitute_asks_for_it():
    found = row([a_summary("cifar10-lr-drop", 1, data="digits")], "cifar10-lr-drop", suite="quickstart")
    assert (found.complete, found.wanted) == (1, 6)
    assert found.command.endswith("--seeds 6 --data digits")


def test_what_is_missing_takes_as_long_as_the_replicates_that_are_there():
    here = [a_summary("lr-nan", seed, data="cifar10", took=took) for seed, took in ((1, 10.0), (2, 30.0))]
    other = [a_summary("lr-nan", seed, data="cifar10", took=500.0, machine="9" * 12) for seed in range(1, 10)]
    quick = [a_summary("lr-nan", 1, data="cifar10", took=7.0, scale="full")]
    found = row([*here, *other, *quick], "lr-nan")
    assert (found.seconds, found.timed_elsewhere) == (20.0 * found.missing, False)
    found = row([*other, *quick], "lr-nan")
    assert (found.seconds, found.timed_elsewhere) == (500.0 * found.wanted, True)
    found = row(quick, "lr-nan")
    assert (found.seconds, found.timed_elsewhere) == (None, False)


def test_what_is_complete_takes_no_time_more():
    wanted = row([], "lr-nan").wanted
    found = row([a_summary("lr-nan", seed, data="cifar10") for seed in range(1, wanted + 1)], "lr-nan")
    assert (found.missing, found.seconds) == (0, None)


def test_hours_are_told_as_far_as_records_tell_them():
    rows = missing([a_summary("lr-nan", 1, data="cifar10", took=3600.0)], "all", MACHINE)
    lacking = next(one.missing for one in rows if one.recipe == "lr-nan")
    assert hours_text(rows).startswith(f"One after the other they take about {lacking} h 0 min, and those of ")
    assert f" {len(rows) - 1} recipes that no record tells of" in hours_text(rows)
    assert hours_text(missing([], "all", MACHINE)) == "No record tells yet how long they take."
    told = list(missing_lines([one for one in rows if one.recipe == "lr-nan"]))
    assert f"1 of {lacking + 1}; what is missing takes about {lacking} h 0 min" in " ".join(told)


def test_status_says_what_is_missing_and_lists_it(filled_store, store_path, reprise):
    text = reprise("status", "--store", filled_store).stdout
    total = len(catalog.current())
    assert f"On this machine 0 of {total} recipes of the suite all are complete at quick scale" in text
    listed = json.loads(
        reprise("status", "--missing", "--suite", "quickstart", "--store", filled_store, "--json").stdout
    )
    assert {one["recipe"] for one in listed} == {entry.slug for entry in catalog.suite("quickstart")[1]}
    assert sum(one["missing"] for one in listed) == 6 * len(listed)


def test_another_machine_is_named_by_the_start_of_its_id(filled_store, reprise):
    mine = document_id(machine_facts())
    assert f"On machine {mine[:6]}" in reprise("status", "--machine", mine[:6], "--store", filled_store).stdout
    refused = reprise("status", "--machine", "zzz", "--store", filled_store)
    assert (refused.exit_code, "0 machines" in refused.output) == (2, True)


def test_a_scale_that_no_recipe_has_is_refused(filled_store, reprise):
    for words in (["status", "--missing"], ["status"]):
        result = reprise(*words, "--scale", "ful", "--store", filled_store)
        assert (result.exit_code, "No recipe of the suite all has a scale 'ful'" in result.output) == (2, True)
        assert "There are full, quick." in result.output


def test_without_a_store_missing_lists_everything_and_status_alone_exits_3(tmp_path, reprise):
    assert reprise("status", "--store", tmp_path / "none").exit_code == 3
    result = reprise("status", "--missing", "--store", tmp_path / "none")
    assert (result.exit_code, "cifar10-lr-drop" in result.stdout) == (0, True)
    assert not (tmp_path / "none").exists()


def test_of_several_data_under_one_name_in_one_place_the_most_replicates_count():
    most = [a_summary("lr-nan", seed, data="cifar10") for seed in (1, 2)]
    other = msgspec.structs.replace(most[0], data=DataRef("cifar10", "f" * 64, 1, 1, False))
    for summaries in ([*most, other], [other, *most]):
        assert row(summaries, "lr-nan").complete == 2
