"""From a method's graph to knowledge, without torch: mechanisms, verdicts, forces, differences, explanations."""
