"""A citation as a slide: the figure, the rule, its verdict, the number that decides, and where all of it comes from."""

from pathlib import Path
from typing import TYPE_CHECKING

from keras_reprise.base.errors import UserError
from keras_reprise.base.files import make_folder, write_atomically
from keras_reprise.judge.groups import read
from keras_reprise.judge.verdicts import Verdict
from keras_reprise.report.amounts import amount
from keras_reprise.report.cite.citations import Citation
from keras_reprise.store.store import Store

if TYPE_CHECKING:
    from keras_reprise.figures.slide import ClaimNumbers, SlideWords

FORMS = ("png", "svg", "pdf")
MANY_PANELS = "histogram-grid"  # too small for a talk where there is another figure


def write(citation: Citation, store: Store, path: Path) -> None:
    """Draw what is cited as a slide into a file whose suffix says the format; UserError when it cannot be drawn."""
    form = path.suffix.lstrip(".").lower()
    if form not in FORMS:
        raise UserError(f"The name {path} does not say which kind of picture it is.\nEnd it in .{', .'.join(FORMS)}.")
    content = draw(citation, store, form)
    make_folder(path.parent)
    write_atomically(path, content)


def draw(citation: Citation, store: Store, form: str) -> bytes:
    """The slide of what is cited: of a claim with its numbers, of a recipe with its first figure that can be drawn."""
    from keras_reprise.figures.figure import FigureError
    from keras_reprise.figures.slide import draw_slide

    records, verdict, words = read(citation.group, store), _decides(citation), _words(citation)
    sample = _sample(verdict) if verdict is not None else None
    faults = []
    figures = sorted(citation.group.card.figures, key=lambda one: one.get("kind") == MANY_PANELS)
    for document in (*figures, None):
        try:
            return draw_slide(document, records, sample, words, form)
        except FigureError as error:
            faults.append(str(error))
    raise UserError(
        f"No slide of {citation.group.slug} can be drawn: {faults[0]}\nCite a group with complete replicates."
    )


def _decides(citation: Citation) -> Verdict | None:
    """The claim that the slide tells the number of."""
    group = citation.group
    if citation.quantity is not None:
        return group.verdict(citation.quantity.name)
    return group.rule.deciding or next((one for one in group.verdicts if one.counts), None)


def _words(citation: Citation) -> "SlideWords":
    from keras_reprise.figures.slide import SlideWords

    group, verdict = citation.group, _decides(citation)
    of_a_claim = citation.quantity is not None and verdict is not None
    title = verdict.says if of_a_claim and verdict is not None else group.card.title
    decided = verdict.verdict if of_a_claim and verdict is not None else group.rule.verdict or ""
    documented = "; ".join(one.described for one in citation.literature)
    return SlideWords(title, decided, _found(citation, verdict), documented, _rests_on(citation))


def _found(citation: Citation, verdict: Verdict | None) -> tuple[str, ...]:
    """The number in a sentence, in several ways, the longest first."""
    if citation.quantity is not None:
        told, says = citation.quantity.amount, ""
    elif verdict is None:
        return ()
    else:
        statistic = next(one.statistic for one in citation.group.card.claims if one.id == verdict.claim)
        ends, exact = (verdict.ci_low, verdict.ci_high), verdict.sd == 0
        told = amount(statistic, verdict.unit, verdict.kind, verdict.mean, verdict.sd, ends, exact=exact)
        says = f"{verdict.says.rstrip('.')}: "
    short = f"{'in ' if told.text.endswith('replicates') else ''}{told.text}{f' ({told.ends})' if told.ends else ''}"
    ways = (f"{says}{told.whole}", told.whole, f"{says}{short}", short)
    return tuple(f"{way[:1].upper()}{way[1:]}" for way in (one.replace("`", "") for one in ways))


def _rests_on(citation: Citation) -> tuple[str, ...]:
    """How often, on what and where it was measured, by which identifier it is found, and why not to cite it."""
    group = citation.group
    n = len(group.complete)
    data = "" if group.first.data is None else f", {group.data_label}"
    where = f"{n} replicate{'' if n == 1 else 's'}, {group.scale} scale{data}, {citation.short_hardware}"
    return tuple(filter(None, (where, citation.identifier, citation.warning and f"Not citable: {citation.warning}")))


def _sample(verdict: Verdict) -> "ClaimNumbers":
    from keras_reprise.figures.slide import ClaimNumbers

    unit = f" ({verdict.unit})" if verdict.unit else ""
    return ClaimNumbers(f"{verdict.says.rstrip('.')}{unit}", verdict.values, verdict.interval)
