"""The report of records from two machines: axes that both share, what is counted, and what each place is cited by."""

import html
import importlib
import json
import re
import shlex
import shutil

import pytest
from forging import forge, records

SUBSTITUTE = {"name": "images", "fingerprint": "0" * 64, "n_train": 2, "n_test": 1, "substitute": True}


def as_rule(card):
    """That two is two is the rule; that two is three goes with it."""
    for claim, role in zip(card["claims"], ("rule", "detail"), strict=True):
        claim["role"] = role


def measured_elsewhere(store, scratch, *, card=None, record=None):
    """Five of the six replicates again, on a second machine, with a card and records that are changed."""
    forge(store)
    shutil.copytree(store, scratch)
    forge(scratch, card=card, record=record, machine=lambda facts: facts.update(cpu="A second CPU"))
    records(scratch)[-1].unlink()
    shutil.copytree(scratch, store, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".cache"))


def three(document):
    """Two is three here."""
    document["claims"]["two-is-two"] = 3.0 + 0.01 * document["replicate"]["seed"]


def test_an_axis_shows_by_what_every_place_was_judged(filled_store, tmp_path, reprise):
    """A positive quantity's interval began at zero, or zero was printed, by another card of the same claim."""

    def from_zero(card):
        card["claims"][0] |= {"interval": [0.0, 2.1], "printed": 0.0}

    measured_elsewhere(filled_store, tmp_path / "second", card=from_zero)
    result = reprise("report", "--store", filled_store)
    assert result.exit_code == 0, result.output
    page = (filled_store / "reports" / "plain-v1.html").read_text()
    (claim,) = re.findall(r'id="claim-two-is-two">.*?</section>', page, re.DOTALL)
    assert claim.count('<circle class="mean') == claim.count('<path class="printed') == 2


@pytest.mark.parametrize("substitute", [False, True])
def test_places_disagree_on_the_documented_data_alone(filled_store, tmp_path, reprise, substitute):
    forge(filled_store, card=as_rule)

    def otherwise(document):
        three(document)
        document["data"] = SUBSTITUTE if substitute else None

    measured_elsewhere(filled_store, tmp_path / "second", record=otherwise)
    assert reprise("report", "--store", filled_store).exit_code == 0
    front, places = ((filled_store / "reports" / name).read_text() for name in ("index.html", "comparison.html"))
    assert ("places disagree" in places) == (not substitute)
    assert ('<span class="meta">substitute data</span>' in places) == substitute
    assert ('title="1 contradicted"' in front) == (not substitute)  # elsewhere
    assert "<strong>1 of 1 rules hold</strong>" in front


def test_a_rule_on_substitute_data_alone_is_not_counted(filled_store, reprise):
    forge(filled_store, card=as_rule, record=lambda document: document.update(data=SUBSTITUTE))
    assert reprise("report", "--store", filled_store).exit_code == 0
    front = (filled_store / "reports" / "index.html").read_text()
    assert 'class="tally"' not in front
    assert "rules hold</strong>" not in front
    assert "1 rule was replayed on " in front
    assert '<div class="answer reproduced" data-verdict=""' in front


def test_every_place_is_cited_by_what_gives_its_own_numbers(filled_store, tmp_path, reprise):
    measured_elsewhere(filled_store, tmp_path / "second", record=three)
    assert reprise("report", "--store", filled_store).exit_code == 0
    page = html.unescape((filled_store / "reports" / "plain-v1.html").read_text())
    own = re.findall(r"These numbers are <code>(\S+)</code>", page)
    cited = re.findall(r"reprise cite (\S+) --store", page)
    assert cited == ["plain", own[1]]
    found = [json.loads(reprise("cite", one, "--store", filled_store, "--json").stdout)[0] for one in cited]
    assert [one["identifier"] for one in found] == own
    figures = [html.unescape(path.read_text()) for path in (filled_store / "reports").glob("figure-*.html")]
    assert {one for figure in figures for one in re.findall(r"reprise cite (\S+) --figures", figure)} == {*cited}


def test_a_report_of_a_selection_is_cited_by_identifiers(filled_store, tmp_path, reprise):
    """By its name alone a recipe is cited as the whole store has it."""
    assert reprise("report", "--scale", "quick", "--store", filled_store, "--output", tmp_path / "part").exit_code == 0
    page = html.unescape((tmp_path / "part" / "plain-v1.html").read_text())
    assert re.findall(r"reprise cite (\S+) --store", page) == re.findall(r"numbers are <code>(\S+)</code>", page) != []


def test_figures_of_another_machine_are_drawn_in_a_folder_of_their_own(filled_store, tmp_path, reprise, monkeypatch):
    monkeypatch.setattr(importlib.import_module("keras_reprise.report.site.build"), "DRAWN_PER_SETTING", 1)
    measured_elsewhere(filled_store, tmp_path / "second")
    assert reprise("report", "--store", filled_store).exit_code == 0
    front = filled_store / "reports" / "index.html"
    written = front.read_bytes()
    page = html.unescape((filled_store / "reports" / "plain-v1.html").read_text())
    (command,) = re.findall(r"<code>reprise (report --machine [^<]*)</code>", page)
    monkeypatch.chdir(filled_store.parent)
    assert reprise(*shlex.split(command)).exit_code == 0
    assert front.read_bytes() == written
    assert list(filled_store.parent.glob("report-*/figures/plain*.svg"))
