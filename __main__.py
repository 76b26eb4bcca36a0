"""``python -m biglittle`` and the ``biglittle`` command: an error is one line and an exit code."""

from __future__ import annotations

import codecs
import os
import sys

#: What stands in for a character that the terminal's encoding lacks; any other becomes "?".
_ASCII = {"±": "+-", "→": "->", "\u00d7": "x", "\u2013": "-", "…": "...", "µ": "u", "²": "^2"}


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """What is printed instead of characters that cannot be, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_ASCII.get(character, "?") for character in text), error.end


def _print_anywhere() -> None:
    """Lets streams of any encoding take what is printed, such as those of ``LC_ALL=C``."""
    codecs.register_error("biglittle", _in_ascii)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed by whoever started this
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # a captured stream may have none
        if reconfigure is not None and stream.errors in ("strict", "surrogateescape"):
            reconfigure(errors="biglittle")


def _run() -> None:
    from .cli import app
    from .output_option import kept_places

    kept_places.clear()
    try:
        app()
    except SystemExit:
        sys.stdout.flush()  # here, where an error can still be told
        raise


def main() -> None:
    """Runs the command line; a user's error is one line on stderr and exit code 1."""
    _print_anywhere()
    from .bench.signals import stopping

    try:
        with stopping():
            _run()
    except BaseException as error:
        from .ends import end_of

        code, line = end_of(error)
        if line:
            sys.stderr.write(line + "\n")
        raise SystemExit(code) from None


if __name__ == "__main__":
    main()
