"""The parser's tables, made of the grammar by Lark, and kept beside Python's own compiled files."""

from __future__ import annotations

import sys
from importlib import resources
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from lark import Lark
from lark.lexer import Lexer

from losslang.syntax.builder import Builder

__all__ = ["kept_tables", "parser"]


class NoLexer(Lexer):
    """Stands where Lark wants a lexer: the tokens are fed to the parser one by one."""

    def __init__(self, lexer_conf: object) -> None:
        pass

    def lex(self, lexer_state: object, parser_state: object) -> Any:  # pragma: no cover
        raise NotImplementedError


def parser(kept: Path | None) -> Lark:
    """The parser of expressions and of parameters, which takes 30 ms to build, and 3 from the file `kept`.

    Lark writes the file where it is missing or another grammar's (it knows by a hash of the grammar, its own version and
    Python's), and does without where it can be neither read nor written.
    """
    grammar = resources.files("losslang.syntax").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(
        grammar,
        parser="lalr",
        lexer=NoLexer,
        start=["expression", "parameters"],
        transformer=Builder(),
        maybe_placeholders=True,
        cache=False if kept is None else str(kept),
    )


def kept_tables() -> Path | None:
    """The file of the tables; none where Python itself may keep nothing (PYTHONDONTWRITEBYTECODE)."""
    return None if sys.dont_write_bytecode else Path(cache_from_source(__file__)).with_suffix(".lalr")
