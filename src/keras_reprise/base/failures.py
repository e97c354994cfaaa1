"""Why something failed, in one sentence: what a record keeps of an exception, and what is printed of it.

Keras and its backends pack the one line that matters into tens of lines of layers, graph nodes and frames; records
are published, so paths, hosts and users are taken out as well.
"""

import contextlib
import getpass
import ipaddress
import os
import re
import socket
import sys
import tempfile
from functools import cache
from pathlib import Path
from traceback import walk_tb

from keras_reprise.base.errors import UserError
from keras_reprise.base.slips import hint

LONGEST = 300
_OF_OWN_NETWORKS = "local|localdomain|internal|lan|corp|intranet|home"
SHORTEST_ADDRESS = 8  # of IPv6 that could tell something
WHOLE_LINES = 4  # messages of up to so many lines are kept whole where they fit
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CALLING = re.compile(r"Exception encountered when calling [^\n]*\n")
_ARGUMENTS = re.compile(r"\n\s*(?:Arguments received by|Call arguments received by) .*", re.S)
_INNER = re.compile(r"\b(?:Error encountered|Exception encountered|Error was|Original error):\s*\n", re.I)
_RAISED = re.compile(r"^\s*(?:[\w.]+\.)?\w*(?:Error|Exception|Exit|Interrupt|Warning): (.+)")
_FRAME = re.compile(r'\s*File ".*", line \d+|\s*Traceback \(most recent call last\)|\s*in user code:\s*$')
_NOISE = re.compile(
    r"\s*$|Graph execution error|Detected at node|\s*<?stack trace|\s*\d+ root error|\s*\[\[\{\{node|\s*\(defined at "
    r"|-{5,}|={5,}|For simplicity, JAX has removed|The preceding stack trace|The stack trace below"
    r"|.*defined at \(most recent call last\)"
)
_WITHIN = (
    (re.compile(r"\{\{function_node [^}]*\}\}\s*"), ""),
    (re.compile(r" for '\{\{node [^}]*\}\} = [^']*'"), ""),
    (re.compile(r"\{\{node ([^}]*)\}\}"), r"\1"),
    (re.compile(r"\s*\[Op:\w*\](?:\s*name:\s*\S*)?"), ""),
    (re.compile(r"^\s*\(\d+\)\s+(?:[A-Z_]+: )?"), ""),
)


def sentence(text: str) -> str:
    """The first meaningful line of an error's text, of at most 300 characters.

    Without a trace of a library's internals, a path or a host.
    """
    text = _COLOUR.sub("", text)
    if match := list(_CALLING.finditer(text)):
        text = text[match[-1].end() :]
    text = _ARGUMENTS.sub("", text)
    if match := list(_INNER.finditer(text)):
        text = text[match[-1].end() :]
    lines = text.splitlines()
    kept = _without_frames(lines)
    if len(kept) != len([line for line in lines if line.strip()]) or len(kept) > WHOLE_LINES:
        kept = kept[:2] if kept and kept[0].endswith(":") else kept[:1]
    return shortened(without_names(" ".join(kept).strip()))


def _without_frames(lines: list[str]) -> list[str]:
    """The lines that are neither frames of a stack, nor their source, nor known to say nothing."""
    if any(_FRAME.match(line) for line in lines):
        raised = [found[1] for line in lines if (found := _RAISED.match(line)) and not _NOISE.match(found[1])]
        if raised:
            lines = raised[-1:]
    kept, below = [], -1
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if _FRAME.match(line):
            below = indent
        elif line.strip() and 0 <= below < indent:
            continue
        elif not _NOISE.match(line):
            for pattern, instead in _WITHIN:
                line = pattern.sub(instead, line)
            if line.strip():
                kept.append(" ".join(line.split()))
    return kept


def shortened(text: str, most: int = LONGEST) -> str:
    """`text` within `most` characters, cut between words."""
    if len(text) <= most:
        return text
    start = text[: most - 4]
    return f"{start.rsplit(' ', 1)[0] if ' ' in start[most // 2 :] else start} ..."


