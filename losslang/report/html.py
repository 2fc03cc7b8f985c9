"""HTML by nested calls: everything is escaped except what is marked as HTML already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["Html", "details", "join", "table", "tag"]

_VOID = {"meta", "input", "br"}


class Html(str):
    """Text that is HTML."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: str | None) -> Html:
    """An element; `class_` is written as class and `aria_label` as aria-label. An attribute that is None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def join(parts: Iterable[str]) -> Html:
    """Parts one after the other."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 99) -> Html:
    """A table that scrolls by itself; columns from `numbers` on are set to the right. The first is the row's header."""
    first = tag("tr", *(tag("th", cell, scope="col", class_=_side(at, numbers)) for at, cell in enumerate(head)))
    body = [
        tag(
            "tr",
            tag("th", _breakable(row[0]), scope="row"),
            *(tag("td", cell, class_=_side(at, numbers)) for at, cell in enumerate(row[1:], 1)),
        )
        for row in rows
    ]
    whole = tag("table", tag("caption", caption), tag("thead", first), tag("tbody", *body))
    return tag("div", whole, class_="scroll", tabindex="0", role="region", aria_label=caption)


def _breakable(name: str) -> Html:
    """A name that a narrow column may break after underscores."""
    parts = join([name]).split("_")
    return Html("_<wbr>".join(parts))


def _side(at: int, numbers: int) -> str | None:
    return "number" if at >= numbers else None


def details(summary: str, *children: str, open_: bool = False) -> Html:
    """Something that opens on demand."""
    return tag("details", tag("summary", summary), *children, **({"open": ""} if open_ else {}))
