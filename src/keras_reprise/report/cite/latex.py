"""LaTeX of the store's numbers: macros by key, tables in booktabs style, figures as PDF or PGF.

A number that was not reproduced, or should not be cited, carries a mark wherever the macro puts it.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from keras_reprise.base.errors import UserError, printable
from keras_reprise.base.escaping import latex as escape
from keras_reprise.base.files import make_folder, write_atomically
from keras_reprise.base.version import __version__
from keras_reprise.judge.comparable import together
from keras_reprise.judge.groups import Group, one, read
from keras_reprise.report.cite.quantities import FIELDS, NUMBERS, Quantity, key_of, quantities, uncarried
from keras_reprise.store.store import Store

PREAMBLE = (
    r"""% Written by keras-reprise VERSION. Do not edit: `COMMAND` writes it anew, and
% `reprise check-citations` says which numbers the store no longer gives.
%
"""
    r"% In the preamble: \input{results}. In the text: \reprise{recipe/claim/field}, with the fields "
    r"mean, sd, ci_low, ci_high, interval, n, n_failed,"
    "\n"
    r"% verdict, p, p_exact, printed, unit, id; \reprise{recipe/claim} is the number with its interval. "
    r"\reprisetable{recipe} is a table (load"
    "\n"
    r"""% booktabs), \reprisefigure{recipe/1} a figure (load graphicx, or pgf).
