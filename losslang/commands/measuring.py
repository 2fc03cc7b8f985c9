"""`losslang diff --measure`: gradients on the same clouds, under the difference or in its JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

__all__ = ["measured"]


def measured(difference: str, methods: Sequence[str], *, as_json: bool) -> str:
    """The difference of methods, as text or as JSON, with every other one measured against the first."""
    from losslang.pipeline import measure

    found = [measure(methods[0], other) for other in methods[1:]]
    if not as_json:
        return "\n\n".join([difference, *(each.text() for each in found)])
    plain = [{"left": each.left, "right": each.right, **each.plain()} for each in found]
    return json.dumps({**json.loads(difference), "measured": plain}, indent=2, ensure_ascii=False)
