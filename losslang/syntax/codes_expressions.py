"""Codes of expressions. The examples are expressions; tests parse both sides."""

from __future__ import annotations

from typing import Final

from losslang.diagnostics.codes import Code

__all__ = ["EXPRESSIONS"]

EXPRESSIONS: Final[dict[str, Code]] = {
    "E101": Code(
        "expression missing",
        "A value must stand here, and there is none. This also happens when everything behind `#` was taken for a "
        "comment.",
        "# mean(z)",
        "mean(z)",
    ),
    "E102": Code(
        "expression ends too early",
        "The last sign is an operator, and no value follows it. If the value stands on the next line, put "
        "brackets around the whole: line breaks do not count inside brackets.",
        "mean(z) +",
        "mean(z) + mean(y)",
    ),
    "E103": Code(
        "bracket left open",
        "A round or square bracket is opened and not closed before the expression ends. The caret is under the "
        "bracket that was left open, which may be far from where the closing one is missing.",
        "mean(alignment(z[a], z[b])",
        "mean(alignment(z[a], z[b]))",
    ),
    "E104": Code(
        "bracket closes nothing",
        "A closing bracket has no opening one, or one of the other kind. Round brackets group and call; square "
        "brackets select views and hold lists.",
        "mean(z[a)]",
        "mean(z[a])",
    ),
    "E105": Code(
        "operator missing",
        "Two values stand side by side. A product needs its `*`, and arguments are separated by commas.",
        "2 temperature",
        "2 * temperature",
    ),
    "E106": Code(
        "value missing",
        "An operator, a comma or a bracket stands where a value should. There is no plus sign in front of a value.",
        "mean(z, , over=batch)",
        "mean(z, over=batch)",
    ),
    "E107": Code(
        "chained comparison",
        "A comparison has two sides. Join two comparisons with `and`.",
        "mean(z[u] for u in views for v in views for w in views if u < v < w)",
        "mean(z[u] for u in views for v in views for w in views if u < v and v < w)",
    ),
    "E108": Code(
        "`=` where `==` is meant",
        "Inside an expression `=` gives a value to a named argument of a call, as in over=batch. Two values are "
        "compared with `==`.",
        "mean(z[u] for u in views if u = a)",
        "mean(z[u] for u in views if u == a)",
    ),
    "E109": Code(
        "sign of another language",
        "This sign is no operator here. The operators are + - * / ^, comparisons, and the words `and`, `or`, `not`.",
        "mean(z ** 2)",
        "mean(z^2)",
    ),
    "E110": Code(
        "form of another language",
        "Slices, attributes, functions without a name, list comprehensions and `if … else` have no place in the "
        "notation. Axes have names, functions stand before their argument, and masks choose.",
        "z.mean()",
        "mean(z)",
    ),
    "E111": Code(
        "character without meaning",
        "This character looks like one of the language or like mathematics, but is neither. It often comes from a "
        "PDF or a word processor: a typographic quote, a dash, a letter of double width.",
        "λ * mean(z)",
        "lambda * mean(z)",
    ),
    "E112": Code(
        "malformed number",
        "A number is written in decimal, with at most one point and one exponent: 1000, 0.5, 1e-3. Zeros in "
        "front, underscores and hexadecimal digits are refused because readers of YAML disagree on them.",
        "1_000 * mean(z)",
        "1000 * mean(z)",
    ),
    "E113": Code(
        "number out of range",
        "The number is too large, or too close to zero, for the machine's numbers. Whole numbers fit 64 bits.",
        "1e999",
        "1e38",
    ),
    "E114": Code(
        "nested too deep",
        "Brackets, signs or operators are nested more than a hundred deep; a sum of many terms counts too. Name "
        "the parts in `define`.",
        "a" + " + a" * 120,
        "sum_of_many",
    ),
    "E115": Code(
        "expression too long",
        "The expression has thousands of words and signs. Name its parts in `define`, or say it with a loop.",
        "f(" + "a, " * 4000 + "a)",
        "sum(z[v] for v in views)",
    ),
    "E116": Code(
        "loop in the wrong place",
        "A loop stands alone in the brackets of a call: one body, then every `for`, then at most one `if`. Reduce "
        "over axes inside the body.",
        "mean(z[u] for u in views, over=batch)",
        "mean(mean(z[u], over=batch) for u in views)",
    ),
    "E117": Code(
        "order of arguments",
        "Arguments without a name come first, then those with one, each name once.",
        "softmax(over=batch, z)",
        "softmax(z, over=batch)",
    ),
    "E118": Code(
        "this cannot be called, or has a prime",
        "Only a name can stand before the brackets of a call, and the names of functions, arguments and loops "
        "have no prime. A prime marks the second copy of an axis.",
        "mean(z)(batch)",
        "mean(z, over=batch)",
    ),
    "E119": Code(
        "malformed text",
        "Texts stand in double quotes on one line, or in three double quotes. Between double quotes there are four "
        'escapes: \\" \\\\ \\n and \\t; between three, none.',
        "f('text')",
        'f("text")',
    ),
    "E120": Code(
        "`not` needs brackets",
        "`not` binds less tightly than arithmetic and comparisons, so it cannot follow their operators without "
        "brackets.",
        "same(view) == not same(batch)",
        "same(view) == (not same(batch))",
    ),
    "E121": Code(
        "more than one index",
        "Square brackets behind a value select one view, a group, or a union of them. Other axes are never "
        "indexed; operations name them.",
        "z[a, b]",
        "z[a + b]",
    ),
    "E122": Code(
        "word of the language used as a name",
        "The words for, in, if, and, or, not, true and false cannot be names. Every other word can, also those of "
        "Python.",
        "mean(z[u] for if in views)",
        "mean(z[u] for u in views)",
    ),
    "E123": Code(
        "`null` in an expression",
        "`null` stands alone in YAML and removes an entry that came by `extends`. It is no value that could be "
        "calculated with.",
        "f(null)",
        "f(0)",
    ),
    "E129": Code(
        "does not fit here",
        "The parser cannot go on at this place. Most often something is missing just before it.",
        "a, b",
        "[a, b]",
    ),
}
