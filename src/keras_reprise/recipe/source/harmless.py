"""What is known to do nothing but compute its result, whatever it is given: builtins, libraries, methods of data."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PURE_BUILTINS = _words(
    """abs all any ascii bin bool bytes callable chr classmethod complex dict divmod enumerate filter float format
    frozenset hash hex int isinstance issubclass iter len list map max min oct ord pow print property range repr
    reversed round set slice sorted staticmethod str sum super tuple type zip ValueError TypeError KeyError
    RuntimeError"""
)
PURE_LIBRARIES = _words(
    """abc cmath collections dataclasses datetime decimal enum fractions functools itertools math numpy pathlib re
    scipy statistics string textwrap types typing"""
)
STATEFUL = ("random", "set", "save", "put", "place", "fill", "copyto")
"""How the names begin of those libraries' parts that do more."""

PURE_METHODS = _words(
    """items keys values get copy index count join format split rsplit splitlines strip lstrip rstrip lower upper title
    capitalize replace startswith endswith zfill ljust rjust center partition rpartition removeprefix removesuffix
    encode decode mean sum std var min max argmin argmax argsort any all prod cumsum dot tolist item astype reshape
    ravel flatten transpose round clip is_integer union intersection difference issubset read_text read_bytes exists
    with_name with_suffix joinpath resolve bit_length as_integer_ratio conjugate"""
)
MAKERS = _words(
    """bool bytearray bytes complex dict float frozenset int len list range set sorted str tuple Counter OrderedDict
    defaultdict deque arange array empty eye full linspace ones zeros empty_like full_like ones_like zeros_like"""
)
"""Those that give an object which nothing else holds, or one that cannot be changed."""

MUTATING_METHODS = _words("append extend add update setdefault insert pop sort reverse")
"""Those that change the object they belong to, which does nothing where that was just made."""

STATING = frozenset({"rule", "detail", "printed_value"})
"""Words of the package that begin a claim."""
