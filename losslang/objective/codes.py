"""Every code of this stage: E2xx for names, E3xx for types, E4xx for constants and state, W1xx for warnings."""

from __future__ import annotations

from typing import Final

from losslang.diagnostics.codes import Code
from losslang.objective.codes_names import NAMES
from losslang.objective.codes_state import STATE
from losslang.objective.codes_types import TYPES
from losslang.objective.codes_warnings import WARNINGS

__all__ = ["CODES"]

CODES: Final[dict[str, Code]] = {**NAMES, **TYPES, **STATE, **WARNINGS}
