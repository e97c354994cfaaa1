"""Checking the numbers that a text takes from the store, in Markdown, LaTeX or reStructuredText.

Read are identifiers (`reprise:slug@version/id12#claim/field`) with the numbers quoted before them, the keys of LaTeX
macros (`\\reprise{key}`) and the macros' definitions; and certificates. The records behind a citation are hashed again,
whatever the index says.
"""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keras_reprise.base.errors import UserError
from keras_reprise.judge.groups import Group
from keras_reprise.record.encoding import parsed
from keras_reprise.report.cite import certificate, identifiers, rebuilding
from keras_reprise.report.cite.certificate import Certified
from keras_reprise.report.cite.identifiers import Found
from keras_reprise.report.cite.latex import field as latex_field
from keras_reprise.report.cite.quantities import FIELDS, Quantity, find_group, quantities, quantity, split_key
from keras_reprise.report.cite.quoting import differences, plain_text, quoted_numbers, quoted_text, read_with_comma
from keras_reprise.store.store import Store

REACH = 700  # characters before an identifier in which its numbers are looked for
ENTRIES = (".bib", ".cff", ".json")  # bibliographies: they name what is cited, and quote no numbers
DEFINITION = re.compile(
    r"^\\reprisedefine\{(?P<key>[^{}]+)\}\{(?P<text>.*)\}%[ \t]*(?P<source>\S+)(?: (?P<verdict>\w+))?[ \t]*$", re.M
)
MACRO = re.compile(r"\\reprise(?P<kind>table|figure)?\{(?P<key>[^{}]+)\}")
INPUT = re.compile(r"\\(?:input|include)\{(?P<name>[^{}]+)\}")


@dataclass(frozen=True)
class Finding:
    """One thing that is not, or not any more, as the text says; `note` does not count as wrong."""

    file: str
    line: int
    what: str
    note: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {'note: ' if self.note else ''}{self.what}"


