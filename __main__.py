"""``python -m biglittle`` and the ``biglittle`` command: an error is one line and an exit code."""

from __future__ import annotations

import errno
import sys

_FULL = (errno.ENOSPC, errno.EDQUOT)


def _is_full(error: Exception) -> bool:
    """Whether a disk ran full; HDF5 and others tell only by their text."""
    return isinstance(error, OSError) and (
        error.errno in _FULL or any(f"errno = {e}," in str(error) for e in _FULL)
    )


def main() -> None:
    """Runs the command line; a user's error is one line on stderr and exit code 1."""
    from .cli import app

    try:
        app()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; what was finished is kept\n")
        raise SystemExit(130) from None
    except Exception as error:
        # Late, because it brings numpy, which --help can do without.
        from .bench.errors import BigLittleError

        if _is_full(error):
            sys.stderr.write(
                f"error: no space left on the disk ({error}); free some, or name another folder, "
                "and run the same command again. What was finished before is kept.\n"
            )
        elif isinstance(error, BigLittleError):
            sys.stderr.write(f"error: {error}\n")
        else:
            raise
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
