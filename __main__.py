"""``python -m biglittle`` and the ``biglittle`` command: an error is one line and an exit code."""

from __future__ import annotations

import codecs
import errno
import sys

_FULL = (errno.ENOSPC, errno.EDQUOT)


def _is_full(error: Exception) -> bool:
    """Whether a disk ran full; HDF5 and others tell only by their text."""
    return isinstance(error, OSError) and (
        error.errno in _FULL or any(f"errno = {e}," in str(error) for e in _FULL)
    )


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
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # a captured stream may have none
        if reconfigure is not None and stream.errors in ("strict", "surrogateescape"):
            reconfigure(errors="biglittle")


#: Verbs that go on from what an earlier run left in the same place.
_RESUMED = (
    *(["cotrain"], ["profile"], ["ofa"], ["surrogate", "improve"]),
    *(["table", "build"], ["table", "extend"]),
)


def _interrupted(arguments: list[str]) -> str:
    """What an interrupt left behind, and how to go on."""
    resumed = any(arguments[: len(verb)] == verb for verb in _RESUMED)
    logged = (arguments[:1] == ["score"] and "--out" in arguments) or "--checkpoint" in arguments
    if resumed or logged:
        return "interrupted; what was finished is kept, and the same command goes on from there\n"
    return "interrupted; nothing was written\n"


def main() -> None:
    """Runs the command line; a user's error is one line on stderr and exit code 1."""
    from .cli import app

    _print_anywhere()
    try:
        app()
    except KeyboardInterrupt:
        sys.stderr.write(_interrupted(sys.argv[1:]))
        raise SystemExit(130) from None
    except SystemExit as stop:
        if isinstance(stop.__context__ and stop.__context__.__cause__, KeyboardInterrupt):
            sys.stderr.write(_interrupted(sys.argv[1:]))  # Typer ends without a word
        raise
    except Exception as error:
        # Late, because it brings numpy, which --help can do without.
        from .bench.errors import EXTRA_OF, BigLittleError, MissingExtraError

        module = (error.name or "").partition(".")[0] if isinstance(error, ImportError) else ""
        if module in EXTRA_OF:
            error = MissingExtraError(module, EXTRA_OF[module], "this command")

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
