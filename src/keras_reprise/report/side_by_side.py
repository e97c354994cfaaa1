"""A comparison as the terminal shows it, in its columns."""

import math
from collections.abc import Iterator, Sequence

from keras_reprise.base.columns import USUAL, Row, size, table, wrapped
from keras_reprise.judge.compare import Comparison, Pair
from keras_reprise.judge.contrasts import ClaimPair, ClaimSide, Speed
from keras_reprise.judge.design import LEVEL, SMALLEST_N
from keras_reprise.record import wording


def comparison_text(comparison: Comparison, *, verbose: bool = False, columns: int = USUAL) -> str:
    """What decides first, then the claims that oppose or clearly changed, then the others, seconds, and what was
    refused.

    Where nothing is to be seen is folded into a line, unless `verbose`.
    """
    c = comparison
    sides = [line for name, side in (("A  ", c.a), ("B  ", c.b)) for line in wrapped(side.name, columns, first=name)]
    parts = [*sides, "", *_conditions(c, verbose, columns), "", *wrapped(summary(c), columns)]
    for title, found in (("Opposite verdicts", c.opposite), ("Other verdicts that differ", c.unclear)):
        if found:
            parts += ["", title, *(line for pair, claim in found for line in _told(pair, claim, columns))]
    if c.clear:
        parts += ["", *_clear(c, columns)]
    parts += ["", "The other claims" if c.differing or c.clear else "The claims", *_rest(c, verbose, columns)]
    parts += ["", *_seconds(c, verbose, columns)]
    if c.refused:
        parts += ["", "Not comparable", *_refused(c, verbose, columns)]
    return "\n".join(parts)


def summary(comparison: Comparison) -> str:
    """One sentence on how many claims are as they were."""
    c = comparison
    counts = [
        (len(c.opposite), "reproduced on one side and contradicted on the other"),
        (len(c.clear), f"clearly changed (p at most {LEVEL}, adjusted within each recipe)"),
        (len(c.unclear), "decided on one side only, without a clear change"),
        (sum(bool(claim.incomparable) for _, claim in c.claims), "stated otherwise"),
        (sum(claim.agrees for _, claim in c.claims), "alike"),
    ]
    told = ", ".join(f"{count} {what}" for count, what in counts if count)
    return f"Of {_many(len(c.claims), 'claim')} in {_many(len(c.pairs), 'recipe setting')}: {told}."


def _conditions(comparison: Comparison, verbose: bool, columns: int) -> Iterator[str]:
    found = comparison.conditions
    differ = [one for one in found.deciding if not one.same]
    if differ:
        yield from table(["What differs", "A", "B"], [[one.fact, one.a, one.b] for one in differ], columns)
    else:
        yield "Nothing that decides numbers or seconds differs."
    equal = "; ".join(f"{one.fact} {one.a}" for one in found.deciding if one.same)
    yield from wrapped(f"Equal: {equal}.", columns) if equal else ()
    if not found.packages:
        yield "No other package differs."
    elif not verbose:
        are = "other package differs" if len(found.packages) == 1 else "other packages differ"
        yield f"{len(found.packages)} {are}; -v lists them."
    else:
        yield ""
        yield from table(["Other packages", "A", "B"], [[one.fact, one.a, one.b] for one in found.packages], columns)


def _told(pair: Pair, claim: ClaimPair, columns: int) -> Iterator[str]:
    """A claim that must not be overlooked, in lines of its own."""
    yield from wrapped(f"{pair.setting}: {claim.claim}", columns, first="  ", rest="    ")
    changed = ", ".join(filter(None, (change(claim), _p(claim))))
    cells = [
        (name, side.verdict, _mean(side), f"(n = {side.n})")
        for name, side in (("A", claim.a), ("B", claim.b))
    ]  # fmt: skip
    widths = [max(size(cell) for cell in column) for column in zip(*cells, strict=True)]
    sign = "A / B" if claim.contrast.is_ratio else "A - B"
    ends = ["", f"   {sign} = {changed}" if math.isfinite(claim.contrast.value) else ""]
    for row, end in zip(cells, ends, strict=True):
        line = "  ".join(cell + " " * (width - size(cell)) for cell, width in zip(row, widths, strict=True))
        told = f"    {line.rstrip()}{end}"
        yield from [told] if size(told) <= columns else wrapped(told, columns, first="    ", rest="      ")


def _clear(comparison: Comparison, columns: int) -> Iterator[str]:
    """The claims that clearly changed, the clearest first within their recipe."""
    rows: list[Row] = []
    for pair in comparison.pairs:
        found = sorted((claim for one, claim in comparison.clear if one is pair), key=lambda claim: claim.contrast.p)
        rows += [pair.setting] if found else []
        for c in found:
            verdict = f"{c.a.verdict}, {c.b.verdict}" if c.verdicts_differ else c.a.verdict
            rows.append([c.claim, verdict, *_means(c), change(c), wording.number(c.contrast.p, 2)])
    yield from table(["Clear changes", "verdict", "A", "B", "A - B, or x A / B [95 %]", "p"], rows, columns)


