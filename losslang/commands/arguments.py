"""Command-line options: argparse with nearest names, and the options that several verbs share."""

from __future__ import annotations

from argparse import Action, ArgumentError, ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

__all__ = ["CommandParser", "did_you_mean"]


_KINDS: dict[Any, str] = {int: "a whole number", float: "a number"}
"""What an option takes, by its type."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message, `; did you mean "train"?`, for a word near a known one; nothing otherwise."""
    from losslang.syntax.names import nearest

    near = nearest(word, known)
    return f"; did you mean `{near}`?" if near else ""


class CommandParser(ArgumentParser):
    """The options of one verb. Options and files may be mixed; a misspelt one is answered with the nearest name."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False)

    def specs(self) -> None:
        """Add SPEC…, the method files."""
        self.add_argument("specs", metavar="SPEC", nargs="+", help="a method file, .yaml or .loss")

    def settings(self) -> None:
        """Add --set KEY=VALUE, which may be repeated; what a value means is for its reader."""
        self.add_argument(
            "--set", metavar="K=V", action=_Setting, default={}, help="set a parameter or a setting; may be repeated"
        )

    def parameters(self) -> None:
        """Add --set KEY=NUMBER, which may be repeated: parameters of the method alone."""
        self.add_argument(
            "--set", metavar="K=N", action=_Parameter, default={}, help="set a parameter; may be repeated"
        )

    def estimates(self) -> None:
        """Add --estimate KEY=VALUE, which may be repeated: what is estimated by random probes."""
        self.add_argument(
            "--estimate",
            metavar="K=V",
            action=_Choice,
            default={},
            help="log-dets and traces by random probes: log_det=lanczos, trace=hutchinson or hutch++, probes=32, steps=20",
        )

    def parse(self, arguments: Sequence[str]) -> Namespace:
        """The options; ends the process with status 2 and a message where they are wrong."""
        options, unknown = self.parse_known_intermixed_args(arguments)
        if unknown:
            name = unknown[0].split("=", 1)[0]
            self.error(f"there is no option {name}{did_you_mean(name, self._option_string_actions)}")
        options.given = list(arguments)
        return options

    def error(self, message: str) -> NoReturn:
        """One line on what is wrong, one on where to read more."""
        self.exit(2, f"{self.prog}: {message}\n(`{self.prog} --help` lists the options)\n")

    def _get_value(self, action: Action, arg_string: str) -> Any:
        kind = _KINDS.get(action.type)
        try:
            return super()._get_value(action, arg_string)
        except ArgumentError:
            if kind is None:
                raise
            raise ArgumentError(action, f"`{arg_string}` is not {kind}: {action.help}") from None

    def _check_value(self, action: Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            raise ArgumentError(action, f"`{value}` is none of {', '.join(known)}{did_you_mean(str(value), known)}")


class _Setting(Action):
    """Collects `--set k=v` into a mapping of texts."""

    def __call__(self, _parser: ArgumentParser, namespace: Namespace, values: Any, _option: str | None = None) -> None:
        key, equals, value = (part.strip() for part in str(values).partition("="))
        if not equals or not key:
            raise ArgumentError(self, f"`{values}` is not of the form name=value")
        settings = getattr(namespace, self.dest)
        if key in settings:
            raise ArgumentError(self, f"`{key}` is set twice")
        setattr(namespace, self.dest, {**settings, key: self.value(key, value)})

    def value(self, _key: str, text: str) -> Any:
        """What is kept of the value's text."""
        return text


class _Choice(_Setting):
    """Collects `--estimate k=v` into a mapping of words and whole numbers."""

    def value(self, _key: str, text: str) -> str | int:
        """The number that the text spells, or the text."""
        return int(text) if text.isascii() and text.isdecimal() else text


class _Parameter(_Setting):
    """Collects `--set k=v` into a mapping of numbers."""

    def value(self, key: str, text: str) -> int | float:
        """The number that the text spells."""
        from losslang.syntax.settings import plain_number

        number = plain_number(text)
        if number is None:
            raise ArgumentError(self, f"`{key}` is set to `{text}`, which is not a number")
        return number
