"""Slides: 16:9, legible, with rule, verdict, number and source in them."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from forging import forge
from hostile import poison
from PIL import Image

from keras_reprise.figures import slide
from keras_reprise.judge.groups import gather
from keras_reprise.report.cite import citations, slides
from keras_reprise.store.store import Store


@pytest.fixture
def citation(filled_store):
    store = Store(filled_store)
    (group,) = gather(store.summaries()[0], store)
    return citations.of(group, store), store


def composed(citation, store, monkeypatch):
    """The figure that a slide is made of."""
    found = []
    compose = slide._composed

    def keep(figure, words):
        found.append(compose(figure, words))
        return found[-1]

    monkeypatch.setattr(slide, "_composed", keep)
    slides.draw(citation, store, "png")
    return found[0]


def test_a_slide_has_1920_by_1080_pixels(filled_store, reprise, tmp_path):
    result = reprise("cite", "plain/two-is-two", "--figure", tmp_path / "slide.png", "--store", filled_store)
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "slide.png") as image:
        assert image.size == (1920, 1080)


def test_what_a_slide_says_is_in_it_and_none_of_it_is_small(citation, monkeypatch):
    from matplotlib.text import Text

    cited, store = citation
    figure = composed(cited, store, monkeypatch)
    texts = [text for text in figure.findobj(Text) if text.get_text().strip()]
    told = " ".join(text.get_text() for text in texts)
    for words in ("Two is two", "no verdict", "2.0", "6 replicates, quick scale", cited.identifier):
        assert words in told
    assert min(text.get_fontsize() for text in texts) >= figure.get_size_inches()[1] * 72 / 30
    assert figure.get_size_inches()[0] / figure.get_size_inches()[1] == pytest.approx(16 / 9)


@pytest.mark.parametrize("form", ["svg", "pdf", "png"])
def test_the_suffix_says_the_format_and_the_bytes_are_the_same_again(citation, tmp_path, form):
    cited, store = citation
    for name in ("a", "b"):
        slides.write(cited, store, tmp_path / f"{name}.{form}")
    content = (tmp_path / f"a.{form}").read_bytes()
    assert content == (tmp_path / f"b.{form}").read_bytes()
    assert {"svg": b"<svg", "pdf": b"%PDF", "png": b"PNG"}[form] in content[:2000]


def test_a_store_s_hostile_words_stay_text_on_a_slide(filled_store, reprise, tmp_path):
    forge(filled_store, card=poison, machine=poison)
    result = reprise("cite", "plain", "--figure", tmp_path / "slide.svg", "--store", filled_store)
    assert result.exit_code == 0, result.output
    root = ElementTree.fromstring((tmp_path / "slide.svg").read_text())
    assert not [one for one in root.iter() if one.tag.endswith("script")]


def test_without_a_figure_the_claim_s_numbers_are_drawn(citation, monkeypatch, filled_store):
    forge(filled_store, card=lambda card: card.update(figures=[]))
    store = Store(filled_store)
    (group,) = gather(store.summaries()[0], store)
    figure = composed(citations.of(group, store), store, monkeypatch)
    assert "shaded: where it must lie" in figure.axes[0].get_xlabel()


@pytest.mark.parametrize(("arguments", "words"), [
    (["plain", "--figure", "slide.doc"], "does not say which kind of picture"),
    (["plain", "plain", "--figure", "slide.png"], "A slide shows one thing"),
])  # fmt: skip
def test_what_cannot_be_a_slide_is_refused(filled_store, reprise, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    result = reprise("cite", *arguments, "--store", filled_store)
    assert (result.exit_code, words in result.output) == (2, True)
    assert not list(tmp_path.glob("slide.*"))


def test_after_a_run_stand_its_verdict_the_figure_and_the_next_commands(store_path, plain_recipe, reprise, monkeypatch):
    monkeypatch.setattr("keras_reprise.cli.running.MOST_SLIDES", 3)
    text = reprise("run", plain_recipe, "--seeds", 3, "--store", store_path).stdout
    assert "3 replicates recorded." in text
    assert "plain quick" in text
    path = re.search(r"Figure:\s+(\S+\.png)", text)
    assert path
    with Image.open(path[1]) as image:
        assert image.size == (1920, 1080)
    assert store_path / ".cache" in list(image_parents(path[1]))
    assert f"reprise cite plain --store {store_path}" in text.replace(" \\\n    ", " ")  # long lines are broken


def image_parents(path):
    return Path(path).parents
