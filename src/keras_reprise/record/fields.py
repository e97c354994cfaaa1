"""The kinds of values that records and other stored files hold, and what refuses anything else."""

import re
import unicodedata
from typing import Annotated, Literal

import msgspec

NAME = r"\w(?:[\w.+-]*\w)?"  # of a metric; identifiers, keys and LaTeX macros carry it as it is
NAMES = "letters, digits and _ . + -, with a letter, a digit or _ at both ends, at most 100 characters"
LONGEST_NAME = 100
DAYS = (  # that there are, in a month of 31, of 30, in February, and its last one in a leap year
    r"[12][0-9]{3}-(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])",
    r"[12][0-9]{3}-(0[469]|11)-(0[1-9]|[12][0-9]|30)",
    r"[12][0-9]{3}-02-(0[1-9]|1[0-9]|2[0-8])",
    r"([12][0-9](0[48]|[2468][048]|[13579][26])|(12|16|20|24|28)00)-02-29",
)
"""Of the years 1000 to 2999, so that a figure has room on both sides of any of them."""

TIMESTAMP = rf"\A({'|'.join(DAYS)})T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{{1,6}})?Z\Z"
Number = float | Literal["nan", "inf", "-inf"]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Id12 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{12}\Z")]
Slug = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9]+(-[a-z0-9]+)*\Z", max_length=100)]
Timestamp = Annotated[str, msgspec.Meta(pattern=TIMESTAMP)]


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A struct that refuses fields it does not know."""


def citable(name: str) -> bool:
    """Whether an identifier can carry a metric of this name (`NAMES`)."""
    return len(name) <= LONGEST_NAME and bool(re.fullmatch(NAME, name)) and unicodedata.is_normalized("NFC", name)
