"""``python -m biglittle`` and the ``biglittle`` command: an error is one line and an exit code."""

from __future__ import annotations

import sys


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

        if not isinstance(error, BigLittleError):
            raise
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
