"""Which recipes there are and whose numbers a record's are, as the lock files say; no recipe is run."""
