"""Verdicts as the terminal shows them, in its columns: a line for each rule, then every claim."""

import math
from collections.abc import Iterator, Sequence

from keras_reprise.base.columns import USUAL, Row, table, wrapped
from keras_reprise.judge.comparable import together
from keras_reprise.judge.groups import Group
from keras_reprise.judge.verdicts import Verdict
from keras_reprise.record.wording import aligned, interval, number
from keras_reprise.report import phrases
from keras_reprise.store.store import Store

ROLES = ("rule", "detail", "table", "")
HEADERS = ("verdict", "n", "mean", "SD", "95 % interval", "must lie in", "p", "exact p")


def rule_lines(groups: Sequence[Group], store: Store, columns: int = USUAL) -> str:
    """A line for the rule of every group, below the place where it was measured."""
    texts = []
    for place, members in together(groups, lambda group: group.place).items():
        head = _place(store, place.machine, place.environment, columns)
        texts.append("\n".join([*head, "", *phrases.rule_rows(members, columns)]))
    texts += [
        "\n".join(wrapped(f"{_name(group)}: of {group.whose}; not counted.", columns))
        for group in groups
        if group.foreign
    ]
    rules = [group.rule.verdict for group in groups if not group.foreign and not group.substitute]
    others = sum(group.substitute and not group.foreign for group in groups)
    words = [f"{rules.count(word)} {word}" for word in ("reproduced", "contradicted", "inconclusive")]
    without = f"; {rules.count(None)} cards do not tell which claims are the rule" if None in rules else ""
    without += f"; {others} on substitute data, which say nothing on the rule, not counted" if others else ""
    return "\n\n".join([*texts, "\n".join(wrapped(f"Rules: {', '.join(words)}{without}.", columns))])


def claim_tables(groups: Sequence[Group], store: Store, columns: int = USUAL) -> str:
    """A table of its claims for every group of comparable records, with what it rests on above it."""
    return "\n\n\n".join("\n".join(_claims(group, store, columns)) for group in groups)


def _claims(group: Group, store: Store, columns: int) -> Iterator[str]:
    yield from wrapped(f"{_name(group)}, data {group.data_label}", columns)
    yield from _place(store, group.machine, group.environment, columns)
    if group.source:
        yield from wrapped(f"of {group.whose}", columns)
    yield ""
    yield from table(HEADERS, _rows(group.verdicts), columns)
    notes = list(_notes(group))
    yield from ["", "Notes:"] if notes else []
    for note in notes:
        yield from wrapped(note, columns, first="  ", rest="    ")
    yield from ["", phrases.tally(group.verdicts)]


def _rows(verdicts: Sequence[Verdict]) -> list[Row]:
    """The claims by their roles, those that count no more last: for each its id and role, and its numbers below."""
    ordered = sorted(verdicts, key=lambda one: (not one.counts, ROLES.index(one.role)))
    rows: list[Row] = []
    for one in ordered:
        role = "retired" if not one.counts else one.role
        rows += [f"{one.claim} ({role})" if role else one.claim, _row(one)]
    return rows


def _row(verdict: Verdict) -> Sequence[str]:
    """One claim; p is Holm-adjusted, exact p is that of the sign-flip test."""
    v = verdict
    n = ", ".join(
        [
            str(v.n),
            *(f"{count} {what}" for count, what in ((v.n_failed, "failed"), (v.n_undefined, "undefined")) if count),
        ]
    )
    ends = [aligned(end, v.mean, v.sd) for end in (v.ci_low, v.ci_high)]
    printed = "" if v.printed is None else f", printed {number(v.printed, 6)}"
    return (
        f"  {v.verdict}",
        n,
        aligned(v.mean, v.mean, v.sd),
        number(v.sd, 2),
        " to ".join(ends) if math.isfinite(v.ci_low) else "-",
        f"{f'{interval(v.interval)} {v.unit}'.strip()}{printed}",
        number(v.p, 2),
        number(v.p_exact, 2),
    )


def _notes(group: Group) -> Iterator[str]:
    """Why the rule has its verdict, and what stands against the claims."""
    if why := phrases.explained(group):
        yield f"the rule is {why[0].lower()}{why[1:]}"
    for verdict in group.verdicts:
        if verdict.reason:
            yield f"{verdict.claim}: {verdict.reason}"
    for verdict in group.verdicts:
        if not verdict.counts:
            yield f"{verdict.claim}: retired, counts no more: {verdict.retired}"
    if group.rule.verdict is None:
        yield f"no verdict of a rule: {group.rule.reason}"
    for verdict in group.verdicts:
        if verdict.erratum:
            yield f"{verdict.claim}: erratum {verdict.erratum}"


def _name(group: Group) -> str:
    return f"{group.slug}@{group.version}, scale {group.scale}"


def _place(store: Store, machine: str, environment: str, columns: int) -> list[str]:
    lines = (phrases.machine_line(store, machine), phrases.environment_line(store, environment))
    return [part for line in lines for part in wrapped(line, columns, rest="  ")]
