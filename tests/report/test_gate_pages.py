"""The report's pages of the gate: baselines, calibrations, comparisons of environments; made of what lies in the store."""

import html
import math
import re
from pathlib import Path

import msgspec
import pytest

from keras_reprise.gate.change_points import Overview
from keras_reprise.gate.comparisons import (
    ComparisonOccasion,
    MeasuredEnvironment,
    MeasuredLook,
    StoredComparison,
    StoredPair,
    comparison_path,
    stored_row,
    write_comparison,
)
from keras_reprise.gate.explanations import Explanation, Explanations
from keras_reprise.gate.processes import Process
from keras_reprise.gate.rule import IMPROVED, REGRESSED, SAME, Row
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.stored import (
    Accepted,
    Baseline,
    Calibration,
    Occasion,
    Software,
    baseline_path,
    calibration_path,
    write,
)
from keras_reprise.record.schema import Code
from keras_reprise.store.store import Store

pytestmark = pytest.mark.slow
CODE = Code("0.1.0", "a" * 40, False, None)
METRIC = "bench/mine.py::test_step[<small>]"


def software(version):
    return Software(python="3.11.1", packages={"keras": version, "pip": "1"}, variables={"KERAS_BACKEND": "jax"})


def process(n, seconds=0.01, side="now"):
    found = {METRIC: seconds * (1 + 0.01 * (n % 3)), "bench/mine.py::peak memory": 2.0**27}
    return Process(
        suite="bench/mine.py", side=side, round=n, position=n, started_at=f"2026-01-02T03:04:{n:02d}Z", duration_s=1.0,
        fastest=found, median=found, relative={}, load=0.1, steal_fraction=0.0,
    )  # fmt: skip


def row(change, verdict=SAME):
    return Row(
        METRIC, ratio=True, n_before=18, n_now=18, before=0.01, now=0.01 * math.exp(change), change=change,
        low=change - 0.01, high=change + 0.01, p=1e-6, bound=0.05, alike=0.05, p_adjusted=1e-5, visible=0.08,
        verdict=verdict, again=change if verdict != SAME else None,
    )  # fmt: skip


def comparison(machine, name="releases", days=("02",), change=0.2):
    """Three releases and one that cannot be made, of which the last is slower."""
    step = REGRESSED if change > 0 else IMPROVED
    pairs = [
        StoredPair(0, 1, [stored_row(row(0.0))], "", {}),
        StoredPair(0, 3, [stored_row(row(change, step))], "", {}),
        StoredPair(1, 3, [stored_row(row(change, step))], "", {}),
    ]
    made = [MeasuredEnvironment(software(version), None, {}) for version in ("1.0", "1.1", "1.3")]
    broken = MeasuredEnvironment(None, None, {"": "thing==1.2 cannot be installed: no <wheel>"})
    occasions = [
        ComparisonOccasion(
            f"2026-01-{day}T00:00:00Z", f"2026-01-{day}T01:00:00Z", CODE, Settings(benchmarks=["bench/mine.py"]),
            [*made[:2], broken, made[2]], {}, [MeasuredLook("first", 1, [], [process(1, side="e01")], {})], pairs, [],
        )
        for day in days
    ]  # fmt: skip
    words = [f"thing==1.{n}" for n in range(4)]
    return StoredComparison(1, machine, name, words, 0, {}, occasions)


@pytest.fixture
def machine(filled_store):
    return next((filled_store / "machines").glob("*.json")).stem


@pytest.fixture
def pages(filled_store, machine, reprise):
    """Write comparisons into a store, then its report; returns the report's folder."""

    def made(*comparisons):
        store = Store(filled_store)
        for one in comparisons:
            write_comparison(comparison_path(store, one.machine, one.name), one)
        result = reprise("report", "--store", filled_store)
        assert result.exit_code == 0, result.output
        return filled_store / "reports"

    return made


def text_of(path):
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", path.read_text().partition("<main")[2])).split())


def test_a_comparison_has_a_page_that_answers(pages, machine):
    folder = pages(comparison(machine, days=("02", "09")))
    page = folder / f"comparison-{machine[:8]}-releases.html"
    text = text_of(page)
    assert (
        "Of 4 environments, of which 3 could be made, one changed 1 of 1 metrics: mine.py::test_step[<small>] x 1.221 "
        "from 1.1 to 1.3, verified on 2 occasions."
    ) in text
    assert "keras 1.1 -> 1.3" in text
    assert "Failed: 1.2: thing==1.2 cannot be installed: no <wheel>" in text
    command = "reprise gate --benchmarks bench/mine.py --rounds 6 --between thing==1.0 thing==1.1 thing==1.2 thing==1.3"
    assert f"{command} --name releases --occasion" in text
    assert "<small>" not in page.read_text(), "names are data"
    assert 'class="num cell contradicted"' in page.read_text()
    drawn = folder / f"figures/comparison-{machine[:8]}-releases-1.svg"
    assert "x 1.221" in drawn.read_text()
    assert "x 1.221 from 1.1 to 1.3" in text_of(folder / "gate.html")
    assert f'href="{page.name}"' in (folder / "gate.html").read_text()
    assert "one changed 1 of 1 metrics" in (folder / "README.md").read_text()
    assert page.with_suffix(".md").is_file()
    assert f'href="machine-{machine}.html"' in page.read_text()


