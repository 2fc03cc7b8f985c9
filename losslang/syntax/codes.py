"""Every code of this stage: E1xx for expressions and the text form, E5xx for files and YAML."""

from __future__ import annotations

from typing import Final

from losslang.diagnostics.codes import Code
from losslang.syntax.codes_documents import DOCUMENTS
from losslang.syntax.codes_expressions import EXPRESSIONS
from losslang.syntax.codes_statements import STATEMENTS

__all__ = ["CODES"]

CODES: Final[dict[str, Code]] = {**EXPRESSIONS, **STATEMENTS, **DOCUMENTS}
