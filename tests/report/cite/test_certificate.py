"""A certificate of a replay and its badge: one page that anybody can check, the same bytes for the same records."""

import json
from xml.etree import ElementTree

import pytest
from forging import forge, records
from hostile import poison

from keras_reprise.report.cite import badge


@pytest.fixture
def ruled_store(filled_store):
    """Six replicates of the plain recipe, of which two is two is the rule."""

    def card(document):
        document["claims"][0]["role"] = "rule"
        document["claims"][1]["role"] = "detail"

    forge(
        filled_store,
        card=card,
        record=lambda document: document["code"].update(dirty=False, git_commit="a" * 40, diff_sha256=None),
    )
    return filled_store


@pytest.fixture
def certify(ruled_store, reprise, tmp_path):
    def call(*options, store=ruled_store):
        result = reprise("certificate", "--output", tmp_path / "c.pdf", *options, "--store", store)
        assert result.exit_code == 0, result.output
        return json.loads((tmp_path / "c.json").read_text())

    return call


def test_a_certificate_says_what_was_replayed_with_what_on_what_when_and_the_verdicts(certify, tmp_path, ruled_store):
    found = certify()
    (one,) = found["replayed"]
    assert found["rules"] == {"reproduced": 1, "contradicted": 0, "inconclusive": 0}
    assert (one["recipe"], one["verdict"], one["n"], one["seeds"]) == ("plain", "reproduced", 6, [1, 2, 3, 4, 5, 6])
    assert one["claims"] == {"two-is-two": "reproduced", "two-is-three": "contradicted"}
    assert one["replay"].startswith("reprise run ./plain.py --measurement ")
    assert found["code"]["commits"] == ["a" * 40]
    assert "cores" in found["machine"]["words"]
    assert "Keras" in found["environment"]["words"]
    assert found["replayed_from"] < found["replayed_until"]
    assert (tmp_path / "c.pdf").read_bytes().startswith(b"%PDF")


def test_the_same_records_give_the_same_certificate(certify, tmp_path):
    first = certify(), (tmp_path / "c.pdf").read_bytes()
    assert (certify(), (tmp_path / "c.pdf").read_bytes()) == first


def test_a_certificate_passes_its_check_and_an_edited_one_does_not(certify, reprise, ruled_store, tmp_path):
    certify()
    path = tmp_path / "c.json"
    result = reprise("check-citations", path, "--store", ruled_store)
    assert (result.exit_code, "1 citations checked, 0 wrong" in result.stdout) == (0, True), result.output
    path.write_text(path.read_text().replace('"verdict": "reproduced"', '"verdict": "contradicted"'))
    result = reprise("check-citations", path, "--store", ruled_store)
    assert result.exit_code == 1
    assert "its content has another hash" in result.stdout
    assert "the rule is certified as contradicted, the store says reproduced" in result.stdout


def test_records_that_were_edited_are_found_by_the_certificate(certify, reprise, ruled_store, tmp_path):
    certify()
    records(ruled_store)[2].unlink()
    result = reprise("check-citations", tmp_path / "c.json", "--store", ruled_store)
    assert (result.exit_code, "is not in this store" in result.stdout) == (1, True)


def test_the_identifiers_of_a_certificate_are_resolved(certify, reprise, ruled_store):
    (identifier,) = [one["identifier"] for one in certify()["replayed"]]
    assert reprise("resolve", identifier, "--store", ruled_store).exit_code == 0


@pytest.mark.parametrize(
    "content", ['{"schema": "reprise-certificate/1"}', '{"schema": "reprise-certificate/1", "replayed": [1]}']
)
def test_what_is_no_certificate_is_one_message(reprise, ruled_store, tmp_path, content):
    (tmp_path / "c.json").write_text(content)
    result = reprise("check-citations", tmp_path / "c.json", "--store", ruled_store)
    assert (result.exit_code, "not as `reprise certificate" in result.output) == (2, True)


def test_a_badge_counts_the_rules_and_names_the_machine(ruled_store, reprise, tmp_path):
    forge(ruled_store, machine=lambda machine: machine.update(gpus=["NVIDIA H100 80GB HBM3"]))
    result = reprise("certificate", "--badge", tmp_path / "badge.svg", "--store", ruled_store)
    assert result.exit_code == 0, result.output
    assert not (tmp_path / "certificate.pdf").exists()
    root = ElementTree.fromstring((tmp_path / "badge.svg").read_text())
    assert root.get("aria-label") == "keras-reprise: 1 of 1 rule reproduced on H100"
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["keras-reprise", "1 of 1 rule reproduced on H100"]


def test_a_badge_s_texts_are_as_wide_as_it_says():
    assert badge.width("iiii") < badge.width("nnnn") < badge.width("mmmm")
    root = ElementTree.fromstring(badge.svg("a & b", "<script>", "#000", '"'))
    assert root.get("aria-label") == "a & b: <script>"


def test_hostile_words_stay_text_in_certificate_and_badge(ruled_store, reprise, tmp_path):
    forge(ruled_store, card=poison, machine=poison)
    options = ("--output", tmp_path / "c.pdf", "--badge", tmp_path / "badge.svg")
    result = reprise("certificate", *options, "--store", ruled_store)
    assert result.exit_code == 0, result.output
    root = ElementTree.fromstring((tmp_path / "badge.svg").read_text())
    assert not [one for one in root.iter() if one.tag.endswith("script")]
    assert "\x1b" not in result.output


@pytest.mark.parametrize(("options", "code", "words"), [
    (["--output", "c.txt"], 2, "A certificate is a PDF and a JSON file"),
    (["--machine", "zzzz"], 3, "holds no record"),
])  # fmt: skip
def test_what_cannot_be_certified_is_one_message(ruled_store, reprise, tmp_path, monkeypatch, options, code, words):
    monkeypatch.chdir(tmp_path)
    result = reprise("certificate", *options, "--store", ruled_store)
    assert (result.exit_code, words in result.output) == (code, True), result.output
    assert not list(tmp_path.glob("c.*"))
