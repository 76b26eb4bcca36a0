"""What judges the project: the figures of every page, one step a file, named as the file is."""
