"""The published texts behind the recipes, and the rules that each of them states, in its own order.

`documents/<key>.toml` is the measure of what is replayed: every rule names its recipes, or the family of recipes that
is to answer it, or says why it is no experiment.
"""

from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from keras_reprise.base import checkout
from keras_reprise.base.errors import RecipeError
from keras_reprise.record.fields import Slug, Strict

UNTESTABLE = ("policy", "definition")


class DocumentRule(Strict, frozen=True):
    """One sentence of a document, in our words. `lines` are those of the document as plain text, counted from 1.

    `kind`: a "rule" or an "experiment" is measured, "exact" is computed; a "policy" or a "definition" is no experiment,
    which `why_none` explains. `family` is that of the recipes to come, where there are none yet; `suggestion` says what
    they might measure. `printed` is what the document prints, `note` where it errs or contradicts another.

    `recipes` are in order, that which tests the sentence best first. `claims` ("recipe/claim", `*` for any characters
    of the claim) are those that are the sentence; of a recipe that none of them names all claims with the role `rule`
    are. `opposite` says that these claims state the opposite, so that the sentence is contradicted where they hold.
    """

    id: Slug
    says: str
    lines: str
    kind: Literal["rule", "experiment", "exact", "policy", "definition"]
    recipes: list[Slug]
    claims: list[str] = []
    opposite: bool = False
    family: Slug | None = None
    printed: str | None = None
    why_none: str | None = None
    note: str | None = None
    suggestion: str | None = None

    @property
    def testable(self) -> bool:
        """Whether an experiment or a computation can tell if it holds."""
        return self.kind not in UNTESTABLE

    def __post_init__(self) -> None:
        """ValueError where it says neither what answers it nor why nothing does, or both."""
        if self.testable and (bool(self.recipes) == bool(self.family) or self.why_none):
            raise ValueError(f"{self.id} is testable: it has either recipes or the family to come, and no why_none")
        if not self.testable and (self.recipes or self.family or not self.why_none):
            raise ValueError(f"{self.id} is no experiment: it has why_none, and neither recipes nor a family")
        for one in self.claims:
            slug, _, claim = one.partition("/")
            if slug not in self.recipes or not claim:
                raise ValueError(f"{self.id} names the claim {one!r}, which is not RECIPE/CLAIM of one of its recipes")
        if self.opposite and not self.recipes:
            raise ValueError(f"{self.id} has no recipes whose claims could state the opposite")

    def named(self, recipe: str) -> list[str]:
        """The claims of a recipe by which the sentence is judged, as patterns of their ids; none where all its rule
        claims decide."""
        return [claim for slug, _, claim in (one.partition("/") for one in self.claims) if slug == recipe]

    def is_said_by(self, recipe: str, claim: str) -> bool:
        """Whether the recipe's claim of this id is one of those named."""
        return any(fnmatchcase(claim, pattern) for pattern in self.named(recipe))


class DocumentSection(Strict, frozen=True):
    """A slide or a section, and what it states."""

    title: str
    rule: list[DocumentRule]


class Document(Strict, frozen=True):
    """A published text; `published` says as what.

    `number` is the one by which older claims refer to its lines (`000:113-139`).
    """

    key: Slug
    number: str
    title: str
    section: list[DocumentSection]
    author: str | None = None
    year: int | None = None
    published: str | None = None
    address: str | None = None

    @property
    def rules(self) -> list[DocumentRule]:
        """All its rules, in its order."""
        return [rule for section in self.section for rule in section.rule]

    @property
    def described(self) -> str:
        """Author, title, as what it was published, and year in a line."""
        year = str(self.year) if self.year else "undated"
        return ", ".join(filter(None, (self.author, self.title, self.published, year)))


def read(folder: Path) -> dict[str, Document]:
    """The documents of a folder, by key; RecipeError names the file that is none."""
    found = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            document = msgspec.toml.decode(path.read_bytes(), type=Document)
            if document.key != path.stem:
                raise ValueError(f"its key is {document.key!r}")
            ids = [rule.id for rule in document.rules]
            if twice := {one for one in ids if ids.count(one) > 1}:
                raise ValueError(f"two rules have the id {min(twice)}")
        except (ValueError, OSError) as error:
            raise RecipeError(f"documents/{path.name} is no list of a document's rules: {error}.") from error
        found[document.key] = document
    return found


@cache
def documents() -> dict[str, Document]:
    """The documents that the project replays, by key."""
    return read(checkout.documents_folder())


def described(key: str) -> str:
    """What the document `key` is, in a line; nothing for a key that is not one of the project's."""
    document = documents().get(key)
    return f"{document.described} (document {document.number})" if document else ""