@dataclass
class Checker:
    """Checks texts against the groups of one store; `checked` counts citations.

    `as_cited` accepts what was true when it was cited.
    """

    groups: Sequence[Group]
    store: Store
    as_cited: bool = False
    checked: int = 0
    known: dict[str, dict[str, Quantity]] = field(default_factory=dict)
    found: dict[str, Found] = field(default_factory=dict)

    def check(self, path: Path) -> list[Finding]:
        """What is wrong with the citations in a file and in those that it inputs."""
        findings: list[Finding] = []
        texts = {file: _read(file) for file in _with_inputs(path)}
        defined = {match["key"] for text in texts.values() for match in DEFINITION.finditer(text)}
        for file, text in texts.items():
            name, suffix = file.as_posix(), file.suffix.lower()
            if suffix == ".json":
                content = _parsed(text)
                if certificate.is_certificate(content):
                    findings += self._certified(content, name)
                    continue
                if rebuilding.calls_itself_a_certificate(content, text):
                    findings.append(Finding(name, 1, "this is no certificate as `reprise certificate` writes it"))
            findings += self._definitions(text, name)
            if suffix in (".tex", ".bib"):
                text = re.sub(r"(?<!\\)%[^\n]*", "", DEFINITION.sub("", text))  # comments cite nothing
            findings += self._macros(text, name, defined)
            findings += self._identifiers(text, name)
        return sorted(findings, key=lambda finding: (finding.file, finding.line))

    def _certified(self, content: dict[str, object], file: str) -> Iterator[Finding]:
        """What of a certificate is not as it was written, or as the store has it."""
        if not rebuilding.is_as_hashed(content):
            yield Finding(file, 1, f"the certificate {content.get('id')} was changed: its content has another hash")
        certified, groups = certificate.claimed(content), list[Group]()
        for said, one in zip(certificate.entries(content), certified, strict=True):
            self.checked += 1
            try:
                yield from self._certified_rule(said, one, file)
                groups.append(rebuilding.as_certified(one, self._find(one.identifier).group))
            except UserError as error:
                yield Finding(file, 1, f"{one.identifier}: {_first(error)}")
        if len(groups) == len(certified):
            for what, note in rebuilding.of_whole(content, groups, self.store):
                yield Finding(file, 1, f"the certificate: {what}", note)

    def _certified_rule(self, said: Mapping[str, object], one: Certified, file: str) -> Iterator[Finding]:
        found = self._find(one.identifier)
        self._verified(found.group)
        for what, note in rebuilding.of_entry(said, one, found.group, self.store):
            yield Finding(file, 1, f"{one.identifier}: {what}", note)
        now = rebuilding.as_certified(one, found.current)
        if found.outdated:
            what = f"{one.identifier}: there are {len(now.complete)} replicates now; the rule is {now.rule.verdict}"
            yield Finding(file, 1, what, note=self.as_cited or now.rule.verdict == one.verdict)
        today = found.current.rule.verdict
        if today != now.rule.verdict:
            what = f"{one.identifier}: the rule's claims are others now; by these it is {today or 'not judged'}"
            yield Finding(file, 1, what, note=self.as_cited or not rebuilding.rule_claims_joined(one, found.current))

    def _definitions(self, text: str, file: str) -> Iterator[Finding]:
        for match in DEFINITION.finditer(text):
            self.checked += 1
            line, key = _line(text, match.start()), match["key"]
            try:
                for what, note in self._definition(match):
                    yield Finding(file, line, f"{key}: {what}", note)
            except UserError as error:
                yield Finding(file, line, f"{key}: {_first(error)}")

    def _definition(self, match: re.Match[str]) -> Iterator[tuple[str, bool]]:
        """What is not as a macro is defined by the records that its comment names, and whether it is but a note."""
        slug, version, place, name, part = split_key(match["key"])
        identifier = match["source"].partition("#")[0]
        try:
            found = self._find(identifier)
        except UserError:
            stands = self._quantity(find_group(self.groups, slug, version, place), name)
            if part == "id" or latex_field(stands, part) == match["text"]:
                raise
            yield f"the file says {match['text']}, the store {latex_field(stands, part)}", False
            return
        cited = identifiers.PATTERN.fullmatch(match["source"])
        named = (found.group.slug, found.group.version, f"{name}/{part}".rstrip("/"))
        if found.record is not None or cited is None or (slug, version or named[1], cited["name"]) != named:
            yield f"its records are told to be those of {match['source']}", False
            return
        then = self._quantity(found.group, name)
        now = then if self.as_cited else self._quantity(found.current, name)
        text = latex_field(then if part == "id" else now, part)
        if match["verdict"] and match["verdict"] != now.verdict:
            yield f"the verdict was {match['verdict']} and is now {now.verdict}", False
        elif text != match["text"]:
            yield f"the file says {match['text']}, the store {text}", False
        elif found.outdated:
            yield f"{identifier} has more records now; the number is still right", True
        with contextlib.suppress(UserError):
            standing = find_group(self.groups, slug, version, place)
            if standing.digest != found.current.digest:
                yield f"it would be of {standing.identifier} now", True

    def _macros(self, text: str, file: str, defined: set[str]) -> Iterator[Finding]:
        """Keys that the store does not have; those that the same files define are checked where they are."""
        for match in MACRO.finditer(text):
            if "#" in match["key"]:  # the definition of a macro that uses ours
                continue
            self.checked += 1
            key = match["key"]
            try:
                if match["kind"]:
                    slug, version, place, _, _ = split_key(key.split("/")[0])
                    find_group(self.groups, slug, version, place)
                elif key not in defined:
                    slug, version, place, name, _ = split_key(key)
                    self._quantity(find_group(self.groups, slug, version, place), name)
            except UserError as error:
                yield Finding(file, _line(text, match.start()), f"{key}: {_first(error)}")

    def _identifiers(self, text: str, file: str) -> Iterator[Finding]:
        plain, end = plain_text(text), 0
        for match in identifiers.PATTERN.finditer(plain):
            self.checked += 1
            line = _line(plain, match.start())
            start = match.start() if file.lower().endswith(ENTRIES) else max(end, match.start() - REACH)
            quoted = quoted_text(plain, start, match.start())
            end = match.end()
            try:
                yield from self._identifier(match, quoted, file, line)
            except UserError as error:
                yield Finding(file, line, f"{match[0]}: {_first(error)}")

    def _identifier(self, match: re.Match[str], quoted: str, file: str, line: int) -> Iterator[Finding]:
        whole = match[0].split("#")[0]
        found = self._find(whole)
        if found.record is not None:
            self.store.read(self.store.root / found.record.path)
        else:
            self._verified(found.group)
        if not match["name"]:
            return
        if found.record is not None:
            raise UserError("a record has no statistics of its own; cite the group's identifier")
        name, part = self._name_and_field(found.group, match["name"])
        then = self._quantity(found.group, name)
        now = then if self.as_cited else self._quantity(found.current, name)
        wrong = list(differences(quoted, part, now))
        for what in wrong:
            was = "" if not found.outdated or list(differences(quoted, part, then)) else "; it was so when it was cited"
            yield Finding(file, line, f"{match[0]}: {what}{was}")
        for one in quoted_numbers(quoted, part, now):
            if read_with_comma(one.value, one.text):
                what = (
                    f"{match[0]}: {one.text} is right if its comma is a decimal one; "
                    f"write {one.text.replace(',', '.')} if all should read it so"
                )
                yield Finding(file, line, what, note=True)
        if then.verdict != now.verdict:
            yield Finding(file, line, f"{match[0]}: the verdict was {then.verdict} and is now {now.verdict}")
        elif found.outdated and not wrong:
            what = (
                f"{match[0]}: there are {now.n if not self.as_cited else 'more'} replicates now; "
                f"cite {found.current.identifier}"
            )
            yield Finding(file, line, what, note=True)

    def _find(self, identifier: str) -> Found:
        if identifier not in self.found:
            self.found[identifier] = identifiers.find(identifier, self.groups, self.store)
        return self.found[identifier]

    def _verified(self, group: Group) -> dict[str, Quantity]:
        """The group's quantities by name, after every record of it was hashed again."""
        if group.digest not in self.known:
            for summary in group.members:
                self.store.read(self.store.root / summary.path)
            self.known[group.digest] = {found.name: found for found in quantities(group, self.store)}
        return self.known[group.digest]

    def _name_and_field(self, group: Group, text: str) -> tuple[str, str]:
        """What the part after # names. In scripts that know no spaces the text goes on right behind it."""
        names = [text, *(f"{name}/{part}".rstrip("/") for name in self._verified(group) for part in FIELDS)]
        behind = {name: text[len(name) :] for name in names if text.startswith(name)}
        whole = [name for name, rest in behind.items() if rest and not rest[0].isascii()]
        found = text if text in names[1:] else max(whole, key=len, default=text)
        _, _, _, name, part = split_key(f"x/{found}")
        return name, part

    def _quantity(self, group: Group, name: str) -> Quantity:
        return self._verified(group).get(name) or quantity(group, name, self.store)


def _with_inputs(path: Path) -> Iterator[Path]:
    """The file, and those that a LaTeX file inputs from its folder or below it, each once."""
    waiting, seen = [path], {path.resolve()}
    while waiting:
        file = waiting.pop()
        yield file
        for match in INPUT.finditer(_read(file)) if file.suffix.lower() == ".tex" else ():
            for candidate in (file.parent / match["name"], file.parent / f"{match['name']}.tex"):
                if not os.path.isfile(candidate):  # also for names that no file can have
                    continue
                place = candidate.resolve()
                if place.is_relative_to(path.parent.resolve()) and place not in seen:
                    seen.add(place)
                    waiting.append(candidate)
                    break


def _parsed(text: str) -> object:
    """What a JSON file holds; None where it cannot be read, or two readers could take it for different things."""
    try:
        return parsed(text.encode())
    except (ValueError, RecursionError):
        return None


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}.\nGive a Markdown, LaTeX or reStructuredText file."
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not text in UTF-8.\nGive a Markdown, LaTeX or reStructuredText file.") from error


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _first(error: Exception) -> str:
    return str(error).split("\n")[0].rstrip(".")
