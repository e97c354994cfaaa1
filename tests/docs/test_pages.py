"""The documentation site builds without a warning, with its notebook executed, and needs no other host."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import keras_reprise
from keras_reprise import catalog
from keras_reprise.cli.root import FILES

TOP = Path(__file__).parents[2]
DOCS = TOP / "docs"


def test_the_reference_has_every_public_name_once():
    named = re.findall(
        r"^\.\. auto(?:function|class):: (\w+)$", (DOCS / "reference.md").read_text("utf-8"), re.MULTILINE
    )
    assert sorted(named) == sorted({*keras_reprise.__all__} - {"__version__"})


def test_every_page_has_a_place_in_the_contents():
    contents = re.findall(r"^```{toctree}$(.*?)^```$", (DOCS / "index.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    listed = re.findall(r"^(?:[^:\n]*<)?([\w-]+)>?$", "".join(contents), re.MULTILINE)
    pages = {path.stem for pattern in ("*.md", "*.ipynb") for path in DOCS.glob(pattern)} - {"index"}
    assert sorted(listed) == sorted(pages)


def test_the_notebook_is_kept_without_what_it_gives():
    """Else every execution would be a change, and old output would stand for new."""
    for path in DOCS.glob("*.ipynb"):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    for module in ("sphinx", "myst_nb", "furo", "sphinx_copybutton", "ipykernel"):
        pytest.importorskip(module, reason=f"{module} is missing (pip install 'keras-reprise[docs]')")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", str(DOCS), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(TOP / "src"), "MPLBACKEND": "agg"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_the_notebook_has_its_tables_and_its_figure(site):
    text = (site / "results-in-a-notebook.html").read_text("utf-8")
    assert text.count('class="dataframe"') == 3
    assert "Results of results:" in text
    assert re.search(r'<img [^>]*src="_images/[^"]+\.png"', text)
    assert "Traceback" not in text
    assert "Warning" not in text


@pytest.mark.slow
def test_the_gallery_has_every_recipe_and_leads_to_the_report(site):
    text = (site / "recipes.html").read_text("utf-8")
    for entry in catalog.current():
        assert f"reprise run {entry.slug}</code>" in text
    links = re.findall(r'<p class="rule"><a href="([^"]+)"', text) + re.findall(r'<img src="(report/[^"]+)"', text)
    assert len(links) > 60
    assert not [link for link in links if not (site / link).is_file()]


@pytest.mark.slow
def test_every_command_has_its_help(site):
    text = (site / "commands.html").read_text("utf-8")
    assert [name for name in FILES if f"Usage: reprise {name} " not in text] == []


@pytest.mark.slow
def test_links_of_the_site_lead_somewhere_and_nothing_is_loaded_from_elsewhere(site):
    pages = [*site.glob("*.html")]
    assert len(pages) > 20
    for page in pages:
        text = page.read_text("utf-8")
        assert not re.findall(r'<(?:script|img|link|iframe)[^>]+(?:src|href)="(?:https?:)?//', text), page.name
        for target in re.findall(r'(?:href|src)="([^"#?:]+)[#?"]', text):
            assert (site / target).exists(), f"{page.name}: {target}"


@pytest.mark.slow
def test_words_of_the_report_are_in_the_glossary(site):
    from keras_reprise.report.site.glossary import TERMS

    text = (site / "glossary.html").read_text("utf-8")
    assert [
        term.word
        for term in TERMS
        if f'id="term-{term.word.replace(" ", "-")}"' not in text and f">{term.word}<" not in text
    ] == []
