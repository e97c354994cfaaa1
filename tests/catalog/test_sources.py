"""A number belongs to the code that made it: edits and copies are measured anew, shown apart, and never taken for each other."""

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from faults import documents
from forging import forge
from msgspec.structs import replace

from keras_reprise import catalog
from keras_reprise.base import checkout, package_code
from keras_reprise.catalog import sources
from keras_reprise.gate.stored import Quality
from keras_reprise.judge import comparable, groups
from keras_reprise.judge.missing import missing
from keras_reprise.record.schema import RecipeRef
from keras_reprise.report.cite import quantities
from keras_reprise.report.cite.identifiers import find
from keras_reprise.store.store import Store

OURS = "l1-l2-toy"  # a recipe of the package that takes milliseconds
SHA = "a" * 64


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture
def hers(tmp_path, plain_recipe):
    """A recipe of one's own, to be edited."""
    path = tmp_path / "plain.py"
    path.write_text(plain_recipe.read_text())
    return path


@pytest.fixture
def edited_store(hers, store_path, reprise):
    """Three replicates of a recipe, and three after an edit that changes its numbers."""
    reprise("run", hers, "--seeds", 3, "--store", store_path)
    edited(hers, "arm.value + 0.01", "arm.value + 1.0 + 0.01")
    result = reprise("run", hers, "--seeds", 3, "--store", store_path)
    assert "3 replicates recorded." in result.stdout
    assert "3 of these seeds are in the store from another source (measurement" in result.stderr
    return store_path


@pytest.fixture
def copied_store(tmp_path, store_path, reprise):
    """Three replicates of one of the package's recipes, and three of a changed copy of it under its name."""
    reprise("run", OURS, "--seeds", 3, "--store", store_path)
    copy = tmp_path / f"{OURS}.py"
    entry = catalog.find(OURS)
    copy.write_text((checkout.recipes_folder() / entry.path).read_text())
    edited(copy, "def measure(arm, replicate):\n", "def measure(arm, replicate):\n    changed = 1\n")
    result = reprise("run", copy, "--seeds", 3, "--store", store_path)
    assert (result.exit_code, "3 replicates recorded." in result.stdout) == (0, True), result.output
    return store_path


def gathered(store: Path) -> list[groups.Group]:
    opened = Store(store)
    return groups.gather(opened.summaries()[0], opened)


def verdicts(store: Path, reprise) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(reprise("verdict", "--store", store, "--json").stdout)
    return rows


def test_an_edited_recipe_is_measured_again_and_its_old_numbers_stand_apart(edited_store, reprise):
    rows = [row for row in verdicts(edited_store, reprise) if row["claim"] == "two-is-two"]
    assert [(row["n"], row["superseded"]) for row in rows].count((3, True)) == 1
    assert {(round(row["mean"]), row["verdict"], row["superseded"]) for row in rows} == {
        (2, "reproduced", True),
        (3, "contradicted", False),
    }
    assert len({row["source"] for row in rows}) == len({row["measurement"] for row in rows}) == 2
    told = " ".join(reprise("verdict", "--store", edited_store).stdout.split())
    assert "measured anew from another source since" in told


def test_both_sources_have_a_line_in_the_status(edited_store, reprise):
    rows = json.loads(reprise("status", "--store", edited_store, "--json").stdout)
    assert [row["complete"] for row in rows] == [3, 3]
    assert all(re.fullmatch("measurement [0-9a-f]{12}", row["source"]) for row in rows)


def test_what_is_cited_of_one_s_own_recipe_is_what_was_measured_last(edited_store, reprise):
    (facts,) = json.loads(reprise("cite", "plain/two-is-two", "--store", edited_store, "--json").stdout)
    assert (round(facts["mean"]), facts["n"]) == (3, 3)
    assert facts["measurement"].startswith(facts["source"].removeprefix("measurement "))
    assert "of a recipe of one's own" in reprise("cite", "plain", "--store", edited_store).stdout


