"""What records say: comparable groups, the verdict rule, comparison, trends over time."""
