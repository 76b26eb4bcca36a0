"""Builds and extends a table in stages.

    teacher    a dense network, and what it says about augmented views
    train      the supernet
    evaluate   the networks of the design, with the weights they inherit
    assemble   the table of everything evaluated so far
    exits      exit heads on the frozen supernet, and what they answer
    trust      networks trained further or from scratch: what inherited accuracies are worth
    pairs      some pairs co-trained in three ways
    int8       the networks of the table quantised, and what they then answer; only by its name
    extend     adds what was evaluated since to the table
    oracle     the teacher's own answers as a row of the table; only by its name

Every stage leaves files in a working folder and goes on from them, so the build can be killed at
any moment and started again. The table that ships is replaced only by a whole new one.
"""

from __future__ import annotations

import logging
from pathlib import Path

from ...bench import Benchmark
from ...bench.datasets import Images
from ...bench.errors import TableError, UnknownNameError
from ...bench.locks import holding
from ...cotrain.exit_heads import save_exit_heads, trunk_hash
from ...cotrain.precision import trial_text
from ...cotrain.restart import begin_from
from ...cotrain.schedule import load_schedule
from ...cotrain.supernet import Supernet
from ...cotrain.train_supernet import Progress, SupernetRun
from ...cotrain.views import TeacherAnswers
from ...cotrain.weights import kept_supernet_facts, save_weights
from .assemble import assemble, begun_with, extend
from .exit_rows import choose_exits, exits_there
from .exits import exit_jobs
from .jobs import inherited_jobs, jobs_besides, pair_jobs, run_jobs, trust_jobs
from .plan import Plan, of_another_supernet
from .quantise import quantised_jobs
from .recipe import EXITS_NAME, WEIGHTS_NAME, TableRecipe
from .selection import ChosenPair, choose_pairs, read_pairs, write_pairs
from .site import Job, Site
from .stage_names import STAGES
from .teach import teach

log = logging.getLogger(__name__)

#: Folder in a build's working folder for the weights of the last whole epoch, in float16: what a
#: training on another machine begins from.
KEPT = "kept"


def _taught(plan: Plan, splits: dict[str, Images], device: str, threads: int) -> TeacherAnswers:
    return teach(plan.working, splits, plan.dataset, device, threads, trained=plan.recipe.teacher)


def train(plan: Plan, device: str = "cpu", threads: int = 1) -> None:
    """Trains the supernet, or goes on from its checkpoint, with a line in the log every minute."""
    splits, answers = plan.images(), None
    if plan.schedule.has_teacher:
        answers = _taught(plan, splits, device, threads)
    run = SupernetRun(plan.schedule, plan.working, splits, device, threads, answers)
    rates = run.trial()
    log.info("%s", trial_text(rates, threads, run.precision))

    def report(p: Progress) -> None:
        log.info(
            "epoch %d/%d step %d/%d loss %.3f accuracy %.3f, %.0f min left",
            p.epoch + 1,
            p.n_epochs,
            p.step,
            p.steps_per_epoch,
            p.loss,
            p.accuracy,
            p.eta_s / 60,
        )

    def keep(epochs: int, net: Supernet) -> None:
        facts = kept_supernet_facts(plan.dataset.name, epochs, run.elapsed_s)
        folder = plan.working / KEPT
        folder.mkdir(exist_ok=True)
        save_weights(folder / WEIGHTS_NAME, net, facts)
        if net.exit_heads is not None:
            trunk = trunk_hash(net.state_dict())
            save_exit_heads(folder / EXITS_NAME, net.exit_heads, trunk, facts)

    run.train(report, on_epoch=keep)


def begin(recipe: TableRecipe, working: Path, weights: Path) -> int:
    """Lays a checkpoint from kept weights in a working folder that has none; returns its epoch.

    Exit heads that lie beside the weights go on as well, where the schedule trains them.

    Raises:
        CheckpointError: there is one already, or the weights do not fit the schedule.
    """
    heads = weights.with_name(EXITS_NAME)
    schedule = load_schedule(recipe.schedule)
    return begin_from(schedule, weights, working, heads if heads.exists() else None)


