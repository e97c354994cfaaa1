"""From the words of `reprise run` to records: request, driver, queue, workers, executors."""
