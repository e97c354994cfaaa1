"""A certificate of a replay and its badge: one page that anybody can check, the same bytes for the same records."""

import json
import shutil
from xml.etree import ElementTree

import pytest
from forging import forge, records
from hostile import poison

from keras_reprise.judge.groups import gather
from keras_reprise.report.cite import badge, certificate
from keras_reprise.store.store import Store


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


def rewritten(path, change):
    """A certificate that was changed by somebody who knows how its id is made."""
    content = json.loads(path.read_text())
    change(content)
    path.write_bytes(certificate.encoded(content | {"id": certificate.digest(content)}))


CIFAR10 = {"name": "cifar10", "fingerprint": "0" * 64, "substitute": False}


@pytest.mark.parametrize(("change", "words"), [
    (lambda found: found["rules"].update(reproduced=7), "rules.reproduced is certified as 7, the store says 1"),
    (lambda found: found.update(short="H100"), "short is certified as H100, the store says"),
    (lambda found: found["machine"].update(words="H100"), "machine.words is certified as H100, the store says"),
    (lambda found: found["environment"].update(keras="9.9"), "environment.keras is certified as 9.9, the store says"),
    (lambda found: found["code"].update(commits=[]), "code.commits is certified as [], the store says"),
    (lambda found: found.update(records=60), "records is certified as 60, the store says 6"),
    (lambda found: found.update(remark="fine"), "remark is certified as fine, the store says nothing"),
    (lambda found: found["replayed"][0].update(data=CIFAR10), "data is certified as {'name': 'cifar10'"),
    (lambda found: found["replayed"][0].update(n=12), "n is certified as 12, the store says 6"),
    (lambda found: found["replayed"][0].update(n_failed=2), "n_failed is certified as 2, the store says 0"),
    (lambda found: found["replayed"][0].update(scale="full"), "scale is certified as full, the store says quick"),
    (lambda found: found["replayed"][0].update(replay="rm -r ~"), "replay is certified as rm -r ~, the store says"),
    (lambda found: found["replayed"][0]["decides"].update(mean=3.0), "decides.mean is certified as 3.0, the store"),
    (lambda found: found["replayed"][0]["claims"].pop("two-is-three"), "two-is-three is left out, the store says"),
    (lambda found: found["replayed"].append(found["replayed"][0]), "plain is certified 2 times"),
    (lambda found: found["replayed"].clear(), "it certifies no recipe"),
])  # fmt: skip
def test_facts_of_a_certificate_are_compared_whatever_its_id(certify, reprise, ruled_store, tmp_path, change, words):
    certify()
    rewritten(tmp_path / "c.json", change)
    result = reprise("check-citations", tmp_path / "c.json", "--store", ruled_store)
    assert (result.exit_code, words in result.stdout) == (1, True), result.output
    assert "another hash" not in result.stdout


def test_a_certificate_cannot_leave_out_why_it_is_not_to_be_cited(certify, reprise, ruled_store, tmp_path):
    forge(ruled_store, record=lambda document: document["code"].update(dirty=True))
    certify()
    assert reprise("check-citations", tmp_path / "c.json", "--store", ruled_store).exit_code == 0
    rewritten(tmp_path / "c.json", lambda found: found["replayed"][0].update(not_citable=None))
    result = reprise("check-citations", tmp_path / "c.json", "--store", ruled_store)
    assert (result.exit_code, "the store says 6 of 6 records come from a checkout" in result.stdout) == (1, True)


def test_other_words_of_a_card_are_noted(certify, reprise, ruled_store, tmp_path):
    certify()
    rewritten(tmp_path / "c.json", lambda found: found["replayed"][0].update(rule="Two was two."))
    result = reprise("check-citations", tmp_path / "c.json", "--store", ruled_store)
    assert result.exit_code == 0, result.output
    assert (": rule is in other words now: " in result.stdout, "0 wrong" in result.stdout) == (True, True)


@pytest.mark.parametrize("name", ["c.json", "c.JSON"])
def test_a_certificate_may_begin_with_a_byte_order_mark(certify, reprise, ruled_store, tmp_path, name):
    certify()
    text = (tmp_path / "c.json").read_text("utf-8")
    for written, code in ((text, 0), (text.replace('"verdict": "reproduced"', '"verdict": "contradicted"'), 1)):
        (tmp_path / name).write_text(written, "utf-8-sig")
        result = reprise("check-citations", tmp_path / name, "--store", ruled_store)
        assert result.exit_code == code, result.output


@pytest.mark.parametrize("change", [
    lambda text: f"[{text}]",
    lambda text: text.replace("reprise-certificate/1", "reprise-certificate/2"),
    lambda text: text.replace("reprise-certificate/1", "of mine"),
    lambda text: text.replace('"verdict": "reproduced"', '"verdict": "contradicted", "verdict": "reproduced"'),
    lambda text: text[:-10],
], ids=["in a list", "another schema", "no schema of ours", "a name twice", "truncated"])  # fmt: skip
def test_what_calls_itself_a_certificate_and_is_none_is_wrong(certify, reprise, ruled_store, tmp_path, change):
    certify()
    path = tmp_path / "c.json"
    path.write_text(change(path.read_text("utf-8")), "utf-8")
    result = reprise("check-citations", path, "--store", ruled_store)
    assert (result.exit_code, "this is no certificate" in result.stdout) == (1, True), result.output


