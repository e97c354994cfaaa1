"""The folder of plain text files that holds records, and its checking and merging."""
