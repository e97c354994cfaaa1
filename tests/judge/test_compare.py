"""Comparisons: what may stand side by side, what is refused, and the numbers, checked by hand."""

import hashlib
import json
import math
import shutil
import subprocess

import numpy as np
import pytest
from forging import forge, records
from scipy import stats as reference

from keras_reprise.base import statistics
from keras_reprise.record.encoding import pretty


def timed(seconds, *, alone=True, compile_s=1.0, per_update=True):
    """Arms that took so many seconds per update, and ten times as many and a half in all."""

    def change(document):
        for arm in document["arms"].values():
            mine = seconds * (1 + 0.01 * document["replicate"]["seed"])
            step = {"n": 3, "median": mine, "p05": mine, "p95": mine} if per_update else None
            total = 10 * mine + 0.5 + (compile_s or 0.0)
            arm["time"] |= {"step_s": step, "total_s": total, "compile_s": compile_s, "alone": alone}

    return change


def compared(reprise, store, *words):
    result = reprise("compare", *words, "--store", store, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def two_machines(filled_store, tmp_path):
    """A store with the same replicates on a second machine, twice as fast; its id."""
    shutil.copytree(filled_store, tmp_path / "second")
    forge(filled_store, record=timed(0.2))
    forge(tmp_path / "second", record=timed(0.1), machine=lambda facts: facts.update(cpu="A second CPU"))
    shutil.copytree(tmp_path / "second", filled_store, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".cache"))
    first, second = sorted((filled_store / "machines").glob("*.json"), key=lambda path: "A second" in path.read_text())
    return filled_store, first.stem, second.stem


def test_welch_agrees_with_scipy():
    generator = np.random.default_rng(1)
    a, b = generator.normal(1, 1, 7), generator.normal(0, 3, 5)
    found = statistics.welch(a, b)
    expected = reference.ttest_ind(a, b, equal_var=False)
    interval = expected.confidence_interval()
    assert found == pytest.approx((a.mean() - b.mean(), interval.low, interval.high, expected.pvalue))


def test_welch_without_variance_or_with_one_value():
    assert statistics.welch(np.ones(3), np.zeros(3)) == (1.0, 1.0, 1.0, 0.0)
    assert statistics.welch(np.ones(3), np.ones(2)) == (0.0, 0.0, 0.0, 1.0)
    difference, *rest = statistics.welch(np.ones(1), np.zeros(3))
    assert difference == 1.0
    assert all(math.isnan(value) for value in rest)


def test_machines_side_by_side(two_machines, reprise):
    store, first, second = two_machines
    result = reprise("compare", second, first[:6], "--store", store, "--json")
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert [d["fact"] for d in facts["differences"]] == ["machine cpu"]
    (pair,) = facts["pairs"]
    assert [speed["ratio"] for speed in pair["speeds"]] == pytest.approx([2.0, 2.0])
    assert all(claim["identical"] and not claim["verdicts_differ"] for claim in pair["claims"])
    assert {speed["what"] for speed in pair["speeds"]} == {"per update"}
    text = reprise("compare", second, first, "--store", store).stdout
    assert text.index("What differs") < text.index("A second CPU") < text.index("Equal: ") < text.index("The claims")
    assert "2 claims identical in every replicate" in text
    assert "two-is-two" not in text
    assert "two-is-two" in reprise("compare", second, first, "--store", store, "-v").stdout


def change_of_one_side(store, machine, change):
    """Change the records of one machine."""
    forge(store, record=lambda document: change(document) if document["machine"] == machine else None)


