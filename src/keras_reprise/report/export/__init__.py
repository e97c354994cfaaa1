"""Records for other tools: tidy tables (CSV, Parquet), a Process Run Crate (RO-Crate), an MLflow database.

Reads the store only.
"""
