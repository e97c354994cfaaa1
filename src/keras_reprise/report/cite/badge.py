"""A badge for a README: "12 of 13 rules reproduced on H100", as a small SVG that needs no network and no font."""

import html
from collections.abc import Mapping

import msgspec

from keras_reprise.base.errors import printable
from keras_reprise.report.cite import certificate

COLOURS = {"reproduced": "#1a7f37", "contradicted": "#b3261e", "inconclusive": "#8a5a00"}
NARROW, WIDE = "fijltr.,:;|'!()[] I1", "mwMWQ@%OGDH"
SIZE, PAD, HEIGHT = 11.0, 7.0, 20


def badge(content: Mapping[str, object]) -> str:
    """The badge of a certificate: green if all rules are reproduced, red if one is contradicted, else brown."""
    rules = msgspec.convert(content["rules"], dict[str, int])
    worst = next((word for word in ("contradicted", "inconclusive") if rules[word]), "reproduced")
    if not sum(rules.values()):
        worst = "inconclusive"
    counts = ", ".join(f"{count} {word}" for word, count in rules.items())
    return svg("keras-reprise", certificate.headline(content), COLOURS[worst], f"{counts}; {content['id']}")


def svg(left: str, right: str, colour: str, title: str) -> str:
    """Two words side by side; every text is as wide as it is said to be, whatever font draws it."""
    left, right, title = (html.escape(printable(text)) for text in (left, right, title))
    a, b = (width(html.unescape(text)) + 2 * PAD for text in (left, right))
    style = f'font-family="Verdana,DejaVu Sans,sans-serif" font-size="{SIZE:g}" fill="#fff" text-anchor="middle"'
    texts = "".join(
        f'<text x="{x:g}" y="14" textLength="{length:g}" lengthAdjust="spacingAndGlyphs">{text}</text>'
        for x, length, text in ((a / 2, a - 2 * PAD, left), (a + b / 2, b - 2 * PAD, right))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{a + b:g}" height="{HEIGHT}" role="img" '
        f'aria-label="{left}: {right}"><title>{title}</title>'
        f'<clipPath id="r"><rect width="{a + b:g}" height="{HEIGHT}" rx="3"/></clipPath><g clip-path="url(#r)">'
        f'<rect width="{a:g}" height="{HEIGHT}" fill="#444c56"/><rect x="{a:g}" width="{b:g}" height="{HEIGHT}" '
        f'fill="{colour}"/></g><g {style}>{texts}</g></svg>\n'
    )


def width(text: str) -> float:
    """About how wide a text is in Verdana, in pixels."""
    return round(sum(SIZE * (0.37 if one in NARROW else 0.85 if one in WIDE else 0.62) for one in text), 1)