def test_going_back_to_the_first_text_finds_its_records(edited_store, hers, reprise):
    edited(hers, "arm.value + 1.0 + 0.01", "arm.value + 0.01")
    edited(hers, "    noise = ", "    # in other words\n    noise = ")
    result = reprise("run", hers, "--seeds", 3, "--store", edited_store, "--json")
    assert json.loads(result.stdout) == {"recorded": 0, "present": 3, "failed": 0, "waiting": 0}


def test_the_report_shows_sources_apart_and_says_so(edited_store, tmp_path, reprise):
    assert reprise("report", "--store", edited_store, "--output", tmp_path / "site").exit_code == 0
    for page in (tmp_path / "site" / "plain-v1.html", tmp_path / "site" / "plain-v1.md"):
        text = page.read_text()
        assert text.count("Another source.") == 1
        assert len(set(re.findall(r"reprise:plain@1/[0-9a-f]{12}", text))) == 2
    assert len(re.findall('<section class="group" id="', (tmp_path / "site" / "plain-v1.html").read_text())) == 2


def test_names_of_groups_are_distinct_and_an_old_one_means_the_first_source(edited_store):
    found = gathered(edited_store)
    assert len({group.key for group in found}) == 2
    assert len({group.key_without_source for group in found}) == 1
    first = min(found, key=lambda group: min(s.finished_at for s in group.members))
    assert quantities.find_group(found, "plain", 1, first.key_without_source) == first
    assert groups.one(found, "plain") != first


def test_an_identifier_of_two_sources_that_were_taken_for_one_resolves_and_says_so(edited_store, reprise):
    store = Store(edited_store)
    digest = comparable.digest(store.summaries()[0])
    named = find(f"reprise:plain@1/{digest[:12]}", gathered(edited_store), store)
    assert len(named.pooled) == 2
    result = reprise("resolve", f"reprise:plain@1/{digest[:12]}", "--store", edited_store)
    assert (result.exit_code, "2 sources had been taken for one" in result.stdout) == (0, True), result.output


def test_records_of_schema_1_are_no_others_than_their_file_s(filled_store, reprise):
    """Her records from before there were measurements: of their file, whatever it computes now."""

    def older(document: dict) -> None:
        document["schema"] = 1
        document.pop("numbers")
        document["recipe"].pop("measurement")
        if document["replicate"]["seed"] > 3:
            document["recipe"]["source_sha256"] = SHA

    forge(filled_store, record=older)
    rows = verdicts(filled_store, reprise)
    assert {row["source"].split()[0] for row in rows} == {"source"}
    assert {row["n"] for row in rows} == {3}


def test_a_changed_copy_of_our_recipe_is_no_evidence_for_ours(copied_store, reprise):
    own, copy = gathered(copied_store)
    assert (own.source, own.stands, own.key == own.key_without_source) == ("", True, True)
    assert (copy.foreign, copy.stands, copy.key == copy.key_without_source) == (True, False, False)
    assert groups.one([copy, own], OURS) == own
    assert "another source" in copy.uncitable
    text = " ".join(reprise("verdict", OURS, "--store", copied_store).stdout.split())
    assert "Rules: 1 reproduced, 0 contradicted, 0 inconclusive" in text  # ours alone
    assert f"of another source ({copy.source}) than recipes/" in text


def test_a_copy_that_measures_the_same_and_claims_otherwise_needs_a_slug_of_its_own(tmp_path, store_path, reprise):
    copy = tmp_path / f"{OURS}.py"
    copy.write_text((checkout.recipes_folder() / catalog.find(OURS).path).read_text())
    result = reprise("run", copy, "--seeds", 1, "--store", store_path)
    assert (result.exit_code, "1 replicates recorded." in result.stdout) == (0, True), result.output
    edited(copy, "question=", 'question="Otherwise: "\n    ')
    result = reprise("run", copy, "--seeds", 2, "--store", store_path)
    assert result.exit_code == 2
    assert "Give the recipe a slug of its own." in result.stderr
    assert not (store_path / "judging").exists()