@pytest.mark.parametrize(
    ("theirs", "why"),
    [
        (timed(0.1, alone=False), "A did not have the machine alone"),
        (timed(0.1, alone=None), "it is not known whether A had the machine alone"),
        (timed(0.1, compile_s=None, per_update=False), "compilation is not told apart"),
    ],
)
def test_seconds_are_compared_only_where_both_had_their_machine_alone(two_machines, reprise, theirs, why):
    store, first, second = two_machines
    change_of_one_side(store, second, theirs)
    facts = compared(reprise, store, second, first)
    (pair,) = facts["pairs"]
    assert pair["speeds"] == []
    assert all(why in reason for reason in pair["speeds_not_compared"].values())
    assert facts["speed"]["n"] == 0
    text = reprise("compare", second, first, "--store", store).stdout
    assert f"Not compared: 2 arms, since {why.split(',')[0]}" in text or why in " ".join(text.split())


def test_old_records_of_recipes_about_seconds_had_their_machine_alone(two_machines, reprise):
    store, first, second = two_machines
    old = timed(0.1, alone=None)

    def as_of_schema_1(document):
        old(document)
        del document["recipe"]["measurement"], document["numbers"]
        document["schema"] = 1

    forge(store, card=lambda card: card.update(timing=True))
    change_of_one_side(store, second, as_of_schema_1)
    assert [speed["ratio"] for speed in compared(reprise, store, second, first)["pairs"][0]["speeds"]] == pytest.approx(
        [2, 2]
    )


def test_strict_runs_say_nothing_of_seconds(two_machines, reprise):
    store, first, second = two_machines
    change_of_one_side(store, second, lambda document: document["determinism"].update(mode="strict"))
    assert compared(reprise, store, second, first)["pairs"][0]["speeds"] == []


def test_without_a_time_per_update_compilation_does_not_count(two_machines, reprise):
    store, first, second = two_machines
    change_of_one_side(store, second, timed(0.2, compile_s=100.0, per_update=False))
    change_of_one_side(store, first, timed(0.2, compile_s=1.0))
    speeds = compared(reprise, store, second, first)["pairs"][0]["speeds"]
    assert [speed["what"] for speed in speeds] == ["in all", "in all"]
    assert [speed["ratio"] for speed in speeds] == pytest.approx([1.0, 1.0])


def test_two_replicates_have_no_interval_and_wild_ones_none_that_says_anything(two_machines, reprise):
    store, first, second = two_machines

    def wild(document):
        timed(10.0 ** (document["replicate"]["seed"] % 3 * 4))(document)

    change_of_one_side(store, second, wild)
    speed = compared(reprise, store, second, first)["pairs"][0]["speeds"][0]
    assert (speed["doubt"], speed["low"], speed["a_n"]) == ("too few replicates to say", "nan", 6)
    change_of_one_side(store, second, lambda document: timed(0.1, alone=document["replicate"]["seed"] < 3)(document))
    speed = compared(reprise, store, second, first)["pairs"][0]["speeds"][0]
    assert (speed["doubt"], speed["low"], speed["a_n"], speed["b_n"]) == ("n = 2: no interval", "nan", 2, 6)
    assert speed["ratio"] == pytest.approx(2.0, rel=0.03)


@pytest.mark.parametrize(("recipes", "mean"), [(4, "nan"), (5, 2.0)])
def test_a_mean_over_recipes_needs_five_of_them(two_machines, tmp_path, reprise, recipes, mean):
    store, first, second = two_machines
    for number in range(recipes - 1):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(two_machines[0], copy, ignore=shutil.ignore_patterns(".cache"))
        slug = f"other-{number}"
        forge(copy, card=lambda card: card.update(slug=slug), record=lambda one: one["recipe"].update(slug=slug))  # noqa: B023
        shutil.copytree(copy, tmp_path / "all", dirs_exist_ok=True, ignore=shutil.ignore_patterns(".cache"))
    shutil.copytree(store, tmp_path / "all", dirs_exist_ok=True, ignore=shutil.ignore_patterns(".cache"))
    found = compared(reprise, tmp_path / "all", second, first)["speed"]
    assert found["n"] == recipes
    assert found["ratio"] == (mean if mean == "nan" else pytest.approx(mean))
    text = " ".join(reprise("compare", second, first, "--store", tmp_path / "all").stdout.split())
    assert ("geometric mean of 5 recipes" in text) == (recipes == 5)
    assert ("No mean over recipes: 4 recipes" in text) == (recipes == 4)


