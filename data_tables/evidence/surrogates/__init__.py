"""What the surrogates are worth: the figures of ``surrogates.md``, one step a file.

Published measurements are not ours to ship: they are looked for in ``$BIGLITTLE_REFERENCE_DATA``.
"""
