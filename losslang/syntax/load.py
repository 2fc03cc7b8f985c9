"""Path -> Source: the bytes of a file, read safely."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from losslang.diagnostics import Report, Source, Span
from losslang.shipped import shipped_specs
from losslang.syntax.names import nearest
from losslang.syntax.read import MAX_CHARACTERS, SUFFIXES, sound_text

__all__ = ["decode", "load_source"]

MAX_BYTES: Final = 4 * MAX_CHARACTERS

_SHOWN: Final = 4
"""Files of a folder that a message names."""

_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)


def load_source(path: str | os.PathLike[str], report: Report) -> Source | None:
    """The text of a file under the name its user gave it, or None and a diagnostic. Folders and devices are refused."""
    name = os.fspath(path)
    data = _bytes(name, report)
    return None if data is None else decode(data, name, report)


def decode(data: bytes, name: str, report: Report) -> Source | None:
    """The text that bytes hold in UTF-8, or None and a diagnostic that points at the first byte that is none."""
    if len(data) > MAX_BYTES:
        report.add("E502", f"the file is longer than {MAX_BYTES:,} bytes", _nowhere(name))
        return None
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            report.add("E503", f"the file is in {encoding}", _nowhere(name), help="save it as UTF-8")
            return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        shown = Source(name, data.decode("utf-8", errors="replace"))
        at = len(data[: problem.start].decode("utf-8", errors="replace"))
        report.add(
            "E503",
            f"the byte {data[problem.start]:#04x} here is not UTF-8",
            Span(shown, at, at + 1),
            help="save the file as UTF-8",
        )
        return None
    return sound_text(Source(name, text), report)


def _nowhere(name: str) -> Span:
    return Span(Source(name, ""), 0, 0)


def _bytes(name: str, report: Report) -> bytes | None:
    path = Path(name)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            report.add("E501", f"`{name}` is a folder", _nowhere(name), help=_files_in(path))
            return None
        if not stat.S_ISREG(mode):
            report.add("E501", f"`{name}` is no plain file", _nowhere(name), help="name a .yaml or .loss file")
            return None
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        report.add("E501", f"there is no file `{name}`", _nowhere(name), help=_near_file(path))
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
        report.add("E501", f"`{name}` cannot be read: {reason}", _nowhere(name), help="name a file that you may read")
    return None


def _files_in(folder: Path) -> str:
    try:
        found = sorted(each.name for each in folder.iterdir() if each.suffix in SUFFIXES)
    except OSError:
        return ""
    return f"name a file in it, such as {found[0]}" if found else "name a .yaml or .loss file"


def _near_file(path: Path) -> str:
    """The nearest file beside it, or for a bare word the nearest method that ships."""
    beside = [path.with_name(path.name + suffix) for suffix in SUFFIXES] if path.name and not path.suffix else []
    whole = next((file for file in beside if file.is_file()), None)
    if whole is not None:
        return f"did you mean `{whole}`?"
    shipped = nearest(path.name, shipped_specs()) if path.name == str(path) and not path.suffix else ""
    if shipped:
        return f"did you mean `{shipped}`, which ships?"
    try:
        names = sorted(each.name for each in path.parent.iterdir() if each.suffix in SUFFIXES)
    except (OSError, ValueError):
        if path.stem in shipped_specs():
            return f"did you mean `{path.stem}`, which ships?"
        return f"there is no folder `{path.parent}` either"
    near = nearest(path.name, names)
    if near:
        return f"did you mean `{path.parent / near}`?"
    few = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    there = f"in `{path.parent}` there are {few}" if few else f"there is no .yaml or .loss file in `{path.parent}`"
    return f"{there}; `losslang list specs` shows the methods that ship"