def test_two_replicates_and_rounding_make_no_clear_change(two_machines, reprise):
    store, first, second = two_machines

    def moved(one):
        if one["replicate"]["seed"] < 3:
            one["claims"]["two-is-three"] += 100.0
        else:
            one["claims"]["two-is-three"] = "nan"
        one["claims"]["two-is-two"] *= 1 + 1e-7

    change_of_one_side(store, second, moved)
    claims = compared(reprise, store, second, first)["pairs"][0]["claims"]
    assert [(claim["a_n"], claim["clear"]) for claim in claims] == [(6, False), (2, False)]


def test_printed_values_that_agree_are_one_line(two_machines, reprise):
    store, first, second = two_machines

    def printed(card):
        for claim in card["claims"]:
            claim["printed"] = 2.0

    forge(store, card=printed)
    change_of_one_side(
        store, second, lambda one: one.update(claims={name: value + 1e-9 for name, value in one["claims"].items()})
    )
    text = reprise("compare", second, first, "--store", store).stdout
    assert "2 printed values agree" in text
    assert "two-is-two" not in text


def test_what_is_installed_beside_keras_is_counted_and_listed_when_asked(two_machines, tmp_path, reprise):
    store, first, _ = two_machines
    folder = store / "environments"
    (path,) = folder.glob("*.json")
    facts = json.loads(path.read_bytes())
    facts["packages"] |= {"numpy": "0.1", "some-library": "1.0"}
    facts["settings"] |= {"intra_op_threads": 7}
    content = pretty(facts)
    other = hashlib.sha256(content).hexdigest()[:12]
    (folder / f"{other}.json").write_bytes(content)
    change_of_one_side(store, first, lambda document: document.update(environment=other))
    words = ["compare", f"environment:{other}", f"environment:{path.stem}", "--store", store]
    text = reprise(*words).stdout
    assert "2 other packages differ; -v lists them." in text
    assert "intra-op 7" in text
    assert "some-library" not in text
    assert "some-library" in reprise(*words, "-v").stdout
    decided = {one["fact"]: one["same"] for one in json.loads(reprise(*words, "--json").stdout)["deciding"]}
    assert (decided["threads"], decided["Keras"], decided["hardware"]) == (False, True, False)


def test_it_fits_a_terminal_of_a_hundred_columns(two_machines, reprise):
    store, first, second = two_machines
    long = "a-claim-with-a-name-that-is-longer-than-any-column-of-a-table-in-a-terminal-may-be"

    def renamed(card):
        card["claims"][0]["id"] = long

    forge(store, card=renamed, record=lambda one: one["claims"].update({long: one["claims"].pop("two-is-two")}))
    change_of_one_side(store, second, lambda one: one["claims"].update({long: one["claims"][long] * 1.5}))
    for more in ([], ["-v"]):
        text = reprise("compare", second, first, "--store", store, *more).stdout
        assert max(map(len, text.splitlines())) <= 100
        assert "Opposite verdicts" in text


def test_a_verdict_that_differs_is_shown_with_the_change(two_machines, reprise):
    store, first, second = two_machines

    def change(document):
        if document["machine"] == second:
            document["claims"]["two-is-two"] += 1.0

    forge(store, record=change)
    facts = json.loads(reprise("compare", second, first, "--store", store, "--json").stdout)
    claim = next(c for c in facts["pairs"][0]["claims"] if c["claim"] == "two-is-two")
    assert (claim["a_verdict"], claim["b_verdict"], claim["verdicts_differ"]) == ("contradicted", "reproduced", True)
    assert claim["is_ratio"]
    assert claim["change"] == pytest.approx(1.5, abs=0.02)
    assert claim["low"] < 1.5 < claim["high"]
    assert claim["p"] < 0.01
    assert (claim["opposite"], claim["clear"]) == (True, True)
    text = reprise("compare", second, first, "--store", store).stdout
    assert "1 reproduced on one side and contradicted on the other" in " ".join(text.split())
    assert text.index("Opposite verdicts") < text.index("two-is-two") < text.index("The other claims")
    assert "A / B = x 1.5" in text


