"""From the language to formulas: every operation, primitive and statement in the notation of papers."""
