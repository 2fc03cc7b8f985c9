"""Expressions to formulas: names with the indices that are written out, arithmetic, views; calls by their tables."""

from __future__ import annotations

from dataclasses import dataclass

from losslang.analysis.explain.formulas import calls
from losslang.analysis.explain.formulas.masks import conditions
from losslang.analysis.explain.formulas.scene import Indices, Scene
from losslang.analysis.explain.notation.formula import (
    Fence,
    Formula,
    Numeral,
    Power,
    Product,
    Relation,
    Symbol,
    added,
    negated,
    product,
    quotient,
    scripted,
)
from losslang.objective.axes import VIEW, Axis
from losslang.syntax.tree import Binary, Call, Expression, Index, Items, Name, Number, Text, Unary

__all__ = ["Translator"]

_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "and", "or"})


@dataclass(frozen=True)
class Translator:
    """Writes the expressions of one scene."""

    scene: Scene

    def write(self, expression: Expression, indices: Indices) -> Formula:
        """The formula of an expression, with `indices` at the axes that are written out; the others stay implicit."""
        match expression:
            case Number():
                return Numeral(expression.text)
            case Name():
                return self.name(expression, indices)
            case Unary(operator="-"):
                return negated(self.write(expression.operand, indices))
            case Unary():
                return self._indicator(expression, indices)
            case Binary(operator=sign) if sign in _COMPARISONS:
                return self._indicator(expression, indices)
            case Binary():
                return self._arithmetic(expression, indices)
            case Index():
                return self._index(expression, indices)
            case Call():
                return calls.write_call(self, expression, indices)
            case Items() | Text():
                return Symbol("dots")  # axes and texts are options, which their calls read

    def number(self, expression: Expression) -> Formula:
        """The value of a constant, or its formula where it depends on what a function is given."""
        value = self.scene.number(expression)
        return self.write(expression, {}) if value is None else Numeral(f"{value:g}")

    def name(self, name: Name, indices: Indices) -> Formula:
        """A name with its indices: views above, the others below; a dot where of two like axes one is implicit."""
        symbol = self.scene.symbol(name.id)
        below, above = self.placed(self.scene.axes(name), indices)
        return scripted(symbol, below, above)

    def placed(self, axes: tuple[Axis, ...], indices: Indices) -> tuple[tuple[Formula, ...], tuple[Formula, ...]]:
        """The indices of a value with these axes, below and above."""
        below: list[Formula] = []
        above: list[Formula] = []
        for axis in axes:
            side = above if axis.name == "view" else below
            if axis in indices:
                side.append(indices[axis])
            elif any(other.name == axis.name and other in indices for other in axes):
                side.append(Symbol("any"))
        return tuple(below), tuple(above)

    def _indicator(self, mask: Expression, indices: Indices) -> Formula:
        """1 where a mask holds, 0 elsewhere."""
        return Fence("bracket", conditions(self, mask, indices))

    def _arithmetic(self, expression: Binary, indices: Indices) -> Formula:
        left, right = self.write(expression.left, indices), self.write(expression.right, indices)
        match expression.operator:
            case "+" | "-":
                return added(left, right, minus=expression.operator == "-")
            case "*":
                entries = all(self._is_matrix(side, indices) for side in (expression.left, expression.right))
                return Product((left, Symbol("hadamard"), right)) if entries else product(left, right)
            case "/":
                return quotient(left, right)
            case _:
                return Power(left, right)

    def _is_matrix(self, expression: Expression, indices: Indices) -> bool:
        """Whether a value is written as a whole matrix, so that a product of entries needs a sign of its own."""
        axes = self.scene.axes(expression)
        return any(axis.primed() in axes and not {axis, axis.primed()} & set(indices) for axis in axes)

    def _index(self, expression: Index, indices: Indices) -> Formula:
        chosen = self.scene.views(expression.index)
        if not chosen.single and VIEW in indices:
            return self.write(expression.value, indices)  # what ranges over the group says so below its sign
        return self.write(expression.value, {**indices, VIEW: self.view_set(expression.index)})

    def view_set(self, expression: Expression) -> Formula:
        """A view, a group or a union of groups by name."""
        if isinstance(expression, Name):
            return self.scene.symbol(expression.id)
        assert isinstance(expression, Binary)
        left, right = self.view_set(expression.left), self.view_set(expression.right)
        return Relation("union", left, right)
