"""`keras_reprise.results(...)`: the tables hold what the commands print, and a notebook shows them as text that does nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from forging import forge, records

import keras_reprise as kr
from keras_reprise.base.errors import IntegrityError, NothingMeasuredError, UserError
from keras_reprise.record.schema import decode
from keras_reprise.report.frames import rows

pytest.importorskip("pandas", reason="pandas is missing (pip install 'keras-reprise[dataframes]')")


def with_a_rule(card):
    """That two is two is the rule; that two is three goes with it."""
    for claim, role in zip(card["claims"], ("rule", "detail"), strict=True):
        claim["role"] = role


@pytest.fixture
def ruled_store(filled_store):
    forge(filled_store, card=with_a_rule)
    return filled_store


@pytest.fixture
def found(ruled_store):
    return kr.results(ruled_store)


def test_verdicts_are_those_that_the_command_prints(found, ruled_store, reprise):
    (row,) = found.verdicts().to_dict("records")
    told = json.loads(reprise("verdict", "--store", ruled_store, "--json").stdout)
    deciding = next(one for one in told if one["claim"] == row["claim"])
    assert row["verdict"] == told[0]["rule_verdict"]
    assert row["rule"] == told[0]["rule"]
    for name in ("recipe", "version", "scale", "mean", "ci_low", "ci_high", "unit", "n", "n_failed"):
        assert row[name] == deciding[name], name
    assert (row["machine_id"], row["environment_id"]) == (deciding["machine"], deciding["environment"])
    assert "cores" in row["machine"]
    assert row["backend"] in ("tensorflow", "jax", "torch")


def test_claims_have_a_row_each_with_the_interval_they_must_lie_in(found, ruled_store, reprise):
    table = found.claims().set_index("claim")
    told = json.loads(reprise("verdict", "--store", ruled_store, "--json").stdout)
    assert list(table.index) == [one["claim"] for one in told]
    for one in told:
        low, high = one["interval"]
        row = table.loc[one["claim"]]
        assert [row.must_lie_above, row.must_lie_below] == [
            pytest.approx(float("nan") if end is None else end, nan_ok=True) for end in (low, high)
        ]
        assert (row.verdict, row.role, row.says) == (one["verdict"], one["role"], one["says"])


def test_curves_are_tidy_and_hold_every_value_of_the_records(found, ruled_store):
    table = found.curves("plain")
    stored = [decode(path.read_bytes(), path.name)[0] for path in records(ruled_store)]
    values = [
        (record.replicate.seed, arm, name, position, float(value))
        for record in stored
        for arm, data in record.arms.items()
        for name, curve in data.curves.items()
        for position, value in enumerate(curve, 1)
    ]
    assert values
    assert sorted(table[["seed", "arm", "curve", "position", "value"]].itertuples(index=False, name=None)) == sorted(
        values
    )


def test_metrics_have_a_row_per_replicate_arm_and_metric(found, ruled_store):
    table = found.metrics("plain@1")
    (path, *_) = records(ruled_store)
    record = decode(path.read_bytes(), path.name)[0]
    mine = table[table.seed == record.replicate.seed]
    assert {(row.arm, row.metric, row.value) for row in mine.itertuples()} == {
        (arm, name, float(value)) for arm, data in record.arms.items() for name, value in data.metrics.items()
    }


def test_failed_replicates_are_among_the_records_and_not_in_the_curves(
    plain_recipe, filled_store, reprise, monkeypatch
):
    monkeypatch.setenv("PLAIN_FAILS", "one")
    reprise("run", plain_recipe, "--seeds", "6,8", "--store", filled_store)
    forge(filled_store, card=with_a_rule)
    found = kr.results(filled_store)
    table = found.records()
    assert dict(zip(table.seed, table.status, strict=True)) == dict.fromkeys(range(1, 7), "complete") | {8: "failed"}
    assert set(found.metrics("plain").seed) == set(found.curves("plain").seed) == set(range(1, 7))
    assert found.verdicts().n_failed.tolist() == [1]


def test_columns_are_there_where_no_card_names_a_rule(filled_store):
    found = kr.results(filled_store)
    assert list(found.verdicts().columns) == list(rows.VERDICTS)
    assert found.verdicts().empty
    assert len(found.claims())


def test_a_recipe_that_is_not_there_is_told(found):
    with pytest.raises(UserError, match="no recipe 'cifar10-lr-dorp'"):
        found.curves("cifar10-lr-dorp")
    with pytest.raises(NothingMeasuredError, match=r"no record of cifar10-lr-drop\.\nMeasure it"):
        found.curves("cifar10-lr-drop")
    with pytest.raises(NothingMeasuredError, match="version 7"):
        found.metrics("plain@7")


def test_a_store_without_records_is_told(tmp_path):
    with pytest.raises(NothingMeasuredError, match="holds no record"):
        kr.results(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        kr.results(tmp_path / "file")


def test_broken_records_are_left_out_with_a_warning(filled_store):
    first, *others = records(filled_store)
    first.write_text("{")
    with pytest.warns(UserWarning, match=r"1 records are left out: records/plain/.*`reprise check`"):
        assert len(kr.results(filled_store)) == 5
    for path in others:
        path.write_text("{")
    with (
        pytest.warns(UserWarning, match="6 records are left out"),
        pytest.raises(IntegrityError, match="None of the 6"),
    ):
        kr.results(filled_store)


def test_a_notebook_shows_the_rule_with_its_verdict(found):
    text = found._repr_html_()
    assert "<table>" in text
    assert found.verdicts().verdict[0] in text
    assert repr(found) == "Results of store: 6 records; rules: 1 reproduced, 0 contradicted, 0 inconclusive."


def test_texts_of_records_do_nothing_in_a_notebook(filled_store):
    def poisoned(card):
        with_a_rule(card)
        card["title"] = "<script>alert(1)</script>\x1b[31m"
        for claim in card["claims"]:
            claim["says"] = claim["unit"] = "<img src=x onerror=alert(2)>"

    forge(filled_store, card=poisoned, machine=lambda facts: facts.update(cpu="<b>mine</b>"))
    text = kr.results(filled_store)._repr_html_()
    assert "&lt;script&gt;" in text
    assert not {part for part in ("<script", "<img", "<b>mine", "\x1b") if part in text}


def test_a_long_table_is_cut_and_says_so(found, monkeypatch):
    from keras_reprise.report.frames import showing

    monkeypatch.setattr(showing, "MOST_ROWS", 0)
    assert "1 more, of other recipes and places, are in" in found._repr_html_()


def test_an_error_is_shown_in_a_notebook_as_its_sentences(found):
    with pytest.raises(UserError) as caught:
        found.curves("lr-nna\x1b[31m")
    (text,) = caught.value._render_traceback_()
    assert text.startswith("UserError: There is no recipe")
    assert "\x1b" not in text


def test_without_pandas_a_sentence_says_what_to_install(found, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UserError, match=r"keras-reprise\[dataframes\]"):
        found.verdicts()
    assert "reproduced" in repr(found)


def test_reading_results_imports_neither_keras_nor_what_draws(ruled_store):
    code = f"""import sys, keras_reprise as kr
found = kr.results({str(ruled_store)!r})
repr(found), found._repr_html_()
for table in (found.verdicts(), found.claims(), found.curves("plain"), found.metrics("plain"), found.records()):
    assert len(table)
print([name for name in ("keras", "tensorflow", "jax", "torch", "matplotlib", "seaborn", "sklearn") if name in sys.modules])"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_default_store_is_that_of_the_commands(filled_store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    filled_store.rename(tmp_path / "results")
    assert len(kr.results()) == 6
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "keras-reprise"\n')
    (tmp_path / "recipes").mkdir()
    monkeypatch.chdir(tmp_path / "recipes")
    assert len(kr.results()) == 6


def test_results_in_the_repository_are_read_as_one_table():
    table = kr.results(Path(__file__).parents[2] / "results").verdicts()
    drop = table[(table.recipe == "cifar10-lr-drop") & (table.scale == "full")]
    assert set(drop.document) == {"fleuret-2021"}
    assert len(table) > 100
