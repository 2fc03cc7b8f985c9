"""Names and places in emitted source: what Python and torch allow, and the line of the method a value came from."""

from __future__ import annotations

import builtins
import keyword
import re

from losslang.backend.library import function_names

__all__ = ["MODULE_NAMES", "commented", "fresh_name", "plain", "printable_lines", "safe_name", "short_place"]

RESERVED = frozenset(
    {"rows", "self", "torch", "math", "nn", "Tensor", "dtype", "device", "Output", "step", "x", "views"}
)

_BUILTINS = frozenset(dir(builtins))

MODULE_NAMES = frozenset(
    "T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval "
    "extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia "
    "named_buffers named_children named_modules named_parameters parameters register_backward_hook register_buffer "
    "register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook "
    "register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter "
    "register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory "
    "state_dict to to_empty train training type xpu zero_grad inputs exchange objective objective_of_many pending "
    "after_step given".split()
)
"""What an attribute of an nn.Module must not be called (a test compares it with torch's)."""


def safe_name(name: str) -> str:
    """A name that Python allows and that hides nothing."""
    name = re.sub(r"\W", "_", name)
    if name.startswith("_"):
        name = f"own{name}"  # underscores are torch's
    clash = keyword.iskeyword(name) or name in _BUILTINS or name in MODULE_NAMES or name in RESERVED
    return f"{name}_" if clash or name in function_names() else name


def fresh_name(wanted: str, taken: set[str]) -> str:
    """A safe name that is not taken; from now on it is."""
    name = safe_name(wanted)
    count = 1
    while name in taken:
        count += 1
        name = f"{safe_name(wanted)}_{count}"
    taken.add(name)
    return name


def plain(text: str) -> str:
    """Text that cannot leave the comment or docstring it stands in."""
    return "".join(c if c.isprintable() and c not in '\\"' else "?" for c in text)


def printable_lines(text: str) -> list[str]:
    """The lines of a text, such that each can end a comment."""
    lines = text.expandtabs(4).splitlines()
    return ["".join(c if c.isprintable() else "?" for c in line) for line in lines]


def short_place(place: str) -> str:
    """`specs/simclr.yaml:9:4` -> `simclr.yaml:9`."""
    file, line, *_ = [*place.replace("\\", "/").rsplit("/", 1)[-1].split(":"), ""]
    return f"{file}:{line}" if line else file


def commented(line: str, place: str) -> str:
    """A line that ends in the place it came from."""
    return f"{line}  # {plain(place)}"
