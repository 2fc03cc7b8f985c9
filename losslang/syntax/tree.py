"""The document tree: what both spellings of a method are read into, and what `fmt` writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from losslang.diagnostics import NOWHERE, Span

__all__ = [
    "Binary",
    "Call",
    "Comments",
    "Definition",
    "DefinitionParameter",
    "Entry",
    "Expression",
    "Index",
    "Items",
    "Keyword",
    "Loop",
    "Method",
    "Name",
    "Number",
    "Override",
    "RecipeOverrides",
    "Role",
    "Text",
    "Unary",
    "View",
]


@dataclass(frozen=True)
class Comments:
    """Comments that travel with an entry, without their `#`: own lines above it, and the end of its line."""

    above: tuple[str, ...] = ()
    after: str = ""


NO_COMMENTS = Comments()


# ---------------------------------------------------------------- expressions


@dataclass(frozen=True)
class Number:
    """A number as spelled (`1e-4`), with its value."""

    value: int | float
    text: str
    span: Span = field(compare=False, default=NOWHERE)


@dataclass(frozen=True)
class Text:
    """A quoted text (only recipes and role arguments hold one)."""

    value: str
    span: Span = field(compare=False, default=NOWHERE)


@dataclass(frozen=True)
class Name:
    """A name, with its number of primes (`batch'`)."""

    id: str
    primes: int = 0
    span: Span = field(compare=False, default=NOWHERE)


@dataclass(frozen=True)
class Unary:
    """`-x` or `not x`."""

    operator: str
    operand: Expression
    span: Span = field(compare=False, default=NOWHERE)


@dataclass(frozen=True)
class Binary:
    """`+ - * / ^`, `== != < <= > >=`, `and`, `or`."""

    operator: str
    left: Expression
    right: Expression
    span: Span = field(compare=False, default=NOWHERE)


@dataclass(frozen=True)
class Keyword:
    """`over=batch` in a call."""

    name: str
    value: Expression
    span: Span = field(compare=False, default=NOWHERE)


@dataclass(frozen=True)
class Loop:
    """`for u in views` in a call."""

    name: str
    domain: Expression
    span: Span = field(compare=False, default=NOWHERE)  # of the loop name


@dataclass(frozen=True)
class Call:
    """`f(a, b, key=c)`, or `f(body for u in … if …)` when `loops` is not empty (then one argument)."""

    function: str
    arguments: tuple[Expression, ...] = ()
    keywords: tuple[Keyword, ...] = ()
    loops: tuple[Loop, ...] = ()
    condition: Expression | None = None
    function_span: Span = field(compare=False, default=NOWHERE)
    span: Span = field(compare=False, default=NOWHERE)


@dataclass(frozen=True)
class Index:
    """`z[a]`: one view, a group, or a union of them."""

    value: Expression
    index: Expression
    span: Span = field(compare=False, default=NOWHERE)


@dataclass(frozen=True)
class Items:
    """`[view, batch]`."""

    items: tuple[Expression, ...]
    span: Span = field(compare=False, default=NOWHERE)


Expression: TypeAlias = Number | Text | Name | Unary | Binary | Call | Index | Items


# ---------------------------------------------------------------- documents


@dataclass(frozen=True)
class Entry:
    """A named value of a section; `value` is None where the entry removes an inherited one."""

    name: str
    value: Expression | None
    comments: Comments = NO_COMMENTS
    name_span: Span = field(compare=False, default=NOWHERE)
    span: Span = field(compare=False, default=NOWHERE)  # of the value (or the word that removes)


@dataclass(frozen=True)
class View:
    """A view, or a group of `count` views."""

    name: str
    count: int = 1
    comments: Comments = NO_COMMENTS
    span: Span = field(compare=False, default=NOWHERE)


@dataclass(frozen=True)
class DefinitionParameter:
    """`z: [batch, feature]` or `eps=1e-4` of a definition."""

    name: str
    axes: tuple[Name, ...] | None = None
    default: Expression | None = None
    span: Span = field(compare=False, default=NOWHERE)


@dataclass(frozen=True)
class Role:
    """`@role(decentering, decorrelation, mechanism=log_det)`."""

    names: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    span: Span = field(compare=False, default=NOWHERE)


@dataclass(frozen=True)
class Definition:
    """`def name(parameters) = [documentation] [name = expression]… expression`; a body of None removes an inherited one."""

    name: str
    parameters: tuple[DefinitionParameter, ...] = ()
    roles: tuple[Role, ...] = ()
    documentation: str = ""
    bindings: tuple[Entry, ...] = ()
    body: Expression | None = None
    comments: Comments = NO_COMMENTS
    name_span: Span = field(compare=False, default=NOWHERE)
    span: Span = field(compare=False, default=NOWHERE)


@dataclass(frozen=True)
class Override:
    """One setting a method changes for a recipe: a dotted path and a plain value (number, text, true/false, list of those)."""

    path: tuple[str, ...]
    value: int | float | str | bool | tuple[int | float | str | bool, ...]
    comments: Comments = NO_COMMENTS
    span: Span = field(compare=False, default=NOWHERE)


@dataclass(frozen=True)
class RecipeOverrides:
    """What a method changes for one recipe."""

    recipe: str
    overrides: tuple[Override, ...] = ()
    comments: Comments = NO_COMMENTS
    span: Span = field(compare=False, default=NOWHERE)


@dataclass(frozen=True)
class Method:
    """A method file. Sections that the file does not have are None (absent) where absent differs from empty."""

    name: str
    title: str = ""
    paper: str = ""
    notes: str = ""
    extends: str = ""
    parameters: tuple[Entry, ...] = ()
    views: tuple[View, ...] | None = None
    forward: str | tuple[Entry, ...] | None = None  # separate | joint, or one Entry per network (value a Name)
    networks: tuple[Entry, ...] = ()
    functions: tuple[Definition, ...] = ()
    define: tuple[Entry, ...] = ()
    objective: tuple[Entry, ...] | None = None
    recipes: tuple[RecipeOverrides, ...] = ()
    head: tuple[str, ...] = ()  # comments above the first key
    tail: tuple[str, ...] = ()  # comments below the last entry
    header_comments: tuple[tuple[str, Comments], ...] = ()  # of method, title, paper, notes, extends, views, forward
    broken: frozenset[str] = field(compare=False, default=frozenset())  # names of entries that could not be read
    unread: frozenset[str] = field(compare=False, default=frozenset())  # sections that lack more than these names
    allow: frozenset[str] = field(compare=False, default=frozenset())  # codes answered by `# losslang: allow(W104)`
    name_span: Span = field(compare=False, default=NOWHERE)
    extends_span: Span = field(compare=False, default=NOWHERE)
    views_span: Span = field(compare=False, default=NOWHERE)
    span: Span = field(compare=False, default=NOWHERE)  # the whole text
