"""The errors a user can cause or mend; each is printed without a traceback and carries its exit code.

A message states the fact, the values, the consequence and the next step, one per line.
"""

OK = 0
BROKEN = 1
USAGE = 2
NOTHING_MEASURED = 3
RECIPE_FAILED = 4
INCONCLUSIVE = 5
INTERRUPTED = 130


def printable(text: str) -> str:
    """`text` without what could steer a terminal or mislead a reader: control and direction characters are escaped."""
    return "\n".join(line if line.isprintable() else _escaped(line) for line in text.split("\n"))


def _escaped(line: str) -> str:
    return "".join(c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode() for c in line)


class UserError(Exception):
    """Bad usage or bad input; the base of every error that is shown without a traceback."""

    exit_code = USAGE

    def _render_traceback_(self) -> list[str]:
        """What IPython and notebooks show of it: the sentences alone."""
        return [f"{type(self).__name__}: {printable(str(self))}"]


class RecipeError(UserError):
    """A recipe file does not import, or says something that contradicts itself."""


class DataError(UserError):
    """A data set is missing, or is not the official one."""


class StoreError(UserError):
    """The results store cannot be used as it is: not a folder, not writable, or in use."""


class IntegrityError(UserError):
    """A stored document is truncated, edited, misplaced or of an unknown schema."""

    exit_code = BROKEN


class NothingMeasuredError(UserError):
    """The command has nothing to work on: no record matches."""

    exit_code = NOTHING_MEASURED


class MeasurementError(UserError):
    """A recipe or a benchmark crashed, so that nothing can be said of it."""

    exit_code = RECIPE_FAILED
