"""What two methods or more differ in: paired entries, related terms, and the answer by role."""
