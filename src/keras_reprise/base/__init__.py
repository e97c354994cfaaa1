"""What everything stands on and what knows nothing of recipes or records: errors, files, git, seeds, statistics, the machine."""
