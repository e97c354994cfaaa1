"""A claim's value as data: its forms, how recipes write them, what they mean for a record, and what they are called."""
