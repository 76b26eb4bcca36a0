"""The page machine: every HTML page of the command line, one file that opens without a network."""