def _rest(comparison: Comparison, verbose: bool, columns: int) -> Iterator[str]:
    """All other claims by recipe: a table of those with something to be seen, the others counted."""
    rows: list[Row] = []
    for pair in comparison.pairs:
        found = [claim for claim in pair.claims if claim.agrees or claim.incomparable]
        folded = [] if verbose else [claim for claim in found if claim.agrees and (claim.printed or claim.identical)]
        ns = {(claim.a.n, claim.b.n) for claim in found}
        alike = f", n = {' and '.join(map(str, ns.pop()))}" if len(ns) == 1 else ""
        notes = "; ".join(filter(None, [_folded(folded), *_notes(pair, verbose)]))
        rows += [f"{pair.setting}{alike}{': ' if notes else ''}{notes}"] if found else []
        for c in (claim for claim in found if claim not in folded):
            verdict = c.a.verdict if c.a.verdict == c.b.verdict else f"{c.a.verdict}, {c.b.verdict}"
            rows.append([f"  {c.claim}", verdict, *_means(c, with_n=not alike), change(c)])
    headers = ["claim", "verdict", "A", "B", "A - B, or x A / B [95 %]"]
    if all(isinstance(row, str) for row in rows):
        yield from (line for row in rows for line in wrapped(str(row), columns, rest="    "))
    else:
        yield from table(headers, rows, columns)
    more = sum(pair.passed_over for pair in comparison.pairs)
    if more and not verbose:
        yield from wrapped(
            f"{_many(more, 'more group')} of records match; of each recipe those that differ least are compared "
            "(-v says of which there are more).",
            columns,
        )


def _folded(claims: Sequence[ClaimPair]) -> str:
    """How many claims are not shown, and why."""
    identical = sum(claim.identical for claim in claims)
    agreeing = len(claims) - identical
    counts = [f"{_many(identical, 'claim')} identical in every replicate"] if identical else []
    counts += [f"{_many(agreeing, 'printed value')} agree{'s' if agreeing == 1 else ''}"] if agreeing else []
    return ", ".join(counts)


def _notes(pair: Pair, verbose: bool) -> Iterator[str]:
    if pair.passed_over and verbose:
        yield f"{_many(pair.passed_over, 'more group')} of records match"
    if pair.a.version != pair.b.version:
        yield "different versions: never pooled, and what was stated otherwise is not compared"
    if pair.sources:
        yield pair.sources.rstrip(".")


def _seconds(comparison: Comparison, verbose: bool, columns: int) -> Iterator[str]:
    rows: list[Row] = []
    for pair in comparison.pairs:
        rows += [pair.setting] if pair.speeds else []
        for s in pair.speeds:
            seconds, ratio = [f"{side.seconds:.4g}" for side in (s.a, s.b)], f"{s.contrast.value:.3g}"
            rows.append([f"  {s.arm}", *seconds, ratio, speed_interval(s), s.what])
    yield from wrapped("Seconds, of replicates that had their machine alone, without compilation", columns)
    if rows:
        yield from table(["arm", "A", "B", "A times as fast", "95 % interval", "seconds"], rows, columns)
    for why, arms in comparison.no_speeds.items():
        listed = f": {', '.join(arms)}" if verbose else ""
        yield from wrapped(f"Not compared: {_many(len(arms), 'arm')}, since {why}{listed}.", columns)
    overall = overall_speed(comparison)
    yield from wrapped(overall, columns) if overall else ()


def overall_speed(comparison: Comparison) -> str:
    """One sentence on the geometric mean over recipes, or why there is none; empty where no seconds are compared."""
    ratio, low, high, n = comparison.speed
    if not n:
        return ""
    if not math.isfinite(ratio):
        return f"No mean over recipes: {_many(n, 'recipe')} with seconds, and five are needed."
    spread = "too few recipes to say more"
    if math.isfinite(low):
        spread = f"95 % interval over recipes {wording.number(low, 3)} to {wording.number(high, 3)}"
    return f"A is {ratio:.3g} times as fast as B, geometric mean of {n} recipes ({spread})."


def speed_interval(speed: Speed) -> str:
    """A speed's interval, or why there is none."""
    found = speed.contrast
    if not math.isfinite(found.low):
        return found.doubt or f"n = {min(speed.a.n, speed.b.n)}: no interval"
    return f"{wording.number(found.low, 3)} to {wording.number(found.high, 3)}"


def _refused(comparison: Comparison, verbose: bool, columns: int) -> Iterator[str]:
    for reason, slugs in comparison.refusals.items():
        names = ", ".join(slugs) if verbose or len(slugs) <= 3 else f"{len(slugs)} recipes (-v lists them)"
        yield from wrapped(f"{reason}: {names}", columns, first="  ", rest="    ")


def change(claim: ClaimPair) -> str:
    """A's mean minus B's, or over it, with the interval; or why there is none."""
    if claim.incomparable:
        return claim.incomparable
    if claim.identical:
        return "identical replicates"
    found = claim.contrast
    if not math.isfinite(found.value):
        return "-"
    text = f"{'x ' if found.is_ratio else ''}{wording.number(found.value, 3)}"
    if found.low == found.high:  # neither side varies
        return f"{text}{' (rounding)' if claim.rounding and found.value else ''}"
    if found.doubt or claim.fewest < SMALLEST_N:
        return f"{text} ({found.doubt or f'n = {claim.fewest}: no interval'})"
    return f"{text} [{wording.number(found.low, 3)}, {wording.number(found.high, 3)}]"


def _p(claim: ClaimPair) -> str:
    return f"p = {wording.number(claim.contrast.p, 2)}" if math.isfinite(claim.contrast.p) else ""


def _mean(side: ClaimSide) -> str:
    return wording.aligned(side.mean, side.mean, side.sd)


def _means(claim: ClaimPair, *, with_n: bool = False) -> list[str]:
    return [f"{_mean(side)}{f' (n={side.n})' if with_n else ''}" for side in (claim.a, claim.b)]


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