def test_the_card_of_one_s_own_recipe_judges_old_records_once_it_ran(hers, store_path, reprise):
    reprise("run", hers, "--seeds", 3, "--store", store_path)
    edited(hers, '"two-is-three", ', '"two-is-nearly-three", ')
    assert {row["claim"] for row in verdicts(store_path, reprise)} == {"two-is-two", "two-is-three"}
    result = reprise("run", hers, "--seeds", 3, "--store", store_path, "--json")
    assert json.loads(result.stdout)["recorded"] == 0
    assert {row["claim"] for row in verdicts(store_path, reprise)} == {"two-is-two", "two-is-nearly-three"}


def test_a_changed_copy_does_not_complete_a_suite(copied_store):
    summaries, _ = Store(copied_store).summaries()
    machine = summaries[0].machine
    copy = [summary for summary in summaries if sources.label(summary.recipe)]
    counts = [
        next(row for row in missing(chosen, "all", machine) if row.recipe == OURS).complete
        for chosen in (copy, summaries)
    ]
    assert counts == [0, 1]  # of exact claims one replicate is wanted


def test_the_report_of_a_changed_copy_alone_counts_for_nothing(copied_store, tmp_path, reprise):
    for path in (copied_store / "records").rglob("seed*.json"):
        if not sources.label(RecipeRef(**json.loads(path.read_bytes())["recipe"])):
            path.unlink()
    assert reprise("report", "--store", copied_store, "--output", tmp_path / "site").exit_code == 0
    front = (tmp_path / "site" / "index.html").read_text()
    assert 'class="tally"' not in front  # there is no rule to count
    assert "They are no evidence for the package&#39;s recipe" in (tmp_path / "site" / f"{OURS}-v1.html").read_text()


def test_a_higher_version_of_a_copy_does_not_take_the_place_of_ours(copied_store):
    own, copy = gathered(copied_store)
    later = [replace(s, recipe=replace(s.recipe, version=9)) for s in copy.members]
    assert groups.one(groups.gather([*own.members, *later], Store(copied_store)), OURS).version == own.version


def test_a_copy_is_compared_with_the_recipe_only_where_there_is_nothing_else_and_then_with_a_warning(
    copied_store, tmp_path, reprise
):
    both = reprise("compare", copied_store, copied_store, "--store", copied_store)
    assert (both.exit_code, "Different sources" in both.stdout) == (0, False)
    shutil.copytree(copied_store, tmp_path / "copies")
    for path in (tmp_path / "copies" / "records").rglob("seed*.json"):
        if not sources.label(RecipeRef(**json.loads(path.read_bytes())["recipe"])):
            path.unlink()
    one = reprise("compare", copied_store, tmp_path / "copies", "--store", copied_store)
    assert "Different sources under one name: B is of another source (measurement" in " ".join(one.stdout.split())


def test_a_merge_says_how_much_the_lock_does_not_know(copied_store, tmp_path, reprise):
    result = reprise("merge", copied_store, "--store", tmp_path / "new")
    assert "3 of them are of a source that the lock does not know" in result.stdout


@pytest.mark.parametrize("what", ["file", "code"])
def test_an_interrupted_run_that_goes_on_with_other_code_mixes_nothing(hers, store_path, reprise, monkeypatch, what):
    """One arm is kept; then the recipe, or the engine that computes with it, is edited."""
    reprise("run", hers, "--seeds", 1, "--arm", "one", "--store", store_path)
    with monkeypatch.context() as patch:
        if what == "file":
            edited(hers, "arm.value + 0.01", "arm.value + 1.0 + 0.01")
        else:
            patch.setattr(package_code, "running_sha256", lambda: SHA)
            patch.setattr("keras_reprise.run.worker._require_code", lambda wanted, found: None)
        other = json.loads(reprise("run", hers, "--seeds", 1, "--arm", "two", "--store", store_path, "--json").stdout)
    assert (other["recorded"], other["waiting"]) == (0, 1)
    if what == "file":
        edited(hers, "arm.value + 1.0 + 0.01", "arm.value + 0.01")
    rest = json.loads(reprise("run", hers, "--seeds", 1, "--arm", "two", "--store", store_path, "--json").stdout)
    assert rest["recorded"] == 1
    (document,) = documents(store_path)
    assert [round(arm["metrics"]["value"]) for arm in document["arms"].values()] == [1, 2]


