"""The report in Markdown: what GitHub shows of the results folder. Texts of records and cards are escaped."""

import re
from collections.abc import Sequence

from tabulate import tabulate

from keras_reprise.base.escaping import markdown as escape
from keras_reprise.base.escaping import markdown_code
from keras_reprise.catalog import documents
from keras_reprise.catalog.documents import DocumentRule
from keras_reprise.record.schema import Card
from keras_reprise.report import phrases
from keras_reprise.report.site.document_pages import DocumentPage, RecipeAnswer, RuleView, document_pages
from keras_reprise.report.site.model import Site
from keras_reprise.report.site.pages import FigureView, RecipePage, Section

MARK = "<!-- keras-reprise: written by `reprise report` -->"  # what tells that a README.md is ours to replace
PAGES = "The same as web pages: open [index.html](index.html) in a browser."
ONE_A_LINE = (
    "Each line is one recipe at one scale on one machine, environment and data set; "
    "results are never pooled across them."
)
BEGINNINGS = (MARK, f"# Results\n\n{PAGES}", f"# Results\n\n{ONE_A_LINE}")  # with the mark, and of before there was one
MARKS = {"reproduced": "✅ reproduced", "contradicted": "❌ contradicted", "inconclusive": "❔ inconclusive"}


def render(site: Site) -> dict[str, str]:
    """The files of the report: README.md and a page for each recipe version and document."""
    files = {f"{page.stem}.md": _recipe(page) for page in (*site.recipes, *site.superseded)}
    walks = document_pages(site.recipes)
    files |= {f"{walk.stem}.md": _document(walk) for walk in walks}
    files |= {f"{page.stem}.md": page.markdown for page in site.gate.comparisons}
    return files | {"README.md": _front(site, walks)}


def _table(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)


def _front(site: Site, walks: Sequence[DocumentPage]) -> str:
    rows = [
        [
            f"[{page.name}]({page.stem}.md#{section.group.key})",
            section.group.scale,
            escape(section.group.data_label),
            section.place.machine[:8],
            str(len(section.group.replicates)),
            _rule(section) + section.tally + (f" Of another source: {section.group.source}." if section.apart else ""),
        ]
        for page in (*site.recipes, *site.superseded)
        for section in page.sections
    ]
    lines = [
        MARK,
        "",
        "# Results",
        "",
        PAGES,
        "",
        ONE_A_LINE,
        "",
        _table(rows, ["recipe", "scale", "data", "machine", "replicates", "claims"]),
        "",
        *(["## Documents", "", *(f"- {_walk_line(walk)}" for walk in walks), ""] if walks else []),
        *(
            [
                "## Environments compared",
                "",
                *(f"- [{escape(one.name)}]({one.stem}.md): {escape(one.answer)}" for one in site.gate.comparisons),
                "",
            ]
            if site.gate.comparisons
            else []
        ),
        *(
            [
                "## Not measured yet",
                "",
                *(f"- {column.name}: {column.told}" for column in site.missing.columns),
                *([f"- never tried: {', '.join(site.missing.untried)}"] if site.missing.untried else []),
                "",
            ]
            if site.missing
            else []
        ),
        "## Machines and environments",
        "",
        *(f"- machine {machine.machine}: {escape(machine.hardware)}" for machine in site.machines),
        *(
            f"- environment {environment}: {escape(software)}"
            for environment, software in sorted({(place.environment, place.software) for place in site.places})
        ),
    ]
    return "\n".join(lines) + "\n"


def _walk_line(walk: DocumentPage) -> str:
    return f"[{escape(walk.document.described)}]({walk.stem}.md): {walk.told}"


def _document(walk: DocumentPage) -> str:
    """The rules of a document, section by section, with what the recipes found."""
    parts = [f"# {escape(walk.document.described)}", escape(walk.told)]
    for title, rules in walk.sections:
        rows = [[escape(_said(view.rule)), "; ".join(_found(view))] for view in rules]
        parts += [f"## {escape(title)}", _table(rows, ["the document, in our words", "what was found"])]
    return "\n\n".join(parts) + "\n"


def _said(rule: DocumentRule) -> str:
    printed = f" (printed: {rule.printed})" if rule.printed else ""
    return " ".join(filter(None, (f"{rule.says}{printed}", rule.note)))


def _found(view: RuleView) -> list[str]:
    if view.rule.why_none:
        return [f"no experiment: {escape(view.rule.why_none)}"]
    if view.rule.family:
        return [f"not replayed yet ({view.rule.family})"]
    return [_answer(answer) for answer in view.answers]


def _answer(answer: RecipeAnswer) -> str:
    if answer.page is None:
        return f"`{answer.slug}` has no records here"
    verdict = f"{MARKS[answer.verdict.verdict or '']}: " if answer.verdict else ""
    opposite = " (the opposite of the sentence)" if answer.opposite else ""
    on = " (on substitute data)" if answer.page.substitute else ""
    return f"{verdict}[{escape(answer.says.rstrip('.'))}]({answer.page.stem}.md){opposite}{on}"


