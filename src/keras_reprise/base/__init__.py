"""What all stands on, and knows nothing of recipes or records: errors, files, git, seeds, statistics, the machine."""