% Marks: \times for contradicted, ? for inconclusive, ! for not to be cited. Redefine \reprisemark to change them.
\makeatletter
\providecommand*\reprisemark[1]{\textsuperscript{\@ifundefined{reprise@mark@#1}{#1}{\csname reprise@mark@#1\endcsname}}}
\expandafter\def\csname reprise@mark@contradicted\endcsname{$\times$}
\expandafter\def\csname reprise@mark@inconclusive\endcsname{?}
\expandafter\def\csname reprise@mark@uncitable\endcsname{!}
\def\reprise@get#1#2{\expandafter\ifx\csname reprise@#1@\detokenize{#2}\endcsname\relax
"""
    r"  \PackageError{reprise}{The results have no #1 `\detokenize{#2}'}"
    r"{Write the results anew with reprise cite --latex.}\textbf{??}%"
    "\n"
    r"""  \else\csname reprise@#1@\detokenize{#2}\endcsname\fi}
\DeclareRobustCommand*\reprise[1]{\reprise@get{number}{#1}}
\DeclareRobustCommand*\reprisetable[1]{{\@ifundefined{toprule}%
  {\let\toprule\hline\let\midrule\hline\let\bottomrule\hline}{}\reprise@get{table}{#1}}}
\DeclareRobustCommand*\reprisefigure[1]{\reprise@get{figure}{#1}}
\def\reprisedefine#1#2{\expandafter\def\csname reprise@number@\detokenize{#1}\endcsname{#2}}
\def\reprisedefinetable#1{\expandafter\long\expandafter\def\csname reprise@table@\detokenize{#1}\endcsname}
\def\reprisedefinefigure#1{\expandafter\def\csname reprise@figure@\detokenize{#1}\endcsname}
\makeatother
"""
)


def keyed(groups: Sequence[Group]) -> list[tuple[str, Group]]:
    """Every group with its key: the slug for the one that stands for its recipe, `slug@version:group` for others."""
    pairs = []
    for slug, mine in together(groups, lambda group: group.slug).items():
        standing = one(mine, slug)
        pairs += [(slug if g is standing else f"{slug}@{g.version}:{key_of(mine, g)}", g) for g in mine]
    return sorted(pairs, key=lambda pair: pair[0])


def macros(groups: Sequence[tuple[str, Group]], store: Store, command: str) -> str:
    """The file of macros: for each group under its key every field of every quantity, and a table of its claims."""
    parts = [PREAMBLE.replace("VERSION", __version__).replace("COMMAND", command)]
    for key, group in groups:
        numbers = list(quantities(group, store))
        parts.append(
            "\n"
            f"% {group.identifier}: {group.scale} scale, data {escape(group.data_label)}, "
            f"machine {group.machine}, environment {group.environment}"
        )
        if group.uncitable:
            parts.append(f"% NOT CITABLE: {group.uncitable}")
        for name in uncarried(group, store):
            parts.append(f"% LEFT OUT: {printable(name)!r}: no macro can carry this name")
        for quantity in numbers:
            for name in FIELDS:
                if (text := field(quantity, name)) != "":
                    end = f"/{name}" if name else ""
                    parts.append(f"\\reprisedefine{{{key}/{quantity.name}{end}}}{{{text}}}% {_source(quantity, name)}")
        parts.append(f"\\reprisedefinetable{{{key}}}{{{table([q for q in numbers if q.verdict])}}}")
    return "\n".join(parts) + "\n"


def field(quantity: Quantity, name: str) -> str:
    """One field as LaTeX, with the marks behind a number; empty where there is none."""
    marks = "".join(f"\\reprisemark{{{mark}}}" for mark in quantity.marks)
    if name in ("verdict", "unit", "id"):
        return escape(quantity.text(name))
    if name in NUMBERS:
        return f"{_number(quantity.text(name))}{marks}" if math.isfinite(quantity.number(name)) else ""
    interval = " to ".join(_number(end) for end in quantity.interval.split(" to ")) if quantity.interval else ""
    if name == "interval":
        return f"{interval}{marks}" if interval else ""
    if not math.isfinite(quantity.mean):
        return ""
    unit = f"~{escape(quantity.unit)}" if quantity.unit else ""
    within = f"95\\,\\% interval {interval}, " if interval else ""
    return f"{_number(quantity.text('mean'))}{marks}{unit} ({within}$n = {quantity.n}$)"


def table(claims: Sequence[Quantity]) -> str:
    """A booktabs table of claims: verdict, mean, interval, where it must lie, n."""
    rows = [" & ".join(_cells(claim)) + r" \\" for claim in claims]
    head = r"claim & verdict & mean & 95\,\% interval & must lie & unit & $n$ \\"
    return "\n".join(
        (
            "%",
            r"\begin{tabular}{@{}llrlllr@{}}",
            r"\toprule",
            head,
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
        )
    )


def _cells(claim: Quantity) -> tuple[str, ...]:
    number, interval = field(claim, "mean") or "--", field(claim, "interval") or "--"
    words = map(escape, (claim.must_lie, claim.unit))
    return escape(claim.name), escape(claim.verdict), number, interval, *words, str(claim.n)


def draw(
    groups: Sequence[tuple[str, Group]],
    store: Store,
    folder: Path,
    form: str,
    tell: Callable[[int, int], None],
    warn: Callable[[str], None],
) -> list[str]:
    """Draw every figure of the groups as PDF, PGF or SVG into `folder`; returns the LaTeX lines that define them.

    `warn(text)` hears of each that cannot be drawn, and why.
    """
    from keras_reprise import figures

    make_folder(folder)
    lines, total = [], sum(len(group.card.figures) for _, group in groups)
    done = 0
    for key, group in groups:
        records = read(group, store)
        for number, specification in enumerate(group.card.figures, start=1):
            tell(done := done + 1, total)
            try:
                content = figures.draw(specification, records, form)
            except figures.FigureError as error:
                warn(f"{key}/{number}: {error}")
                continue
            except RuntimeError as error:
                raise UserError(
                    f"The {form} of {group.slug} could not be drawn: {str(error).splitlines()[0][:200]}.\n"
                    "PGF figures need a LaTeX installation; PDF ones do not."
                ) from error
            name = f"{group.slug}-v{group.version}-{group.key}-{number}.{form}"
            write_atomically(folder / name, content)
            path = (folder / name).as_posix()
            command = f"\\input{{{path}}}" if form == "pgf" else f"\\includegraphics[width=\\linewidth]{{{path}}}"
            lines.append(f"\\reprisedefinefigure{{{key}/{number}}}{{{command}}}% {group.identifier}")
    return lines


def _number(text: str) -> str:
    """A printed number as mathematics: -1.2e-05 becomes $-1.2\\times10^{-5}$."""
    mantissa, _, exponent = text.partition("e")
    return f"${mantissa}\\times10^{{{int(exponent)}}}$" if exponent else f"${mantissa}$"


def _source(quantity: Quantity, name: str) -> str:
    end = f"/{name}" if name else ""
    return f"{quantity.id}{end} {quantity.verdict}".rstrip()
