import calendar
import json
import math
import re
from pathlib import Path

import pytest
from forging import forge

from keras_reprise.base.errors import IntegrityError
from keras_reprise.record import encoding, schema
from keras_reprise.record.fields import TIMESTAMP
from keras_reprise.store.checking import check
from keras_reprise.store.store import Store

GOLDEN = Path(__file__).parents[1] / "data" / "golden-schema-1"


@pytest.fixture
def document(filled_store):
    return json.loads(next((filled_store / "records").rglob("*.json")).read_bytes())


def test_the_golden_store_of_schema_1_is_still_read_and_judged(reprise):
    count, problems = check(Store(GOLDEN))
    assert (count, problems) == (4, [])
    result = reprise("verdict", "--store", GOLDEN, "--json")
    assert result.exit_code == 0, result.output
    assert {row["claim"] for row in json.loads(result.output)} == {"two-is-two", "two-is-three"}


def test_the_id_is_the_sha256_of_the_canonical_json_of_everything_else(document):
    import hashlib

    rest = {key: value for key, value in document.items() if key != "id"}
    compact = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert document["id"] == hashlib.sha256(compact.encode()).hexdigest()


def test_documents_are_sorted_indented_and_end_with_a_newline():
    assert encoding.pretty({"b": 1, "a": [1]}) == b'{\n  "a": [\n    1\n  ],\n  "b": 1\n}\n'


def test_numbers_that_json_lacks_become_strings():
    assert [encoding.encode_number(value) for value in (math.nan, math.inf, -math.inf, 1.5)] == [
        "nan",
        "inf",
        "-inf",
        1.5,
    ]
    assert encoding.encode_curve([1 / 3, math.nan]) == [0.3333333, "nan"]
    assert math.isnan(encoding.number("nan"))


def test_what_is_not_finite_in_a_trial_is_read_as_it_was_written_however_deep():
    trial = {"loss": math.inf, "curve": [0.5, math.nan, [-math.inf, "inf or so", True, None]], "kind": "slow", "n": 3}
    stored = encoding.encode_trial(trial)
    assert stored["curve"] == [0.5, "nan", ["-inf", "inf or so", True, None]]
    read = encoding.decode_trial(json.loads(encoding.canonical(stored)))
    assert str(sorted(read.items())) == str(sorted(trial.items()))


def test_a_record_with_an_unknown_schema_says_what_to_do(document):
    with pytest.raises(IntegrityError, match="schema 3; this version reads the schemas 1 and 2"):
        schema.decode(encoding.pretty(document | {"schema": 3}), "x.json")


def test_only_records_of_schema_2_have_a_measurement(document):
    with pytest.raises(IntegrityError, match="schema 1 and has a measurement"):
        schema.decode(encoding.pretty(document | {"schema": 1}), "x.json")
    recipe = {name: value for name, value in document["recipe"].items() if name != "measurement"}
    with pytest.raises(IntegrityError, match="schema 2 and has no measurement"):
        schema.decode(encoding.pretty(document | {"recipe": recipe}), "x.json")


def test_a_record_with_an_unknown_field_is_refused(document):
    with pytest.raises(IntegrityError, match="extra"):
        schema.decode(encoding.pretty(document | {"extra": 1}), "x.json")


def test_an_edited_record_is_refused(document):
    document["claims"]["two-is-two"] = 7.0
    with pytest.raises(IntegrityError, match="was edited"):
        schema.decode(encoding.pretty(document), "x.json")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"schema": 1}', b'{"a": NaN}', b"[" * 100_000]
)
def test_anything_else_is_refused_with_the_name_of_the_file(content):
    with pytest.raises(IntegrityError, match="x.json"):
        schema.decode(content, "x.json")


def test_seed_zero_in_a_record_is_refused(document):
    document["replicate"]["seed"] = 0
    with pytest.raises(IntegrityError, match="seed"):
        schema.decode(encoding.pretty(document), "x.json")


def test_the_days_of_times_are_those_that_there_are():
    for year in range(1890, 2110):
        for month in range(1, 13):
            lasts = calendar.monthrange(year, month)[1]
            found = [day for day in range(32) if re.search(TIMESTAMP, f"{year}-{month:02}-{day:02}T23:59:59.5Z")]
            assert found == list(range(1, lasts + 1)), (year, month)


@pytest.mark.parametrize("at", ["2026-02-30T00:00:00Z", "2025-02-29T00:00:00Z", "0000-01-01T00:00:00Z"])
@pytest.mark.parametrize("field", ["started_at", "finished_at"])
def test_a_record_of_a_day_that_there_is_not_is_refused(document, field, at):
    document[field] = at
    document["id"] = encoding.record_id(document)
    with pytest.raises(IntegrityError, match=field):
        schema.decode(encoding.pretty(document), "x.json")


def test_durations_whose_sum_is_beyond_every_number_stop_no_reader(filled_store, reprise):
    forge(filled_store, record=lambda document: document.update(duration_s=1.7e308))
    for words in (["check"], ["status"], ["status", "--json"], ["verdict"], ["report"]):
        result = reprise(*words, "--store", filled_store)
        assert result.exit_code == 0, result.output
    assert "unknown time" in reprise("status", "--store", filled_store).stdout
