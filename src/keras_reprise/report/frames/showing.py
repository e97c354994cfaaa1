"""How results show themselves: in a line, and in a notebook as the table of their rules, every text escaped."""

import html
from collections import Counter
from collections.abc import Sequence

from keras_reprise.base.errors import printable
from keras_reprise.judge.comparable import data_label
from keras_reprise.judge.groups import Group
from keras_reprise.record.facts import EnvironmentFacts
from keras_reprise.record.wording import hardware
from keras_reprise.report.telling import told
from keras_reprise.store.store import Store

MOST_ROWS = 12  # of a table in a notebook, below which nobody scrolls
WORDS = ("reproduced", "contradicted", "inconclusive")
SIGNS = {"reproduced": "✓", "contradicted": "✗", "inconclusive": "?"}
COLOURS = {"reproduced": "#1a7f37", "contradicted": "#cf222e", "inconclusive": "#9a6700"}  # legible on white and black
HEADERS = ("rule", "verdict", "measured", "n", "recipe", "where")


def as_text(groups: Sequence[Group], name: str, records: int) -> str:
    """The results in a line."""
    return printable(f"Results of {name}: {records} records; {_tally(groups)}")


def as_html(groups: Sequence[Group], store: Store, records: int) -> str:
    """The verdicts of the rules as a table: a row per recipe, of its newest version where most was measured."""
    standing = {group.slug: group for group in reversed(groups) if group.rule.verdict is not None}
    shown = list(reversed(standing.values()))[:MOST_ROWS]
    head = "".join(f'<th style="text-align:left">{name}</th>' for name in HEADERS)
    left = sum(group.rule.verdict is not None for group in groups) - len(shown)
    rest = f"<p>{left} more, of other recipes and places, are in <code>.verdicts()</code>.</p>" if left else ""
    return (
        f"<p>{_escaped(as_text(groups, store.root.name, records))}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(_row(group, store) for group in shown)}</tbody></table>"
        f"{rest}"
    )


def _tally(groups: Sequence[Group]) -> str:
    counts = Counter(group.rule.verdict for group in groups)
    return "rules: " + ", ".join(f"{counts[word]} {word}" for word in WORDS) + "."


def _row(group: Group, store: Store) -> str:
    rule, decided = group.rule, group.rule.deciding
    if decided is None or rule.verdict is None:
        return ""
    backend = EnvironmentFacts.of(store.document("environments", group.environment)).backend
    where = f"{hardware(store.document('machines', group.machine))}; {backend}"
    data = f", {label}" if (label := data_label(group.first)) else ""
    verdict = f'<b style="color:{COLOURS[rule.verdict]};white-space:nowrap">{SIGNS[rule.verdict]} {rule.verdict}</b>'
    found = told(decided, next(claim for claim in group.card.claims if claim.id == decided.claim))
    number = ", ".join(filter(None, (found.number, found.spread)))
    measured = f'<span title="{_escaped(found.sentence)}">{_escaped(number)}</span>'
    texts = (str(decided.n), f"{group.slug}@{group.version} {group.scale}{data}", where)
    cells = (
        f'<span style="display:inline-block;min-width:14em">{_escaped(rule.rule)}</span>',
        verdict,
        measured,
        *map(_escaped, texts),
    )
    return "<tr>" + "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells) + "</tr>"


def _escaped(text: object) -> str:
    return html.escape(printable(str(text)))
