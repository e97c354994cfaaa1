"""`results("results")`: what a store holds, for a Python session or a notebook. Reading it imports no Keras."""

import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from keras_reprise import catalog
from keras_reprise.base import checkout
from keras_reprise.base.errors import IntegrityError, NothingMeasuredError, UserError, printable
from keras_reprise.judge import groups
from keras_reprise.judge.groups import Group
from keras_reprise.report.frames import rows, showing
from keras_reprise.report.frames.rows import MeasuredReplicate, Row
from keras_reprise.store.store import Store, Summary

if TYPE_CHECKING:
    from pandas import DataFrame


class Results:
    """Records of a store, judged: tables of verdicts, claims, curves, metrics and records as tidy pandas DataFrames.

    In a notebook it shows the verdict of every rule. The columns `machine`, `backend`, `backend_version`, `device` and
    `keras` say where a row was measured, `source` is empty for the package's own recipes, and `superseded` marks the
    older of several sources of a recipe of one's own. The tables need pandas, which is in the extra `dataframes`.
    """

    def __init__(self, store: Store, summaries: Sequence[Summary]) -> None:
        self._store, self._summaries = store, tuple(summaries)

    def __len__(self) -> int:
        """The number of records."""
        return len(self._summaries)

    def __repr__(self) -> str:
        return showing.as_text(self._groups, self._store.root.name, len(self))

    def _repr_html_(self) -> str:
        return showing.as_html(self._groups, self._store, len(self))

    def verdicts(self) -> "DataFrame":
        """A row per rule and place: its words, its verdict, and the claim that decides, with its number.

        `mean` has the 95 % interval `ci_low` to `ci_high` over `n` replicates, in `unit`; `n_failed` gave no number.
        """
        return _frame(rows.verdict_rows(self._groups, self._store), rows.VERDICTS)

    def claims(self) -> "DataFrame":
        """A row per claim and place, with its number and the interval in which it must lie (none: no bound)."""
        return _frame(rows.claim_rows(self._groups, self._store), rows.CLAIMS)

    def curves(self, recipe: str) -> "DataFrame":
        """The curves of a recipe, a row per replicate, arm, curve and position; `slug@N` is a version, else the newest.

        `position` counts from 1, in epochs, layers or what `per` says. Complete replicates only, one for each seed.
        """
        return _frame(rows.curve_rows(self._measured(recipe), self._store), rows.CURVES)

    def metrics(self, recipe: str) -> "DataFrame":
        """The metrics of a recipe, a row per replicate, arm and metric; replicates and versions as in `curves`."""
        return _frame(rows.metric_rows(self._measured(recipe), self._store), rows.METRICS)

    def records(self) -> "DataFrame":
        """A row per record, failed and repeated ones too: what was measured, where, when, and by which commit."""
        return _frame(rows.record_rows(self._groups, self._store), rows.RECORDS)

    @cached_property
    def _groups(self) -> list[Group]:
        return groups.gather(self._summaries, self._store)

    def _measured(self, recipe: str) -> list[MeasuredReplicate]:
        """The complete replicates of a recipe's version, read from their files."""
        slug, _, version = recipe.partition("@")
        mine = [group for group in self._groups if group.slug == slug]
        if not mine:
            catalog.find(recipe)
            raise NothingMeasuredError(
                f"These results hold no record of {recipe}.\nMeasure it with `reprise run {recipe}`."
            )
        versions = sorted({group.version for group in mine})
        if version and version not in map(str, versions):
            raise NothingMeasuredError(
                f"These results hold no record of {slug} version {version}.\nThey have {', '.join(map(str, versions))}."
            )
        chosen = int(version) if version else groups.one(mine, slug).version
        return [
            MeasuredReplicate(group, record)
            for group in mine
            if group.version == chosen
            for record in groups.read(group, self._store)
        ]


def results(store: str | Path | None = None) -> Results:
    """The results in the folder `store` (default: results/ of the checkout that the current folder lies in, else
    ./results).

    Files that are broken are left out with a warning. NothingMeasuredError when there is no record, IntegrityError when
    none can be read.
    """
    found = Store(Path(store) if store is not None else checkout.default_store())
    found.require_folder()
    summaries, problems = found.summaries()
    usable, more = found.usable(summaries)
    problems += more
    if problems:
        warnings.warn(
            f"{len(problems)} records are left out: {printable(problems[0].fault)} `reprise check` names all of them.",
            stacklevel=2,
        )
    if usable:
        return Results(found, usable)
    if problems:
        raise IntegrityError(
            f"None of the {len(problems)} records in {found.root} can be read.\nRestore them from git, or delete them."
        )
    raise NothingMeasuredError(
        f"The store {found.root} holds no record.\n"
        'Measure one with `reprise run --suite quickstart`, or `keras_reprise.run("l1-l2-toy")`.'
    )


def _frame(found: Iterator[Row], columns: Sequence[str]) -> "DataFrame":
    try:
        import pandas
    except ImportError as error:
        raise UserError(
            "DataFrames need pandas, which is not installed.\n"
            "Install it with `pip install 'keras-reprise[dataframes]'`; `reprise export` writes CSV without it."
        ) from error
    return pandas.DataFrame(list(found), columns=list(columns))