def test_what_one_occasion_saw_and_the_next_did_not_stands_apart(pages, machine):
    seen, unseen = comparison(machine, days=("02",)), comparison(machine, days=("09",), change=0.0)
    unseen.occasions[0].pairs[:] = [
        StoredPair(a, b, [stored_row(row(0.0))], "", {}) for a, b in ((0, 1), (0, 3), (1, 3))
    ]
    folder = pages(msgspec.structs.replace(seen, occasions=[*seen.occasions, *unseen.occasions]))
    page = folder / f"comparison-{machine[:8]}-releases.html"
    text = text_of(page)
    assert "none is seen to change any of 1 metrics on every occasion; 1 change was not seen on every occasion." in text
    assert "Not seen on every occasion What one occasion saw and another did not may be of that day" in text
    assert "x 1.221 x 1.209 to x 1.234 < 0.0001 seen on 1 of 2 occasions" in text
    assert 'id="change-points"' not in page.read_text()


def test_pages_and_figures_are_the_same_bytes_again_and_go_when_the_comparison_goes(pages, machine, filled_store):
    one = comparison(machine)
    folder = pages(one)
    before = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    stamps = {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.svg")}
    pages(one)
    assert {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.svg")} == stamps, "nothing is drawn twice"
    pages(comparison(machine, change=-0.2))
    assert (folder / f"figures/comparison-{machine[:8]}-releases-1.svg").read_bytes() != before[
        f"comparison-{machine[:8]}-releases-1.svg"
    ]
    comparison_path(Store(filled_store), machine, "releases").unlink()
    pages()
    assert not list(folder.rglob("comparison-*"))


def test_baselines_and_calibrations_of_every_machine_are_told(pages, machine, filled_store):
    store = Store(filled_store)
    occasions = [
        Occasion(machine, software("1.0"), CODE, 1, [process(n, 0.01 * (1 + 0.02 * day)) for n in range(16)], [])
        for day in range(2)
    ]
    write(calibration_path(store, machine, "main"), Calibration(1, occasions))
    accepted = Accepted("2026-01-03T10:00:00Z", "Ada", "first <baseline>")
    write(baseline_path(store, machine, "main"), Baseline(1, accepted, occasions[0]))
    other = "b" * 12
    write(
        baseline_path(store, other, "jax"),
        Baseline(1, accepted, Occasion(other, software("1.0"), CODE, 1, [process(1)], [])),
    )
    path = baseline_path(store, other, "broken")
    path.write_text("{}")
    text = text_of(pages() / "gate.html")
    assert "2026-01-03 10:00 UTC by Ada: first <baseline>" in text
    assert "2026-01-02 03:04 UTC (16 processes)" in text
    assert re.search(r"mine.py::test_step\[<small>\] 16 10\.1 ms \d\.\d% \d\.\d%", text)
    assert "mine.py::peak memory 16 128 MiB" in text
    assert "Python 3.11.1, keras 1.0, KERAS_BACKEND=jax" in text
    assert f"machine {other}" in text
    assert "broken.json is no baseline of this version" in text


def test_a_broken_comparison_is_said_to_be_and_the_rest_is_written(pages, machine, filled_store):
    one = comparison(machine)
    folder = pages(one)
    path = comparison_path(Store(filled_store), machine, "releases")
    path.write_bytes(path.read_bytes()[:-40])
    pages()
    assert "releases.json is no comparison of this version" in text_of(folder / "gate.html")


def test_a_comparison_of_qualities_alone_counts_replicates_and_speaks_of_differences():
    (page,) = (Path(__file__).parents[2] / "results" / "reports").glob("comparison-*-keras-accuracy-tensorflow.md")
    text = page.with_suffix(".html").read_text()
    assert "UTC: 66 replicates first, code" in text
    assert "0 processes" not in text
    assert "accuracies as differences from it" in text


def test_without_anything_the_page_says_what_to_do(pages):
    text = text_of(pages() / "gate.html")
    assert "reprise gate --between A B C" in text
    assert 'reprise accept --why "first baseline"' in text


def test_a_name_that_is_no_file_name_has_a_page_all_the_same(pages, machine):
    folder = pages(comparison(machine, name="mine & theirs"))
    page = next(folder.glob("comparison-*.html"))
    assert re.fullmatch(r"comparison-[0-9a-f]{8}-[0-9a-f]{12}\.html", page.name)
    assert "mine & theirs" in text_of(page)


def test_hostile_words_of_a_comparison_stay_words(pages, machine):
    hostile = "<script>alert(1)</script> [x](javascript:y) {{7*7}} $1"
    one = comparison(machine)
    pages_of = pages(msgspec.structs.replace(one, words=[*one.words[:3], hostile]))
    page = pages_of / f"comparison-{machine[:8]}-releases.html"
    assert page.read_text().count("<script") == 1
    assert "{{7*7}}" in text_of(page)
    assert "[x](java" not in page.with_suffix(".md").read_text()
    assert "<script" not in page.with_suffix(".md").read_text()
    assert b"<script" not in (pages_of / f"figures/comparison-{machine[:8]}-releases-1.svg").read_bytes()


def test_a_benchmark_is_told_over_another_that_the_settings_name(pages, machine):
    bare = METRIC.replace("test_step", "test_bare_step")
    one = comparison(machine)
    occasion = one.newest
    found = [process(n, side=f"e{side:02d}") for n in range(3) for side in (1, 2)]
    found = [
        msgspec.structs.replace(p, median=p.median | {bare: p.median[METRIC] / (2 if p.side == "e01" else 4)})
        for p in found
    ]
    pairs = [
        msgspec.structs.replace(pair, rows=[*pair.rows, *(msgspec.structs.replace(r, metric=bare) for r in pair.rows)])
        for pair in occasion.pairs
    ]
    settings = msgspec.structs.replace(
        occasion.settings, title="What <releases> changed", over={"test_step": "test_bare_step"}
    )
    looks = [MeasuredLook("first", 1, [], found, {})]
    occasion = msgspec.structs.replace(occasion, settings=settings, pairs=pairs, looks=looks)
    one = msgspec.structs.replace(one, occasions=[occasion])
    assert [overhead.ratios for overhead in Overview(one).overheads] == [[2.0, 4.0, None, None]]
    folder = pages(one)
    page = html.unescape(next(folder.glob("comparison-*.html")).read_text())
    assert "<h1>What <releases> changed</h1>" in page
    assert re.search(r"test_bare_step\[<small>\]</code></td><td class=\"num\">2.00</td><td class=\"num\">4.00", page)


EXPLAINED = """
[[explanation]]
metric = "*::test_step*"
backend = "jax"
package = "keras"
release = "1.2"
says = "Keras <1.2> traces anew."
source = "https://example.org/issues/1"
"""


def test_what_the_public_record_explains_stands_beside_the_change_point(pages, machine, filled_store, reprise):
    one = comparison(machine)
    (filled_store / "comparisons").mkdir()
    (filled_store / "comparisons" / "explanations.toml").write_text(EXPLAINED)
    folder = pages(one)
    page = folder / f"comparison-{machine[:8]}-releases.html"
    assert "Keras <1.2> traces anew. keras 1.2 (mine.py::test_step[<small>], 1.1 to 1.3)" in text_of(page)
    assert 'href="https://example.org/issues/1"' in page.read_text()
    assert "https://example.org/issues/1" in page.with_suffix(".md").read_text()
    assert reprise("check", "--store", filled_store).exit_code == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('release = "1.2"', 'release = "1.0"'), ('release = "1.2"', 'release = "1.3.1"'),
        ('release = "1.2"', 'release = "x"'), ('package = "keras"', 'package = "numpy"'),
        ('"*::test_step*"', '"*::test_predict*"'), ('backend = "jax"', 'backend = "torch"'),
    ],
)  # fmt: skip
def test_an_explanation_of_something_else_is_not_shown(pages, machine, filled_store, old, new):
    (filled_store / "comparisons").mkdir()
    (filled_store / "comparisons" / "explanations.toml").write_text(EXPLAINED.replace(old, new))
    assert "traces anew" not in text_of(pages(comparison(machine)) / f"comparison-{machine[:8]}-releases.html")


def test_an_environment_that_chooses_no_backend_has_keras_s_own():
    old, new = (msgspec.structs.replace(software(version), variables={}) for version in ("1.1", "1.3"))
    of = {
        name: Explanation("*", "keras", "1.2", "Traces anew.", "https://example.org", name)
        for name in ("tensorflow", "jax")
    }
    assert Explanations(list(of.values())).of("mine.py::test_step", old, new) == [of["tensorflow"]]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "http://example.org", 'https://a"onclick=x'])
def test_a_broken_explanation_is_said_by_check_and_by_the_report(pages, machine, filled_store, reprise, address):
    (filled_store / "comparisons").mkdir()
    text = EXPLAINED.replace('"https://example.org/issues/1"', f"'{address}'")
    (filled_store / "comparisons" / "explanations.toml").write_text(text)
    folder = pages(comparison(machine))
    assert "explanations.toml cannot be read" in text_of(folder / "gate.html")
    assert "traces anew" not in text_of(folder / f"comparison-{machine[:8]}-releases.html")
    result = reprise("check", "--store", filled_store)
    assert result.exit_code == 1
    assert "explanations.toml cannot be read" in result.stdout
