"""``biglittle device import``: profiles from what others printed or published."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from ...bench.errors import ProfileError
from ...bench.figures import counted
from ...bench.plain_text import plain
from ...edge_profiler.log_profile import LogQuestion, log_profile
from ...edge_profiler.profile_file import write_profile
from ...output_option import written_as

PUBLISHED = "hw-nas-bench"
app = typer.Typer(add_completion=False)


@app.command(name="import")
def import_logs(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="LOG...",
            help="Logs of benchmark_model, trtexec or onnxruntime_perf_test, one a network, called "
            "ARCH[@EXIT].log or given as ARCH[@EXIT]=PATH; or hw-nas-bench and its file.",
        ),
    ],
    name: Annotated[str, typer.Option(help="Name of the device that the logs are of.")] = "",
    out: Annotated[
        Path | None,
        typer.Option(help="Profile to write; by default NAME.json.", callback=written_as(".json")),
    ] = None,
    space: Annotated[str, typer.Option(help="Search space of the networks.")] = "fbnet",
    n_classes: Annotated[
        int, typer.Option("--classes", min=1, help="Classes of their classifiers.")
    ] = 10,
    description: Annotated[str, typer.Option(help="One sentence on the device.")] = "",
    author: Annotated[str | None, typer.Option(help="Who measured.")] = None,
    precision: Annotated[
        str, typer.Option(help="Precision, where the logs do not say it.")
    ] = "fp32",
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads, where the logs do not say it.")
    ] = None,
    metric: Annotated[
        str, typer.Option(help="Device of HW-NAS-Bench; edgegpu is the Jetson TX2.")
    ] = "edgegpu",
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a profile that is there.")
    ] = False,
) -> None:
    """Makes a profile from logs of other tools, or from the published file of HW-NAS-Bench."""
    if what[0] == PUBLISHED:
        from .hw_nas_bench import import_profile

        if len(what) != 2:
            raise ProfileError(
                f"{PUBLISHED} and {len(what) - 1} files were given; expected its one file, "
                "HW-NAS-Bench-v1_0.pickle, which is read without running it."
            )
        own = import_profile(PUBLISHED, Path(what[1]), metric, replace).stem
        sys.stderr.write(plain(f"{own} is yours now: --device {own}") + "\n")
        return
    if not name:
        raise ProfileError("the logs do not name their device; add --name, such as my-phone.")
    target = out or Path(f"{name}.json")
    if target.exists() and not replace:
        raise ProfileError(f"{target} is there already; add --replace, or another --out.")
    question = LogQuestion(name, space, n_classes, description, author, precision, threads)
    profile = log_profile(what, question)
    write_profile(target, profile)
    lines = [
        f"{target}: {counted(len(profile['networks']), 'network')}, {profile['runtime']}, "
        f"{profile['precision']}",
        *profile["notes"],
        f"Next: biglittle device check {shlex.quote(str(target))}",
    ]
    sys.stdout.write(plain("\n".join(lines), lines=True) + "\n")
