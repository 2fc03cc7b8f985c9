"""Definition -> lines of text, the same in both spellings."""

from __future__ import annotations

from collections.abc import Sequence

from losslang.syntax.names import is_name
from losslang.syntax.texts import plain_text, quoted
from losslang.syntax.tree import Comments, Definition, DefinitionParameter, Role
from losslang.syntax.write import INDENT, WIDTH, expression_lines, write_expression

__all__ = ["commented", "definition_lines", "remark", "text_lines"]


def remark(text: str) -> str:
    """A comment with its `#`."""
    return f"# {text}" if text else "#"


def commented(lines: Sequence[str], comments: Comments, margin: str = "") -> list[str]:
    """Lines with comments above them and behind the last."""
    last = f"{lines[-1]}  {remark(comments.after)}" if comments.after else lines[-1]
    return [*(margin + remark(text) for text in comments.above), *lines[:-1], last]


def text_lines(text: str) -> list[str]:
    """A quoted text: in three quotes if it has several lines and nothing in it stands against that."""
    return _in_three_quotes(text, "") if {"\n", "\\", '"'} & {*text} else [quoted(text)]


def _in_three_quotes(text: str, margin: str) -> list[str]:
    """A text in three quotes; in one, where something in it stands against that."""
    first, *rest = text.split("\n")
    long = [f'{margin}"""{first}', *(margin + line if line else "" for line in rest), f'{margin}"""']
    lines = long if rest else [f'{margin}"""{text}"""']
    return lines if _holds("\n".join(lines), text) else [margin + quoted(text)]


def _holds(literal: str, text: str) -> bool:
    """Whether a text in three quotes is read as this text."""
    inner = literal.strip()
    body = inner[3:-3]
    return '"""' not in body and not body.endswith('"') and plain_text(inner) == text


def definition_lines(definition: Definition) -> list[str]:
    """A definition with its roles and the comments inside; those above it are left to the caller."""
    lines = [_role(role) for role in definition.roles]
    lines += commented(_head(definition), Comments(after=definition.comments.after))
    if definition.documentation:
        lines += _in_three_quotes(definition.documentation, INDENT)
    for binding in definition.bindings:
        assert binding.value is not None, "a part of a definition is never removed"
        broken = expression_lines(binding.value, len(f"{binding.name} = "), WIDTH - len(INDENT))
        broken = [f"{binding.name} = {broken[0]}", *broken[1:]]
        lines += commented([INDENT + line for line in broken], binding.comments, INDENT)
    assert definition.body is not None, "a definition that removes has no lines"
    return lines + [INDENT + line for line in expression_lines(definition.body, 0, WIDTH - len(INDENT))]


def _role(role: Role) -> str:
    named = [f"{name}={_word(value)}" for name, value in role.options]
    return f"@role({', '.join([*map(_word, role.names), *named])})"


def _word(text: str) -> str:
    return text if is_name(text) or text in {"true", "false"} else quoted(text)


def _head(definition: Definition) -> list[str]:
    parameters = [_parameter(each) for each in definition.parameters]
    head = f"def {definition.name}({', '.join(parameters)}) ="
    if len(head) <= WIDTH or not parameters:
        return [head]
    lines = [f"{INDENT}{each}," for each in parameters]
    return [f"def {definition.name}(", *lines[:-1], lines[-1].removesuffix(","), ") ="]


def _parameter(parameter: DefinitionParameter) -> str:
    text = parameter.name
    if parameter.axes is not None:
        text += f": [{', '.join(axis.id + chr(39) * axis.primes for axis in parameter.axes)}]"
    if parameter.default is None:
        return text
    default = write_expression(parameter.default)
    return f"{text}={default}" if parameter.axes is None else f"{text} = {default}"
