"""Views: the sets that loops and indexing take, and the conditions on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from losslang.diagnostics import Report
from losslang.syntax.names import nearest
from losslang.syntax.tree import Binary, Expression, Name, Unary, View

__all__ = ["ViewSet", "Views", "condition_holds", "read_view_set"]


@dataclass(frozen=True)
class ViewSet:
    """Some views in order of declaration; `single` where it names one view rather than a group."""

    names: tuple[str, ...]
    single: bool = False


@dataclass(frozen=True)
class Views:
    """All views of a method. A group `global: 2` holds the views `global.0` and `global.1`."""

    groups: dict[str, ViewSet]

    @classmethod
    def of(cls, declared: tuple[View, ...]) -> Views:
        """The views of a declaration."""
        return cls(
            {
                view.name: ViewSet((view.name,), single=True)
                if view.count == 1
                else ViewSet(tuple(f"{view.name}.{i}" for i in range(view.count)))
                for view in declared
            }
        )

    @cached_property
    def all(self) -> ViewSet:
        """Every view."""
        return ViewSet(tuple(name for group in self.groups.values() for name in group.names))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.all.names)}

    def place(self, name: str) -> int:
        """Where a view stands in the order of declaration."""
        return self._places[name]

    def named(self, name: str) -> ViewSet | None:
        """A group, a view, or `views`."""
        return self.all if name == "views" else self.groups.get(name)

    def union(self, one: ViewSet, two: ViewSet) -> ViewSet:
        """Both, in order of declaration."""
        both = {*one.names, *two.names}
        return ViewSet(tuple(name for name in self.all.names if name in both))


def read_view_set(expression: Expression, views: Views, loop: Mapping[str, ViewSet], report: Report) -> ViewSet | None:
    """The views an expression names; None with a diagnostic where it names none."""
    if isinstance(expression, Name) and not expression.primes:
        found = loop.get(expression.id) or views.named(expression.id)
        if found is not None:
            return found
        close = nearest(expression.id, [*views.groups, *loop, "views"])
        help_ = f"did you mean `{close}`?" if close else f"the views are {', '.join(views.groups)}"
        report.add("E209", f"there is no view or group `{expression.id}`", expression.span, help=help_)
        return None
    if isinstance(expression, Binary) and expression.operator == "+":
        left = read_view_set(expression.left, views, loop, report)
        right = read_view_set(expression.right, views, loop, report)
        return views.union(left, right) if left and right else None
    message = "views are named by a view, a group, `views`, or a sum of those"
    names = list(views.groups)
    help_ = f"the views are {', '.join(names)}: z[{names[0]}] takes one, and `for v in views` goes through all"
    report.add("E210", message, expression.span, help=help_)
    return None


_ORDER: dict[str, Callable[[int, int], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _may_name_views(expression: Expression) -> bool:
    return isinstance(expression, Name) or (isinstance(expression, Binary) and expression.operator == "+")


def _not_views(condition: Expression, report: Report) -> None:
    report.add("E211", "a loop's condition compares views, such as u != v", condition.span)


def condition_holds(condition: Expression, views: Views, loop: Mapping[str, ViewSet], report: Report) -> bool | None:
    """Whether a condition on loop views holds; `u < v` is order of declaration. None with a diagnostic if it is not one."""
    if isinstance(condition, Unary) and condition.operator == "not":
        inner = condition_holds(condition.operand, views, loop, report)
        return None if inner is None else not inner
    if isinstance(condition, Binary) and condition.operator in {"and", "or"}:
        left = condition_holds(condition.left, views, loop, report)
        right = condition_holds(condition.right, views, loop, report)
        if left is None or right is None:
            return None
        return (left and right) if condition.operator == "and" else (left or right)
    if isinstance(condition, Binary) and condition.operator in _ORDER:
        if not (_may_name_views(condition.left) and _may_name_views(condition.right)):
            _not_views(condition, report)
            return None
        left_set = read_view_set(condition.left, views, loop, report)
        right_set = read_view_set(condition.right, views, loop, report)
        if left_set is None or right_set is None:
            return None
        if not (left_set.single and right_set.single):
            group = condition.right if left_set.single else condition.left
            report.add("E210", "a condition compares single views, and this is a group", group.span)
            return None
        order = views.place
        return _ORDER[condition.operator](order(left_set.names[0]), order(right_set.names[0]))
    _not_views(condition, report)
    return None