def chosen_pairs(site: Site, table: Path) -> list[ChosenPair]:
    """The pairs to co-train: as they were chosen before, or chosen now from the table.

    Raises:
        TableError: there is no table to choose from.
        CheckpointError: it was built from other supernet weights.
    """
    file = site.plan.working / "pairs.json"
    chosen = read_pairs(file, site.origin)
    if chosen is None:
        if not table.exists():
            raise TableError(
                f"pairs are chosen from the table of inherited networks, but {table} does not "
                "exist; run 'biglittle table build --stage evaluate' and '--stage assemble' first."
            )
        bench = Benchmark.load(table)
        if bench.table.training.get("supernet_sha256") != site.origin:
            raise of_another_supernet(f"the networks of {table}, from which pairs are chosen,")
        chosen = choose_pairs(site.plan.recipe, bench)
        write_pairs(file, chosen, site.origin)
    return chosen


def _made(table: Path) -> Path:
    """A table's file, in a folder that is there."""
    table.parent.mkdir(parents=True, exist_ok=True)
    return table


def run_stage(
    stage: str,
    plan: Plan,
    table: Path | None = None,
    workers: int = 1,
    threads: int = 1,
    device: str = "cpu",
    limit: int | None = None,
    shard: tuple[int, int] = (0, 1),
    on: str = "local",
    earlier: Path | None = None,
    present: Path | None = None,
) -> str:
    """Runs one stage and returns a line that says what was done.

    Args:
        stage: name of the stage, one of ``STAGES``.
        plan: the build whose stage runs.
        table: the table's file; None: that of the recipe.
        workers: processes that share the jobs of a stage.
        threads: threads of each of them, and of the supernet's training.
        device: torch device that trainings run on.
        limit: jobs to run at the most; None: all.
        shard: (i, n): of the jobs only every n-th from the i-th on.
        on: where they run: ``local``, or ``ray`` and perhaps the address of its cluster.
        earlier: table whose trained networks one that is assembled keeps; None: none.
        present: table whose rows are not made again; None: every job of the stage runs.

    Raises:
        UnknownNameError: there is no stage of that name.
        InUseError: another process writes the same table.
    """
    table = table or plan.recipe.table
    if stage == "teacher":
        if not plan.schedule.has_teacher:
            return "no phase of the schedule learns from a teacher: none trained"
        answers = _taught(plan, plan.images(), device, threads)
        answers.make(lambda done, n: log.info("teacher's views: %d of %d", done, n))
        return "teacher trained, its answers stored"
    if stage == "train":
        train(plan, device, threads)
        return "supernet trained"
    if stage == "assemble":
        with holding(_made(table)):
            return f"table written, SHA-256 {assemble(plan, table, earlier=earlier)}"
    if stage == "extend":
        with holding(_made(table)):
            digest, count = extend(plan, table)
        return f"{count} rows added, SHA-256 {digest}"
    if stage == "oracle":
        from .oracle import add_teacher

        with holding(_made(table)):
            return add_teacher(plan, table)
    if stage == "cascades":
        from .cascades import make_cascades

        with holding(_made(table)):
            names = make_cascades(plan, table, threads, device)
        return f"cascades ready to run: {', '.join(names) or 'none'}"
    site = Site(plan, threads, device)
    jobs: list[Job]
    if stage == "evaluate":
        jobs = inherited_jobs(plan)
    elif stage == "exits":
        jobs = exit_jobs(plan, table)
    elif stage == "int8":
        jobs = quantised_jobs(begun_with(plan, table))
    elif stage == "trust":
        jobs = trust_jobs(plan, exits_there(plan, begun_with(plan, table), site.origin))
    elif stage == "pairs":
        jobs = pair_jobs(plan.recipe, chosen_pairs(site, table))
    else:
        raise UnknownNameError("stage", stage, (*STAGES, "all"))
    if present is not None and stage != "exits":  # those are chosen among all that are evaluated
        jobs = jobs_besides(jobs, begun_with(plan, present), site.origin)
    left = run_jobs(site, jobs, workers, limit, shard, on)
    if stage == "exits":
        choose_exits(plan, table, site.origin)
    return f"stage {stage}: {len(jobs)} jobs, {left} of this share left"
