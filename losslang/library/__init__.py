"""The library of the language, written in the language: derived operations and primitives (`*.loss` beside this file)."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from importlib import resources

from losslang.diagnostics import Report, Source
from losslang.syntax.definitions import index_definitions, parse_definition
from losslang.syntax.fragment import Fragment
from losslang.syntax.tree import Definition

__all__ = ["FILES", "Library", "shipped_library"]

FILES = ("derived.loss", "primitives.loss")


class Library(Mapping[str, Definition]):
    """Definitions by name; each is parsed when it is first asked for."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._where: dict[str, tuple[str, Fragment]] = {}
        for file, source in sources.items():
            for name, fragment in index_definitions(source).items():
                self._where[name] = (file, fragment)
        self._parsed: dict[str, Definition] = {}

    def __getitem__(self, name: str) -> Definition:
        if name not in self._parsed:
            report = Report()
            definition = parse_definition(self._where[name][1], report)
            report.raise_errors()
            assert definition is not None
            self._parsed[name] = definition
        return self._parsed[name]

    def __contains__(self, name: object) -> bool:
        return name in self._where

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def __len__(self) -> int:
        return len(self._where)

    def file_of(self, name: str) -> str:
        """The file that holds a definition."""
        return self._where[name][0]


@functools.cache
def shipped_library() -> Library:
    """The library that ships with the package."""
    folder = resources.files("losslang.library")
    return Library({file: Source(f"library/{file}", (folder / file).read_text(encoding="utf-8")) for file in FILES})
