"""The report as files: what it shows, what it escapes, and what it does not draw again. `test_browser` looks at it as a reader does."""

import html
import json
import re
import shutil
import xml.etree.ElementTree as ElementTree
from fnmatch import fnmatch
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from forging import forge, records
from hostile import poison, poison_record
from markupsafe import Markup

from keras_reprise import catalog
from keras_reprise.base.escaping import markdown as escape
from keras_reprise.catalog.documents import documents
from keras_reprise.judge.groups import Group, gather
from keras_reprise.report.phrases import explained
from keras_reprise.store.store import Store


class Page(HTMLParser):
    """The links, pictures, ids and tags of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.ids: set[str | None] = set()
        self.tags: list[str] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append(tag)
        if "id" in values:
            self.ids.add(values["id"])
        if tag == "a" and values.get("href"):
            self.links.append(values["href"] or "")
        if tag == "img":
            self.images.append(values)


@pytest.fixture
def report(filled_store, reprise):
    result = reprise("report", "--store", filled_store)
    assert result.exit_code == 0, result.output
    return filled_store / "reports"


def test_every_link_and_figure_of_the_site_exists(report):
    pages = {path.name: Page(path) for path in report.glob("*.html")}
    assert {"index.html", "comparison.html", "plain-v1.html"} <= set(pages)
    for name, page in pages.items():
        assert page.links
        for link in page.links:
            file, _, anchor = link.partition("#")
            if file.endswith(".svg"):  # a download
                assert (report / file).is_file(), link
                continue
            assert (file or name) in pages, link
            assert not anchor or unquote(anchor) in pages[file or name].ids, link
        for image in page.images:
            assert (report / str(image["src"])).is_file()
            assert image["alt"]


def test_every_link_and_figure_of_the_markdown_exists(report):
    for page in report.glob("*.md"):
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
            file, _, anchor = target.partition("#")
            assert (page.parent / file).is_file(), target
            assert not anchor or f'<a id="{anchor}">' in (page.parent / file).read_text()


def test_nothing_comes_from_elsewhere(report):
    for path in report.rglob("*.*ml"):
        assert not re.search(r"(src|href)=\"(https?:)?//", path.read_text()), path
    assert "default-src 'none'" in html.unescape((report / "index.html").read_text())


def test_figures_are_well_formed_follow_the_theme_and_are_not_drawn_again(report, filled_store, reprise):
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (report / "figures").glob("*.svg")}
    assert len(before) == 2
    for content, _ in before.values():
        assert ElementTree.fromstring(content).tag.endswith("svg")
        assert b"prefers-color-scheme: dark" in content
    reprise("report", "--store", filled_store)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before


def test_a_figure_is_drawn_again_when_a_record_joins_or_the_file_is_damaged(
    report, filled_store, plain_recipe, reprise
):
    first, second = sorted((report / "figures").glob("*.svg"))
    drawn = first.read_bytes(), second.read_bytes()
    first.write_bytes(first.read_bytes()[:1000])
    reprise("report", "--store", filled_store)
    assert first.read_bytes() == drawn[0]
    assert reprise("run", plain_recipe, "--seeds", "7,7", "--store", filled_store).exit_code == 0
    reprise("report", "--store", filled_store)
    assert second.read_bytes() != drawn[1]


def test_a_report_of_the_whole_store_removes_what_nothing_leads_to(report, filled_store, reprise):
    (report / "old-v1.html").write_text((report / "plain-v1.html").read_text())
    (report / "notes.html").write_text("<p>mine</p>")
    (report / "figures" / "mine.svg").write_text("<svg/>")
    old = report / "figures" / "old-v1-quick-1.svg"
    old.write_bytes(next((report / "figures").glob("plain*.svg")).read_bytes())
    reprise("report", "--store", filled_store)
    assert not (report / "old-v1.html").exists()
    assert not old.exists()
    assert (report / "notes.html").exists()
    assert (report / "figures" / "mine.svg").exists()


def test_the_pages_show_verdicts_evidence_errata_printed_values_and_record_ids(report, filled_store):
    words = (
        "reproduced",
        "contradicted",
        "X0: it is two",
        "cores",
        "reprise run ./plain.py --measurement ",
        "--scale quick --seeds 6",
    )
    for name in ("plain-v1.html", "plain-v1.md"):
        page = (report / name).read_text()
        for word in words:
            assert word in page, (name, word)
        for summary in Store(filled_store).summaries()[0]:
            assert summary.id in page
    assert "Printed and measured" in (report / "plain-v1.html").read_text()


def test_a_page_says_in_a_sentence_why_its_rule_has_its_verdict():
    results = Path(__file__).parents[2] / "results"
    store = Store(results)
    mine = [one for one in store.summaries()[0] if one.recipe.slug in ("l1-l2-toy", "softmax-into-logits-floor")]
    found = {group.rule.verdict: explained(group) for group in gather(mine, store)}
    assert set(found) == {"reproduced", "contradicted", "inconclusive"}
    assert "must lie above 1.46" in found["contradicted"]
    assert "contradicted claim of 2 is enough" in found["contradicted"]
    assert "Why not more: " in found["inconclusive"]
    pages = [
        (results / "reports" / f"{name}-v1.html").read_text() for name in ("l1-l2-toy", "softmax-into-logits-floor")
    ]
    for verdict, sentence in found.items():
        assert sentence.startswith(f"{str(verdict).capitalize()}: ")
        assert "it must " in sentence
        told = re.sub("`([^`]+)`", r"<code>\1</code>", str(Markup.escape(sentence)))
        assert any(told in page for page in pages)


def test_a_caption_says_what_was_drawn_where_the_replicates_decide_it():
    reports = Path(__file__).parents[2] / "results" / "reports"
    for ending in ("html", "md"):
        assert re.search(
            r"methods\. Points are the \d+ replicates\.", (reports / f"bias-variance-v1.{ending}").read_text()
        )
        assert "Points are" not in (reports / f"ensemble-average-v1.{ending}").read_text()


def test_a_documents_page_walks_its_rules_in_its_order():
    results = Path(__file__).parents[2] / "results"
    for key, document in documents().items():
        page = html.unescape((results / "reports" / f"document-{key}.html").read_text())
        places = [page.index(rule.says) for rule in document.rules]
        assert places == sorted(places)
        for rule in document.rules:
            assert all(f'href="{slug}-v' in page or f"reprise run {slug}" in page for slug in rule.recipes)
            assert rule.why_none is None or rule.why_none in page
        twin = (results / "reports" / f"document-{key}.md").read_text()
        assert all(escape(rule.says) in twin for rule in document.rules)


def test_a_documents_page_gives_each_rule_the_verdict_of_the_claims_that_are_its_sentence():
    results = Path(__file__).parents[2] / "results"
    store = Store(results)
    standing: dict[str, Group] = {}
    for group in gather(store.summaries()[0], store):
        standing.setdefault(group.slug, group)
    turned = {"reproduced": "contradicted", "contradicted": "reproduced"}
    seen = 0
    for key, document in documents().items():
        page = (results / "reports" / f"document-{key}.html").read_text()
        for rule in document.rules:
            row = page.split(f'<tr id="{rule.id}"')[1].split("</tr>")[0]
            chips = re.findall(r'class="chip ([a-z]+)"', row)
            for slug, chip in zip(rule.recipes, chips, strict=True):
                wanted = [one.rpartition("/")[2] for one in rule.claims if one.startswith(f"{slug}/")]
                words = [
                    one.verdict
                    for one in standing[slug].verdicts
                    if not one.retired
                    and (any(fnmatch(one.claim, name) for name in wanted) if wanted else one.role == "rule")
                ]
                said = [turned.get(word, word) for word in words] if rule.opposite else words
                assert said
                worst = next((word for word in ("contradicted", "inconclusive") if word in said), "reproduced")
                assert chip == worst, (key, rule.id, slug)
                seen += bool(wanted)
    assert seen > 50


def test_a_store_without_the_projects_recipes_has_no_page_of_a_document(report):
    assert list(report.glob("document-*")) == []
    assert "document-" not in (report / "index.html").read_text()


def test_the_front_page_has_a_card_for_every_rule_with_its_verdict_number_and_place():
    results = Path(__file__).parents[2] / "results"
    page = (results / "reports" / "index.html").read_text()
    store = Store(results)
    standing: dict[str, Group] = {}
    for group in gather(store.summaries()[0], store):
        standing.setdefault(group.slug, group)
    cards = [one for one in re.split(r'<li class="card"', page)[1:]]
    assert len(cards) == len(standing)
    for card in cards:
        answer = card.split('<div class="answer')[1]
        (slug,) = re.findall(r'<h3><a href="([a-z0-9-]+)-v\d+.html"', card)
        rule = standing[slug].rule
        assert f'data-verdict="{rule.verdict or ""}"' in answer
        assert rule.deciding is not None
        assert f"= {rule.deciding.n}</p>" in answer
        assert str(Markup.escape(standing[slug].card.title)) in card


def test_a_claim_that_no_card_names_as_the_rule_gives_no_verdict(report):
    page = (report / "index.html").read_text()
    assert page.count('<li class="card"') == 1
    assert "no verdict" in page


@pytest.fixture
def poisoned(filled_store):
    forge(filled_store, card=poison, record=poison_record, machine=poison)
    return filled_store


def test_markup_in_any_field_shows_as_text(poisoned, reprise):
    before = {
        path for path in poisoned.parent.parent.rglob("*") if "reports" not in path.parts and ".cache" not in path.parts
    }
    result = reprise("report", "--store", poisoned)
    assert result.exit_code == 0, result.output
    after = {
        path for path in poisoned.parent.parent.rglob("*") if "reports" not in path.parts and ".cache" not in path.parts
    }
    assert after == before, "a name from a record left the report's folder"
    for path in (poisoned / "reports").glob("*.html"):
        text, page = path.read_text(), Page(path)
        assert "alert(1)</script>" not in text
        assert page.tags.count("script") == (2 if path.name.startswith("figure-") else 1)  # its numbers, as JSON
        assert not [image for image in page.images if "onerror" in image]
        assert not [link for link in page.links if link.startswith("javascript")]
        assert "{{7*7}}" in text or path.name in ("comparison.html", "gate.html", "glossary.html", "history.html")
    for path in (poisoned / "reports").glob("*.md"):
        assert "<script" not in path.read_text()
        assert "\x1b" not in path.read_text()
        assert "[x](java" not in path.read_text()
    for path in (poisoned / "reports" / "figures").glob("*.svg"):
        assert ElementTree.fromstring(path.read_bytes()).tag.endswith("svg")
        assert b"<script" not in path.read_bytes()


@pytest.mark.parametrize(
    "command",
    [
        ["verdict"],
        ["status"],
        ["compare", "backend:tensorflow", "backend:tensorflow"],
        ["cite", "plain"],
        ["cite", "--latex"],
        ["history", "plain/two/value"],
    ],
)
def test_hostile_text_cannot_steer_a_terminal(poisoned, reprise, command):
    result = reprise(*command, "--store", poisoned)
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    assert "\u202e" not in result.output


@pytest.mark.parametrize(
    "figure",
    [
        {"kind": "curves"},
        {"kind": "curves", "title": "t", "panels": [{"y": 3}]},
        {"kind": "scatter", "title": "t", "x": None},
        {"kind": "heat-map", "title": []},
        {"kind": "histogram-grid", "title": "t", "series": 1, "columns": None},
    ],
)
def test_a_figure_that_makes_no_sense_is_told_and_the_others_are_drawn(filled_store, reprise, figure):
    def change(card):
        card["figures"] = [figure, *card["figures"][1:]]

    forge(filled_store, card=change)
    for _ in range(2):  # drawn, and kept from before
        result = reprise("report", "--store", filled_store)
        assert result.exit_code == 0, result.output
        assert result.stderr.count("reprise: not drawn: plain@1: Figure 1. ") == 1
        page = (filled_store / "reports" / "plain-v1.html").read_text()
        assert page.count("<img") == 1
        assert page.count("Not drawn: Figure 1.") == 1
        assert "Not drawn: Figure 1" in (filled_store / "reports" / "plain-v1.md").read_text()


@pytest.fixture
def misnamed(filled_store, tmp_path):
    """A store whose card asks for a curve that nothing measured."""

    def change(card):
        card["figures"][0]["panels"][0]["y"] = ["rising", "risng<b>"]

    forge(filled_store, card=change)
    return filled_store


def test_a_name_that_nothing_measured_is_told_where_the_figure_would_stand(misnamed, reprise):
    sentence = "There is no curve `risng<b>`; there is `rising`."
    for _ in range(2):
        result = reprise("report", "--store", misnamed)
        assert result.exit_code == 0, result.output
        assert sentence in result.stderr
        page = (misnamed / "reports" / "plain-v1.html").read_text()
        assert html.escape(sentence) in page
        assert page.count("<img") == 1
        assert "There is no curve" in (misnamed / "reports" / "plain-v1.md").read_text()
    for path in (misnamed / "reports" / "figures").glob("*.svg"):
        assert ElementTree.fromstring(path.read_bytes()).tag.endswith("svg")


def test_a_file_that_an_older_version_left_undrawn_is_tried_again(report, filled_store, reprise):
    path = min((report / "figures").glob("*.svg"))
    drawn = path.read_bytes()
    path.write_bytes(b"<!-- not drawn: KeyError -->\n" + drawn.splitlines(keepends=True)[-1])
    reprise("report", "--store", filled_store)
    assert path.read_bytes() == drawn


def test_a_figure_for_latex_that_cannot_be_drawn_is_told(misnamed, reprise, tmp_path):
    result = reprise("cite", "plain", "--latex", "--figures", tmp_path / "figures", "--store", misnamed)
    assert result.exit_code == 0, result.output
    assert "reprise: not drawn: plain/1: There is no curve" in result.stderr
    assert len(list((tmp_path / "figures").iterdir())) == 1


def test_a_link_in_the_store_is_named_and_not_followed(filled_store, tmp_path, reprise):
    target = records(filled_store)[0]
    (tmp_path / "away.json").write_bytes(target.read_bytes())
    target.unlink()
    target.symlink_to(tmp_path / "away.json")
    result = reprise("check", "--store", filled_store)
    assert result.exit_code == 1
    assert "is a link" in result.output


def test_a_substitute_is_marked(store_path, tiny_recipe, reprise):
    assert reprise("run", tiny_recipe, "--data", "digits", "--seeds", 1, "--store", store_path).exit_code == 0
    reprise("report", "--store", store_path)
    assert "**substitute**" in (store_path / "reports" / "tiny-v1.md").read_text()
    assert "Substitute data." in (store_path / "reports" / "tiny-v1.html").read_text()
    assert json.loads(reprise("verdict", "--store", store_path, "--json").stdout)[0]["data"] == "digits (substitute)"


def test_output_that_is_a_file_is_refused(filled_store, tmp_path: Path, reprise):
    (tmp_path / "out").write_text("")
    assert reprise("report", "--store", filled_store, "--output", tmp_path / "out").exit_code == 2


@pytest.mark.parametrize("name", ["README.md", "index.html"])
def test_a_report_replaces_no_front_page_that_is_not_a_report_s(filled_store, tmp_path, reprise, name):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / name).write_text("# A project\n\nMeasured with keras-reprise.\n")
    result = reprise("report", "--store", filled_store, "--output", folder)
    assert (result.exit_code, f"{name} is no page of a report" in result.output) == (2, True)
    assert [path.read_text() for path in folder.iterdir()] == ["# A project\n\nMeasured with keras-reprise.\n"]


@pytest.mark.parametrize(
    "beginning",
    [
        "The same as web pages: open [index.html](index.html) in a browser.",
        "Each line is one recipe at one scale on one machine, environment and data set; results are never pooled "
        "across them.",
    ],
)
def test_the_front_pages_of_earlier_reports_are_replaced(report, filled_store, reprise, beginning):
    (report / "README.md").write_text(f"# Results\n\n{beginning}\n")
    for _ in range(2):
        assert reprise("report", "--store", filled_store).exit_code == 0
        assert (report / "README.md").read_text().startswith("<!-- keras-reprise")


def test_the_name_of_a_data_set_stays_within_the_command_that_replays(filled_store, reprise):
    name = "x\n````\n# Mine\r`[a](javascript:b)"
    data = {"name": name, "fingerprint": "0" * 64, "n_train": 2, "n_test": 1, "substitute": True}
    forge(filled_store, record=lambda document: document.update(data=data))
    assert reprise("report", "--store", filled_store).exit_code == 0
    text = (filled_store / "reports" / "plain-v1.md").read_text()
    ((fence, command),) = re.findall(r"### Replay\n\n(`+)\n(.*)\n\1\n\n", text)
    assert (len(fence), command.endswith("--data 'x ```` # Mine\\r`[a](javascript:b)'")) == (5, True)
    assert not re.search("^# Mine", text, re.MULTILINE)


def test_texts_are_escaped_in_markdown():
    assert escape("<script>|[x](y)`") == "&lt;script&gt;\\|\\[x\\](y)\\`"


def test_a_store_that_cannot_be_written_is_still_reported(filled_store, tmp_path, reprise):
    shutil.rmtree(filled_store / ".cache")
    (filled_store / ".cache").write_text("in the way")
    assert reprise("report", "--store", filled_store, "--output", tmp_path / "out").exit_code == 0
    assert (tmp_path / "out" / "index.html").is_file()


COMMANDS = [
    ["report"],
    ["verdict"],
    ["status"],
    ["cite", "plain"],
    ["cite", "plain/two-is-two"],
    ["cite", "--latex"],
    ["compare", "backend:tensorflow", "backend:tensorflow"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_store_of_failed_replicates_alone_can_be_read(store_path, plain_recipe, reprise, monkeypatch, command):
    monkeypatch.setenv("PLAIN_FAILS", "two")
    assert reprise("run", plain_recipe, "--seeds", 3, "--store", store_path).exit_code == 4
    result = reprise(*command, "--store", store_path)
    assert result.exit_code == 0, result.output
    assert "/home/somebody" not in result.output


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_claims_without_an_interval_and_numbers_that_are_none_can_be_read(filled_store, reprise, command):
    def card(document):
        document["claims"][0]["interval"] = [None, None]
        document["claims"][1] |= {"interval": [5.0, 5.0], "printed": 1e300}

    def record(document):
        document["claims"] = {"two-is-two": "inf", "two-is-three": "nan"}
        document["arms"]["one"]["metrics"]["value"] = "-inf"
        document["arms"]["two"]["time"]["total_s"] = 0.0

    forge(filled_store, card=card, record=record)
    result = reprise(*command, "--store", filled_store)
    assert result.exit_code == 0, result.output


def test_the_energy_of_arms_that_had_their_gpu_alone_stands_beside_their_seconds(filled_store, reprise):
    assert reprise("report", "--store", filled_store).exit_code == 0
    without = {path.name: path.read_text() for path in (filled_store / "reports").glob("*-v1.*")}
    assert not any("GPU (J)" in text for text in without.values())

    def record(document):
        for name, arm in document["arms"].items():
            arm["cost"]["gpu_energy_j"] = 1234.0 if name == "one" else 77.0
            arm["time"]["alone"] = name == "one"

    forge(filled_store, record=record)
    assert reprise("report", "--store", filled_store).exit_code == 0
    for suffix in ("html", "md"):
        texts = [path.read_text() for path in (filled_store / "reports").glob(f"*-v1.{suffix}")]
        assert all("GPU (J)" in text and "1,234" in text and "of arms that had it alone" in text for text in texts)
        assert texts
        assert not any(">77<" in text or "| 77 " in text for text in texts)


def test_the_report_says_what_of_the_package_s_recipes_is_missing(store_path, reprise):
    assert reprise("run", "l1-l2-toy", "--store", store_path).exit_code == 0
    assert reprise("report", "--store", store_path).exit_code == 0
    front, page, plain = (
        (store_path / "reports" / name).read_text() for name in ("index.html", "missing.html", "README.md")
    )
    assert 'href="missing.html"' in front
    total = len(catalog.current())
    assert f"1 of {total} recipes have all their replicates in one place" in page
    assert f"How long these {total} take is not known" in page  # at full scale, and on a GPU
    assert page.count('<th scope="row">') == total
    assert '<a href="l1-l2-toy-v1.html">l1-l2-toy</a>' in page
    assert "on a GPU" in page.partition("Never tried")[2].partition("</p>")[0]
    assert f"1 of {total} recipes have all their replicates" in plain


def test_a_report_of_other_recipes_says_nothing_of_what_is_missing(filled_store, reprise):
    assert reprise("report", "--store", filled_store).exit_code == 0
    assert not (filled_store / "reports" / "missing.html").exists()
    assert "missing.html" not in (filled_store / "reports" / "index.html").read_text()


def test_the_page_of_a_replaced_version_says_why_there_is_a_later_one():
    reports = Path(__file__).parents[2] / "results" / "reports"
    replaced = [one for one in catalog.read_lock().recipes if one.replaced]
    assert replaced
    for one in replaced:
        for suffix, escaped in (("html", html.escape), ("md", escape)):
            text = html.unescape((reports / f"{one.slug}-v{one.version}.{suffix}").read_text())
            assert f"Replaced by version {one.version + 1}:" in text
            assert one.replaced[:30] in text or escaped(one.replaced)[:30] in text
            assert not any(".." in line for line in text.splitlines() if "Replaced by version" in line)
    current = next(one for one in catalog.current() if one.slug == replaced[0].slug)
    assert "Replaced by version" not in (reports / f"{current.slug}-v{current.version}.html").read_text()