def _rule(section: Section) -> str:
    verdict = section.group.rule.verdict
    return f"**Rule {verdict}.** Claims: " if verdict else ""


def _recipe(page: RecipePage) -> str:
    card = page.card
    sources = "\n".join(f"- {_source(key, card)}" for key in page.documents)
    arms = "\n".join(f"- `{markdown_code(name)}`: {escape(means)}" for name, means in card.arms.items())
    replaced = f"> **Replaced by version {card.version + 1}:** {escape(page.replaced)}.\n\n" if page.replaced else ""
    head = (
        f"# {page.name}\n"
        "\n"
        f"**{escape(card.title)}.**\n"
        "\n"
        f"{replaced}{escape(card.question)}\n"
        "\n"
        "Sources:\n"
        "\n"
        f"{sources}\n"
        "\n"
        "Arms:\n"
        "\n"
        f"{arms}"
    )
    lines = ["## What the claims say, and what is measured", ""]
    for claim in page.claims:
        measured = (
            f"{escape(claim.card.statistic.rstrip('.'))}: {escape(f'{claim.must_lie} {claim.card.unit}'.strip())}"
        )
        role = "retired" if claim.card.retired else claim.card.role
        told = f", {role}" if role else ""
        lines.append(
            f"- **{claim.card.id}**{told} ({escape(claim.card.where)}). {escape(claim.card.says)} *{measured}.*"
        )
    if page.errata:
        lines += ["", "## Errata of the documents", "", *(f"- {escape(erratum)}" for erratum in page.errata)]
    return "\n\n".join([head, *(_section(section) for section in page.sections), "\n".join(lines)]) + "\n"


def _source(key: str, card: Card) -> str:
    places = "; ".join(escape(source.where) for source in card.sources if source.key == key)
    return ": ".join(filter(None, (escape(key), escape(documents.described(key)), places)))


def _section(section: Section) -> str:
    group = section.group
    data = group.first.data
    size = f", {data.n_train:,} training and {data.n_test:,} test images" if data else ""
    parts = [f'<a id="{group.key}"></a>\n\n## Scale {group.scale}, data {escape(group.data_label)}{size}']
    if section.apart:
        parts.append(f"> **Another source.** {escape(section.apart)}")
    elif group.source:
        parts.append(f"Of {escape(group.whose)}.")
    if group.substitute:
        parts.append(
            "> These replicates ran on a **substitute** data set. They show that the recipe works; "
            "they do not replay the documented experiment."
        )
    elif group.uncitable and not group.foreign:
        parts.append(f"> Not to be cited: {escape(group.uncitable)}.")
    parts.append(
        f"- machine {group.machine}: {escape(section.place.hardware)}\n"
        f"- environment {group.environment}: {escape(section.place.software)}\n"
        f"- seeds {', '.join(str(s.replicate.seed) for s in group.replicates)}; {section.tally}\n- `{group.identifier}`"
    )
    if section.explained:
        parts.append(f"**The rule is {escape(section.explained[0].lower() + section.explained[1:])}**")
    rows = [
        [MARKS.get(cell, escape(cell)) for cell in phrases.verdict_row(result.verdict)] for result in section.results
    ]
    parts.append(_table(rows, phrases.VERDICT_HEADERS))
    notes = [f"- `{r.verdict.claim}`: {escape(r.verdict.reason)}" for r in section.results if r.verdict.reason]
    if notes:
        parts.append("Why not more:\n\n" + "\n".join(notes))
    parts += [_figure(figure) for figure in section.figures]
    costs = [[f"`{markdown_code(row[0])}`", *row[1:]] for row in section.cost_rows]
    energy = ["GPU (J)"] if section.tells_energy else []
    cost = _table(costs, ["arm", "parameters", "seconds", "ms per update", "peak memory (GiB)", *energy])
    parts.append(f"### Cost\n\n{section.cost_note}\n\n{cost}")
    parts.append(f"### Replay\n\n{_command(section.replay)}")
    records = [
        f"- seed {s.replicate.seed}: `{s.id}` ({s.status}, {seconds}, {escape(code)})"
        for s, seconds, code in section.records
    ]
    parts.append("### Records\n\n" + "\n".join(records))
    return "\n\n".join(parts)


def _command(line: str) -> str:
    """A command in a block of its own, within a fence that nothing in it closes."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", line)), default=0))
    return f"{fence}\n{line}\n{fence}"


def _figure(figure: FigureView) -> str:
    caption = escape(figure.caption)
    if figure.fault:
        return f"> **Not drawn: {caption}** {escape(figure.fault)}"
    return f"![{caption}]({figure.file})\n\n*{caption}*"