def judge_by_another_card(path, change):
    """Have the records judged by a card that was changed since, as a run of their recipe does."""
    store, recipe = Store(path), json.loads(records(path)[0].read_bytes())["recipe"]
    card = json.loads((path / "cards" / f"{recipe['card'][:12]}.json").read_bytes())
    change(card["claims"])
    store.judge_by(recipe["measurement"], store.add_document("cards", card))


@pytest.mark.parametrize("claim", [0, 1], ids=["rule", "detail"])
def test_a_certificate_passes_its_check_after_a_claim_was_retired(certify, reprise, ruled_store, tmp_path, claim):
    certify()
    judge_by_another_card(ruled_store, lambda claims: claims[claim].update(retired="it was mended"))
    result = reprise("check-citations", tmp_path / "c.json", "--store", ruled_store)
    assert (result.exit_code, "1 citations checked, 0 wrong" in result.stdout) == (0, True), result.output


def test_a_claim_that_joined_later_is_noted_and_a_verdict_that_it_changes_is_found(
    certify, reprise, ruled_store, tmp_path
):
    certify()
    check = ("check-citations", tmp_path / "c.json", "--store", ruled_store)
    judge_by_another_card(ruled_store, lambda claims: claims.append(claims[1] | {"id": "not-three"}))
    result = reprise(*check)
    assert (result.exit_code, "note: " in result.stdout, "not-three is left out" in result.stdout) == (0, True, True)
    judge_by_another_card(ruled_store, lambda claims: claims.append(claims[1] | {"id": "not-three", "role": "rule"}))
    result = reprise(*check)
    assert (result.exit_code, "by these it is " in result.stdout) == (1, True), result.output
    assert reprise(*check, "--as-cited").exit_code == 0


def test_the_newest_version_is_certified_though_an_older_one_has_more_replicates(certify, ruled_store, tmp_path):
    second = tmp_path / "second"
    shutil.copytree(ruled_store, second)
    for path in records(second)[3:]:
        path.unlink()
    forge(second, card=lambda card: card.update(version=2), record=lambda found: found["recipe"].update(version=2))
    shutil.copytree(second, ruled_store, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".cache"))
    (one,) = certify()["replayed"]
    assert (one["version"], one["n"]) == (2, 3)


@pytest.fixture
def substituted(ruled_store):
    """The same on data that stand in for the documented ones."""
    data = {"name": "digits", "fingerprint": "0" * 64, "n_train": 1, "n_test": 1, "substitute": True}
    forge(ruled_store, record=lambda document: document.update(data=data))
    return ruled_store


def test_rules_on_substitute_data_are_not_counted(certify, substituted, reprise, tmp_path):
    found = certify("--badge", tmp_path / "badge.svg")
    assert found["rules"] == {"reproduced": 0, "contradicted": 0, "inconclusive": 0}
    label = ElementTree.fromstring((tmp_path / "badge.svg").read_text()).get("aria-label") or ""
    assert label.startswith("keras-reprise: 0 of 0 rules reproduced on ")
    assert label.endswith(" (1 on substitute data not counted)")
    assert reprise("check-citations", tmp_path / "c.json", "--store", substituted).exit_code == 0


def test_a_certificate_that_counts_as_earlier_versions_did_passes_its_check(certify, substituted, reprise, tmp_path):
    forge(substituted, record=lambda document: document["code"].update(dirty=None, git_commit=None))
    certify()
    rewritten(tmp_path / "c.json", lambda found: found["rules"].update(reproduced=1))
    rewritten(tmp_path / "c.json", lambda found: found["code"].update(uncommitted=6))
    result = reprise("check-citations", tmp_path / "c.json", "--store", substituted)
    assert (result.exit_code, result.stdout.count("as earlier versions did")) == (0, 2), result.output


@pytest.mark.parametrize(("dirty", "count", "words"), [
    (True, 6, "; 6 records from uncommitted code"),
    (None, 0, "; 6 records from code of which it is not known whether it was committed"),
    (False, 0, "aaaa"),
])  # fmt: skip
def test_code_that_is_not_known_is_not_called_uncommitted(ruled_store, dirty, count, words):
    forge(ruled_store, record=lambda document: document["code"].update(dirty=dirty))
    store = Store(ruled_store)
    groups = certificate.chosen(gather(store.summaries()[0], store))
    content = certificate.build(groups, store)
    assert certificate.code_of(groups[0].members)["uncommitted"] == count
    assert dict(certificate.page(content, groups).facts)["code"].endswith(words)
