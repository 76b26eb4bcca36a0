"""Files of answers that others made: read, held against labels and costs, made into a table."""
