"""What judges the project: the figures of every page, one step a file.

    python -m biglittle.data_tables.evidence                fills the pages from the figures
    python -m biglittle.data_tables.evidence --list         the steps, and the pages that quote them
    python -m biglittle.data_tables.evidence STEP ...       measures, keeps the figures, fills pages
    python -m biglittle.data_tables.evidence STEP --help    the options of one step

A step is found by the name of its file and ends in one public object, ``STEP``. Its figures are
kept in ``figures/STEP.json``, and nowhere else; a page quotes them between the marks
``<!-- figures:NAME -->`` and ``<!-- /figures -->``, in lines of their own or within one. Nothing
else of the package imports this folder: what is installed without it searches as well.
"""