def test_a_worker_that_imports_other_code_than_the_run_began_with_refuses(hers, store_path, reprise, monkeypatch):
    known = iter([SHA, package_code.sha256_now()])
    monkeypatch.setattr(package_code, "running_sha256", lambda: next(known))
    result = reprise("run", hers, "--seeds", 1, "--store", store_path)
    assert (result.exit_code, "imports another code" in result.stderr, "Traceback" in result.output) == (4, True, False)


def test_a_replay_of_one_s_own_recipe_runs_for_that_file_alone(edited_store, hers, tmp_path, reprise, monkeypatch):
    monkeypatch.chdir(tmp_path)
    old = next(group for group in gathered(edited_store) if group.superseded)
    command = json.loads(reprise("resolve", old.identifier, "--store", edited_store, "--json").stdout)["replay"]
    words = shlex.split(command)[1:]
    assert words[1] == "./plain.py"
    wrong = reprise(*words, "--store", edited_store)
    assert (wrong.exit_code, "Traceback" in wrong.output) == (2, False)
    assert old.first.recipe.source_sha256 in wrong.stderr
    edited(hers, "arm.value + 1.0 + 0.01", "arm.value + 0.01")
    right = reprise(*words, "--store", edited_store)
    assert (right.exit_code, "3 already in the store" in right.stdout) == (0, True), right.output
    hers.rename(tmp_path / "elsewhere.py")
    gone = reprise(*words, "--store", edited_store)
    assert (gone.exit_code, old.first.recipe.source_sha256 in gone.stderr) == (2, True)


def test_a_superseded_version_of_ours_is_replayed_by_its_name():
    superseded = [one for one in catalog.read_lock().recipes if one.path.startswith("superseded/")]
    entry = next(one for one in superseded if any(accepted.of == "source" for accepted in one.accepted))
    accepted = next(one for one in entry.accepted if one.of == "source")
    assert sources.label(RecipeRef(entry.slug, entry.version, "quick", accepted.sha256, SHA)) == ""
    assert sources.label(RecipeRef(entry.slug, entry.version + 1, "quick", accepted.sha256, SHA)) != ""


def quality(**changes: object) -> Quality:
    plain = Quality(
        recipe="mine", version=1, scale="quick", source_sha256=SHA, data=None, seeds=[1], metrics={}, margins={}, claims=[],
        statistics={}, failed=0, seconds=1.0, measurement="b" * 64, backend="jax",
    )  # fmt: skip
    return replace(plain, **changes)


def test_a_baseline_of_another_measurement_is_not_compared_with():
    assert not quality().is_of_the_source_of(quality(measurement="c" * 64))
    assert quality().is_of_the_source_of(quality(source_sha256="d" * 64))


def test_an_older_baseline_and_one_of_another_backend_are_told_by_their_file():
    assert quality().is_of_the_source_of(quality(measurement=None, backend=None))
    assert quality().is_of_the_source_of(quality(measurement="c" * 64, backend="torch"))
    assert not quality().is_of_the_source_of(quality(measurement=None, backend=None, source_sha256="d" * 64))


def test_words_for_a_version_that_the_package_does_not_have():
    assert "which has no such version" in sources.words(RecipeRef(OURS, 99, "quick", SHA, SHA, SHA))


def test_a_module_that_was_changed_before_it_was_imported_spoils_no_record(hers, store_path, reprise, monkeypatch):
    """A pull while the run goes on: what is in memory is of the old code, what is imported from then on would be of the new."""
    monkeypatch.setattr(package_code, "sha256_now", lambda: SHA)
    result = reprise("run", hers, "--seeds", 1, "--store", store_path)
    assert (result.exit_code, "imports another code" in result.stderr) == (4, True)
    assert not list((store_path / "records").rglob("*.json"))
