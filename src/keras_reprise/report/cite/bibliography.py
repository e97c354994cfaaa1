"""Citations as entries of bibliographies: BibLaTeX, CSL-JSON, CITATION.cff; each with the documents that it replays."""

import json
import re
from collections.abc import Callable, Sequence

from keras_reprise.base import escaping
from keras_reprise.base.escaping import latex as tex
from keras_reprise.report.cite import literature
from keras_reprise.report.cite.citations import Citation, markdown, sentence

AUTHOR = "The keras-reprise developers"


def bibtex(citations: Sequence[Citation]) -> str:
    """`@dataset` entries for BibLaTeX, which classic BibTeX styles treat as `@misc`, and one for each document."""
    sources = literature.each_once(citation.literature for citation in citations)
    return "\n\n".join([*map(_dataset, citations), *(source.bibtex for source in sources)])


def _dataset(citation: Citation) -> str:
    year, month, _ = citation.date.split("-")
    note = f"\\texttt{{{tex(citation.identifier)}}}"
    if citation.swhid:
        broken = re.sub(r"([0-9a-f]{8})", r"\1\\allowbreak ", citation.swhid).strip()  # a line may end within the hash
        note += f", \\texttt{{{broken}}}"
    note += f". {tex(citation.setting[:1].upper() + citation.setting[1:])}. Replay: \\texttt{{{tex(citation.replay)}}}"
    if citation.warning:
        note = f"NOT CITABLE: {tex(citation.warning)}. {note}"
    fields = {
        "author": f"{{{AUTHOR}}}",
        "title": f"{{{tex(citation.title)}}}",
        "year": year,
        "month": str(int(month)),
        "date": citation.date,
        "version": str(citation.group.version),
        "publisher": "keras-reprise",
        "type": "Benchmark results",
        "note": note,
    }
    if citation.literature:
        fields |= {"related": ",".join(one.key for one in citation.literature), "relatedstring": "Replays"}
    body = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"@dataset{{{_entry_key(citation)},\n{body}}}"


def csl_json(citations: Sequence[Citation]) -> str:
    """A list of CSL-JSON items, as Zotero and pandoc read it: what is cited, then the documents."""
    sources = literature.each_once(citation.literature for citation in citations)
    items = [*map(_item, citations), *(source.csl for source in sources)]
    return escaping.json(json.dumps(items, indent=2, ensure_ascii=False))


def _item(citation: Citation) -> dict[str, object]:
    item = {
        "id": _entry_key(citation),
        "type": "dataset",
        "title": citation.title,
        "author": [{"literal": AUTHOR}],
        "issued": {"date-parts": [[int(part) for part in citation.date.split("-")]]},
        "version": str(citation.group.version),
        "publisher": "keras-reprise",
        "number": citation.identifier,
        "archive_location": citation.swhid or "",
        "references": "; ".join(one.words for one in citation.literature),
        "note": (
            f"{'NOT CITABLE: ' + citation.warning + '. ' if citation.warning else ''}{citation.setting}. Replay: "
            f"{citation.replay}"
        ),
    }
    return {key: value for key, value in item.items() if value}


def cff(citations: Sequence[Citation]) -> str:
    """`references:` of a CITATION.cff (1.2.0), which is YAML; texts are quoted as JSON strings are."""
    sources = literature.each_once(citation.literature for citation in citations)
    lines = [*(line for citation in citations for line in _data(citation)), *(_yaml(one.cff) for one in sources)]
    return "\n".join(["references:", *lines])


def _data(citation: Citation) -> list[str]:
    lines = [
        "  - type: data",
        f"    title: {_quoted(citation.title)}",
        "    authors:",
        f"      - name: {_quoted(AUTHOR)}",
        f"    version: {_quoted(str(citation.group.version))}",
        f"    date-released: {citation.date}",
        "    identifiers:",
        "      - type: other",
        f"        value: {_quoted(citation.identifier)}",
    ]
    if citation.swhid:
        lines += ["      - type: swh", f"        value: {_quoted(citation.swhid)}"]
    warning = f"NOT CITABLE: {citation.warning}. " if citation.warning else ""
    return [*lines, f"    notes: {_quoted(f'{warning}{citation.setting}. Replay: {citation.replay}')}"]


def _yaml(fields: dict[str, object]) -> str:
    """One reference; what JSON writes is YAML, too."""
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]
    return "\n".join(f"{'  - ' if index == 0 else '    '}{line}" for index, line in enumerate(lines))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _entry_key(citation: Citation) -> str:
    words = [
        f"reprise-{citation.group.slug}-v{citation.group.version}",
        citation.identifier.split("/", 1)[1].split("#")[0],
    ]
    if citation.quantity is not None:
        words.append(citation.quantity.name.replace("/", "-"))
    name = "-".join(words)
    return "".join(c if c.isascii() else f"u{ord(c):x}" for c in name)  # BibTeX reads no others


FORMATS: dict[str, Callable[[Sequence[Citation]], str]] = {
    "sentence": lambda citations: "\n".join(map(sentence, citations)),
    "markdown": lambda citations: "\n".join(map(markdown, citations)),
    "bibtex": bibtex,
    "biblatex": bibtex,
    "csl-json": csl_json,
    "cff": cff,
}