def without_names(text: str) -> str:
    """`text` without absolute paths, and names and addresses of this machine and its user: records are published."""
    text = re.sub(r"(\w+://)[^\s/'\"<>]+", r"\1<host>", text)
    text = re.sub(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*(?![\w@])", "<address>", text)
    text = without_paths(text)
    text = re.sub(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?![\w.])", "<address>", text)
    text = re.sub(r"(?<![\w:.])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{1,4}(?:%\w+)?(?![\w:.])", _if_address, text)
    text = re.sub(rf"(?<![\w.-])(?=[\w.]*[-\d])(?:[\w-]+\.)+(?:{_OF_OWN_NETWORKS})(?![\w-])", "<host>", text)
    for name, instead in _own_names():
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", instead, text)
    return text


def without_paths(text: str) -> str:
    """`text` with every absolute path replaced, also one with blanks that is quoted, known or goes on."""
    for place in _own_places():
        text = re.sub(rf"{re.escape(place)}(?![\w.-])", "/<path>", text)
    text = re.sub(r"(['\"])(?:[A-Za-z]:)?[/\\][^'\"\n]*[/\\][^'\"\n]*\1", r"\1<path>\1", text)
    blanks = r"[\w@~+-]+(?: [\w.@~+-]+){1,2}(?=[/\\])"  # a folder's name; a file's has a dot, and ends the path
    text = re.sub(rf"(?:[A-Za-z]:)?(?:[/\\](?:<path>|{blanks}|[\w.@~+-]+)){{2,}}[/\\]?", "<path>", text)
    return text.replace("/<path>", "<path>")


def _if_address(found: re.Match[str]) -> str:
    """IPv6; times of day and slices as `[::2]` stay."""
    try:
        if len(found[0]) < SHORTEST_ADDRESS:
            return found[0]
        ipaddress.IPv6Address(found[0].partition("%")[0])
    except ValueError:
        return found[0]
    return "<address>"


def _own_places() -> tuple[str, ...]:
    """Where this user and this process are, the longest first."""
    found = {os.path.expanduser("~"), tempfile.gettempdir(), sys.prefix}
    with contextlib.suppress(OSError):
        found.add(str(Path.cwd()))
    return tuple(sorted((one for one in found if len(Path(one).parts) > 2), key=len, reverse=True))


@cache
def _own_names() -> tuple[tuple[str, str], ...]:
    """Names that could only be meant: short ones are words."""
    names = [(socket.gethostname(), "<host>")]
    with contextlib.suppress(OSError, KeyError, ImportError):
        names.append((getpass.getuser(), "<user>"))
    return tuple((name, instead) for name, instead in names if len(name) > 4 and name != "localhost")


def described(error: BaseException, file: Path | None = None, who: str = "measure") -> str:
    """What went wrong, in a sentence; with `file` also the line of it in which, where the error itself says too little.

    `who` is the function that the recipe gave.
    """
    line = _line(error, file)
    where = f" (line {line})" if line else ""
    if isinstance(error, SystemExit):
        given = "" if error.code is None else without_names(str(error.code))
        return shortened(f"{who} called exit({given}){where}.")
    if isinstance(error, KeyboardInterrupt):
        return f"{who} raised KeyboardInterrupt by itself{where}."
    text = _text(error)
    if type(error) is KeyError:
        asked = without_names(_text(error.args[0]) if error.args else "")
        quoted = repr(asked) if isinstance(error.args[0] if error.args else None, str) else asked
        return shortened(f"{who} asked for {quoted}, which is not there{where}.")
    if isinstance(error, UserError):
        return shortened(without_names(" ".join(text.split())))
    meant = hint(error, file) if file else ""
    said = sentence(text) or f"{type(error).__name__} without a word{where}"
    return shortened(f"{said.rstrip('.')}; {meant}") if meant else said


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # the recipe's own class, whose __str__ fails
        return ""


def _line(error: BaseException, file: Path | None) -> int | None:
    """The innermost line of `file` that the error went through."""
    lines = [number for frame, number in walk_tb(error.__traceback__) if file and frame.f_code.co_filename == str(file)]
    return lines[-1] if lines else None
