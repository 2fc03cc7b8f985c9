"""The library of the language, written in the language: derived operations and primitives (`*.loss` beside this file)."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources

from losslang.diagnostics import Report, Source
from losslang.syntax.definitions import index_definitions, parse_definition
from losslang.syntax.fragment import Fragment
from losslang.syntax.tree import Definition

__all__ = ["FILES", "Library", "shipped_library"]

FILES = ("derived.loss", "primitives.loss")


class Library(Mapping[str, Definition]):
    """Definitions by name; each is parsed when it is first asked for."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._where: dict[str, Fragment] = {}
        for source in sources:
            self._where |= index_definitions(source)
        self._parsed: dict[str, Definition] = {}

    def __getitem__(self, name: str) -> Definition:
        if name not in self._parsed:
            report = Report()
            definition = parse_definition(self._where[name], report)
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


@functools.cache
def shipped_library() -> Library:
    """The library that ships with the package."""
    folder = resources.files("losslang.library")
    return Library(Source(f"library/{file}", (folder / file).read_text(encoding="utf-8")) for file in FILES)