def test_two_stores(two_machines, tmp_path, reprise):
    store, *_ = two_machines
    result = reprise("compare", f"store:{store}", tmp_path / "second", "--store", store)
    assert result.exit_code == 0, result.output
    assert "plain@1" in result.output


def test_two_named_stores_need_no_third(filled_store, tmp_path, reprise, monkeypatch):
    shutil.copytree(filled_store, tmp_path / "theirs")
    monkeypatch.chdir(tmp_path)
    result = reprise("compare", filled_store.name, "theirs")
    assert result.exit_code == 0, result.output
    assert "plain@1" in result.stdout


def test_a_selection_is_of_the_named_stores_too(filled_store, tmp_path, reprise):
    shutil.copytree(filled_store, tmp_path / "second")
    forge(tmp_path / "second", record=lambda document: document["recipe"].update(scale="full"))
    shutil.copytree(tmp_path / "second", filled_store, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".cache"))
    sides = filled_store, f"store:{filled_store}"
    for more, scales in (([], {"quick", "full"}), (["--scale", "full"], {"full"})):
        found = compared(reprise, filled_store, *sides, *more)["pairs"]
        assert {pair["scale"] for pair in found} == scales


def test_a_named_store_with_a_broken_record_exits_1(filled_store, tmp_path, reprise):
    shutil.copytree(filled_store, tmp_path / "theirs")
    records(tmp_path / "theirs")[0].write_text("{")
    result = reprise("compare", filled_store, tmp_path / "theirs", "--store", filled_store)
    assert (result.exit_code, "reprise: left out: " in result.stderr) == (1, True)


def test_a_group_is_compared_with_another_one_before_itself(two_machines, reprise):
    store, *_ = two_machines
    facts = compared(reprise, store, "backend:tensorflow", "backend:tensorflow")
    assert len({*facts["pairs"][0]["identifiers"]}) == 2
    result = reprise("compare", "backend:tensorflow", "backend:tensorflow", "--store", store)
    assert "records in common" not in result.stderr


def test_what_is_compared_with_itself_is_said_to_be_no_comparison(filled_store, reprise):
    result = reprise("compare", "backend:tensorflow", "backend:tensorflow", "--store", filled_store)
    assert result.exit_code == 0, result.output
    assert "in 1 of 1 recipe settings both sides have records in common" in result.stderr
    assert "plain@1, quick, data none" in result.stderr


def test_versions_are_compared_claim_by_claim_and_never_pooled(filled_store, tmp_path, reprise):
    shutil.copytree(filled_store, tmp_path / "second")

    def newer(card):
        card["version"] = 2
        card["claims"][0]["interval"] = [0.0, 1.0]

    forge(tmp_path / "second", card=newer, record=lambda document: document["recipe"].update(version=2))
    shutil.copytree(tmp_path / "second", filled_store, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".cache"))
    result = reprise("compare", "plain@1", "plain@2", "--store", filled_store, "--json")
    assert result.exit_code == 0, result.output
    restated, kept = json.loads(result.stdout)["pairs"][0]["claims"]
    assert restated["incomparable"] == "the versions state it differently"
    assert kept["incomparable"] == ""
    assert "never pooled" in reprise("compare", "plain@1", "plain@2", "--store", filled_store).output


def test_what_is_not_comparable_is_refused_with_the_reason(filled_store, tmp_path, reprise):
    shutil.copytree(filled_store, tmp_path / "second")
    forge(tmp_path / "second", record=lambda document: document["recipe"].update(scale="full"))
    result = reprise("compare", filled_store, tmp_path / "second", "--store", filled_store)
    assert result.exit_code == 2
    assert "scale quick against full" in result.output


