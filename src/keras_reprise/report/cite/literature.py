"""The published texts that a recipe replays, for citations that name them beside the results."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keras_reprise.base.escaping import latex as tex
from keras_reprise.catalog.documents import Document, documents
from keras_reprise.record.schema import Card, SourceCard


@dataclass(frozen=True)
class Literature:
    """A document of `documents/`, and the places in it that a recipe, or one claim of it, is about."""

    document: Document
    places: tuple[str, ...]

    @property
    def key(self) -> str:
        return self.document.key

    @property
    def words(self) -> str:
        """Author, title, kind and year, and the places in brackets."""
        return f"{self.described}{f' ({self.where})' if self.places else ''}"

    @property
    def described(self) -> str:
        """Author, title, kind, and the year where it is known."""
        return self.document.described.removesuffix(", undated")

    @property
    def where(self) -> str:
        """The places in a line."""
        return "; ".join(self.places)

    @property
    def bibtex(self) -> str:
        """A `@misc` entry."""
        fields = {
            "author": self.document.author and tex(self.document.author),
            "title": f"{{{tex(self.document.title)}}}",
            "year": self.document.year and str(self.document.year),
            "howpublished": self.document.published and tex(self.document.published),
            "url": self.document.address,
        }
        body = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
        return f"@misc{{{self.key},\n{body}}}"

    @property
    def csl(self) -> dict[str, object]:
        """An item of CSL-JSON."""
        one = self.document
        item = {
            "id": one.key,
            "type": "document",
            "title": one.title,
            "author": [{"literal": one.author}] if one.author else None,
            "issued": {"date-parts": [[one.year]]} if one.year else None,
            "genre": one.published,
            "URL": one.address,
        }
        return {name: value for name, value in item.items() if value}

    @property
    def cff(self) -> dict[str, object]:
        """A reference of a CITATION.cff; its authors may not be left out there."""
        one = self.document
        fields = {
            "type": "slides" if (one.published or "").startswith("slides") else "generic",
            "title": one.title,
            "authors": [{"name": one.author or "anonymous"}],
            "year": one.year,
            "url": one.address,
            "notes": one.published,
        }
        return {name: value for name, value in fields.items() if value}


def of(card: Card, claim: str = "") -> tuple[Literature, ...]:
    """The documents of the project that a card names, in its order; of one claim only its own place, where it is told.

    What is no document of `documents/` is left out: a recipe of one's own may name anything.
    """
    where = next((one.where for one in card.claims if one.id == claim), "")
    found: dict[str, list[str]] = {}
    for source in card.sources:
        if source.key in documents():
            found.setdefault(source.key, []).append(source.where)
    if where and len(found) == 1:
        found = {key: [where] for key in found}
    return tuple(Literature(documents()[key], tuple(filter(None, places))) for key, places in found.items())


def each_once(found: Iterable[Sequence[Literature]]) -> list[Literature]:
    """Every document once, in the order in which they are first named."""
    return list({one.key: one for some in found for one in some}.values())


def facts(sources: Iterable[SourceCard]) -> list[dict[str, object]]:
    """The sources of a card as JSON, with what is known of them."""
    known = documents()
    return [
        {"key": one.key, "where": one.where}
        | {"title": known[one.key].title, "author": known[one.key].author, "url": known[one.key].address}
        if one.key in known
        else {"key": one.key, "where": one.where}
        for one in sources
    ]
