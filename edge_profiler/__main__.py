"""``python -m biglittle.edge_profiler``: ``biglittle profile`` for boards with little on them.

The verb of the command line takes the same options; this one needs no package but onnx and a
runtime, and is what ``--host`` starts on the board. That is why it alone keeps ``argparse``: the
one command line of everything else is Typer's, which a board does not have.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ..bench.errors import BigLittleError, MissingExtraError
from ..bench.plain_text import plain

#: What a board has to have.
NEEDED = ("numpy", "onnx", "onnxruntime", "msgspec")

try:
    from ..bench.files import writable_place
    from ..bench.locks import holding
    from ..bench.signals import exit_code_of, stopping, word_of
    from ..bench.spaces import SPACES
    from .meters import METERS
    from .repeatability import REPEATS, repeats_well, report_of
    from .runtimes import RUNTIMES
    from .session import ProfileRequest, earlier, failed_files, progress_line, run_request, summary
except (ImportError, MissingExtraError) as error:
    sys.exit(f"error: {error.__cause__ or error}. Install: pip install {' '.join(NEEDED)}")


def parser() -> argparse.ArgumentParser:
    """The options, named as those of ``biglittle profile``."""
    base = ProfileRequest()
    made = argparse.ArgumentParser("python -m biglittle.edge_profiler", description=__doc__)
    made.add_argument(
        "--networks", default=base.networks, help="anchors, a file, ids, or ONNX files"
    )
    made.add_argument("--blocks", action="store_true", help="a table of the space's blocks")
    made.add_argument("--pairs", default=base.pairs, help="file of pairs, or LITTLE:BIG,...")
    made.add_argument("--gate", default=base.gate, help="metric of the pairs' gate")
    made.add_argument("--space", default=base.space)
    made.add_argument("--classes", type=int, default=base.n_classes)
    made.add_argument("--runtime", default=base.runtime)
    made.add_argument("--precision", default=base.precision)
    made.add_argument("--threads", type=int, default=base.threads)
    made.add_argument("--meter", default=base.meter)
    made.add_argument("--reference", default=base.reference)
    made.add_argument("--rounds", type=int, default=base.rounds)
    made.add_argument("--author", default=base.author)
    made.add_argument("--name", default=base.name, help="name of the device")
    made.add_argument("--again", default=base.again, help="noisy, a file, or ids")
    made.add_argument("--shape", default=base.shape, help="of an ONNX file's input: 1,3,224,224")
    made.add_argument(
        "--repeatability",
        type=int,
        nargs="?",
        const=REPEATS,
        metavar="SESSIONS",
        help="instead of a profile, how well ratios repeat here, as JSON; exit code 1 if over 1 %%",
    )
    made.add_argument("--wait", action="store_true", help="wait where --out is being written")
    made.add_argument("--out", type=Path, default=Path("profile.json"))
    return made


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0, 1 for an error or a missing figure, over 128 for a signal."""
    given = vars(parser().parse_args(arguments))
    out = given.pop("out")
    given["n_classes"] = given.pop("classes")
    repeats, wait = given.pop("repeatability"), given.pop("wait")

    def told(done: int, total: int, entry: dict[str, Any]) -> None:
        sys.stderr.write(f"{done}/{total} {progress_line(entry)}\n")

    try:
        for option, registry in (("runtime", RUNTIMES), ("meter", METERS), ("space", SPACES)):
            given[option] = registry.typed(given[option])  # which may be a file of one's own
        request = ProfileRequest(**given)
        if repeats is not None:
            document = report_of(request, repeats, lambda text: sys.stderr.write(f"{text}\n"))
            sys.stdout.write(json.dumps(document, indent=1) + "\n")
            return 0 if repeats_well(document) else 1
        waiting = holding(out, wait, lambda line: sys.stderr.write(f"{line}\n"))
        with stopping(), writable_place(out, is_folder=False), waiting:
            before = earlier(out)
            profile = run_request(request, out, told)
    except BigLittleError as error:
        sys.stderr.write(f"error: {plain(str(error), lines=True)}\n")
        return 1
    except KeyboardInterrupt as stop:
        place = f"what was finished is in {out}, and the same command goes on from there"
        sys.stderr.write(f"{word_of(stop)}; {place if out.exists() else 'nothing was written'}\n")
        return exit_code_of(stop)
    sys.stdout.write("\n".join(summary(profile, out, before)) + "\n")
    if (reasons := failed_files(request, profile)) is not None:
        sys.stderr.write(f"error: {reasons}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