def test_data_sets_of_the_same_name_but_other_images_are_refused(filled_store, tmp_path, reprise):
    data = {"name": "images", "fingerprint": "0" * 64, "n_train": 2, "n_test": 1, "substitute": False}
    shutil.copytree(filled_store, tmp_path / "second")
    forge(filled_store, record=lambda document: document.update(data=data))
    forge(tmp_path / "second", record=lambda document: document.update(data=data | {"fingerprint": "1" * 64}))
    result = reprise("compare", filled_store, tmp_path / "second", "--store", filled_store)
    assert result.exit_code == 2
    assert "not on the same images" in result.output


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing", "is no machine, environment"),
        ("machine:ffff", "is no machine"),
        ("store:/nowhere", "no results store"),
        ("--exec=x", "No such option"),
    ],
)
def test_a_name_that_means_nothing_says_what_there_is(filled_store, reprise, name, words):
    result = reprise("compare", name, "backend:tensorflow", "--store", filled_store)
    assert result.exit_code == 2
    assert words in result.output


def test_a_git_revision_means_what_its_code_measured_or_what_the_store_held(
    filled_store, tmp_path, reprise, monkeypatch
):
    project = tmp_path / "project"
    (project / "recipes").mkdir(parents=True)
    (project / "pyproject.toml").write_text('[project]\nname = "keras-reprise"\n')
    shutil.copytree(filled_store, project / "results", ignore=shutil.ignore_patterns(".cache"))
    git = ["git", "-C", str(project), "-c", "user.name=t", "-c", "user.email=t@t"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"], ["tag", "one"]):
        subprocess.run([*git, *command], check=True)
    monkeypatch.chdir(project)
    result = reprise("compare", "one", "backend:tensorflow", "--store", project / "results")
    assert result.exit_code == 0, result.output
    assert "what the store held" in result.output
    measured = subprocess.run([*git, "rev-parse", "one"], capture_output=True, text=True, check=True).stdout.strip()
    forge(project / "results", record=lambda document: document["code"].update(git_commit=measured))
    result = reprise("compare", "commit:one", "backend:tensorflow", "--store", project / "results")
    assert result.exit_code == 0, result.output
    assert "what the store held" not in result.output


@pytest.mark.parametrize(
    ("kind", "told"), [("continuous", ("nan", False, "neither side varies")), ("exact", (0.0, True, ""))]
)
def test_where_neither_side_varies_only_an_exact_claim_changes_clearly(two_machines, reprise, kind, told):
    store, first, second = two_machines

    def constant(document):
        document["claims"]["two-is-three"] = 6.0 if document["machine"] == second else 5.0

    def of_kind(card):
        next(claim for claim in card["claims"] if claim["id"] == "two-is-three")["kind"] = kind

    forge(store, card=of_kind, record=constant)
    claims = compared(reprise, store, second, first)["pairs"][0]["claims"]
    (claim,) = (one for one in claims if one["claim"] == "two-is-three")
    assert (claim["p"], claim["clear"], claim["doubt"]) == told
    assert (claim["change"], claim["a_n"]) == (1.0, 6)
    text = " ".join(reprise("compare", second, first, "--store", store).stdout.split())
    assert ("1 (neither side varies)" in text) == (kind == "continuous")
    assert ("Clear changes" in text) == (kind == "exact")


@pytest.mark.parametrize("scale", [1e-90, 1e100])
def test_numbers_near_the_ends_of_what_there_are_stop_no_comparison(two_machines, reprise, scale):
    store, first, second = two_machines

    def scaled(document):
        factor = scale * (2 if document["machine"] == second else 1)
        document["claims"]["two-is-three"] = factor * document["replicate"]["seed"]

    forge(store, record=scaled)
    claims = compared(reprise, store, second, first)["pairs"][0]["claims"]
    (claim,) = (one for one in claims if one["claim"] == "two-is-three")
    assert 0 < claim["p"] < 1
