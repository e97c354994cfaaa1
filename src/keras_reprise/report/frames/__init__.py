"""Results as Python objects: what a store holds, as tidy DataFrames and as a table that a notebook shows."""
