import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from keras_reprise import catalog, figures
from keras_reprise.report import escape
from keras_reprise.store import Store


@pytest.fixture
def report(filled_store, reprise):
    result = reprise("report", "--store", filled_store)
    assert result.exit_code == 0, result.output
    return filled_store / "reports"


def test_every_link_and_figure_of_the_report_exists(report):
    for page in report.glob("*.md"):
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
            file, _, anchor = target.partition("#")
            assert (page.parent / file).is_file(), target
            assert not anchor or f'<a id="{anchor}">' in (page.parent / file).read_text()


def test_figures_are_well_formed_and_the_same_for_the_same_records(report, filled_store, reprise):
    before = {path.name: path.read_bytes() for path in (report / "figures").glob("*.svg")}
    assert len(before) == 2
    for content in before.values():
        assert ElementTree.fromstring(content).tag.endswith("svg")
    reprise("report", "--store", filled_store)
    assert {path.name: path.read_bytes() for path in (report / "figures").glob("*.svg")} == before


def test_the_page_shows_verdicts_evidence_errata_and_record_ids(report, filled_store):
    page = (report / "plain-v1.md").read_text()
    for words in (
        "✅ reproduced",
        "❌ contradicted",
        "X0: it is two",
        "seeds 1, 2, 3, 4, 5, 6",
        "cores",
        "reprise run plain@1",
    ):
        assert words in page
    for summary in Store(filled_store).summaries()[0]:
        assert summary.id in page


def test_texts_of_records_are_escaped(report):
    assert "<b>bold" not in (report / "plain-v1.md").read_text()
    assert escape("<script>|[x](y)`") == "&lt;script&gt;\\|\\[x\\](y)\\`"


def test_a_substitute_is_marked(store_path, tiny_recipe, reprise):
    assert reprise("run", tiny_recipe, "--data", "digits", "--seeds", 1, "--store", store_path).exit_code == 0
    reprise("report", "--store", store_path)
    assert "**substitute**" in (store_path / "reports" / "tiny-v1.md").read_text()
    assert json.loads(reprise("verdict", "--store", store_path, "--json").stdout)[0]["data"] == "digits (substitute)"


def test_the_figures_of_every_recipe_can_be_drawn_from_a_card(filled_store):
    """The kinds that recipes use are known; records that lack the curves give no figure rather than an error."""
    store = Store(filled_store)
    records = [store.read(filled_store / summary.path) for summary in store.summaries()[0]]
    for entry in catalog.current():
        for specification in entry.card.figures:
            assert figures.draw(specification, records) is None
            assert figures.caption(specification, 6)


def test_output_that_is_a_file_is_refused(filled_store, tmp_path: Path, reprise):
    (tmp_path / "out").write_text("")
    assert reprise("report", "--store", filled_store, "--output", tmp_path / "out").exit_code == 2
