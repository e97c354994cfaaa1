"""What one replicate measured, as it is written down for ever: the schema of records and cards."""
