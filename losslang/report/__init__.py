"""What finished and running trainings look like: one page, figures, tables. Reads run folders, changes nothing in them."""
