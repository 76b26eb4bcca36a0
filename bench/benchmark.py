"""The benchmark: every pair, gate and threshold of a table, evaluated without training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike, NDArray

from .benchmark_facts import BenchmarkFacts
from .cascade import Cascade
from .cascade_points import CascadePoint
from .cascades import Cascades
from .curve import Curve, Curves
from .diagnostics import Diagnostics, explain
from .errors import AnswersError, ConstraintError
from .exact_curves import exact_choice, exact_curve, exact_curves
from .fronts import Front, Fronts
from .gate import Gate, metric_name
from .gates import N_CODES
from .hypervolume import Reference
from .pair import Pair
from .points import OperatingPoint, Points
from .regret import References
from .shipped_tables import find_table
from .table import Table

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

    from .own.costs import NetworkCost


class Benchmark(BenchmarkFacts):
    """Exact evaluation of every pair, gate and threshold of a table, without training.

    What is chosen is chosen on ``val``, what is reported is reported on ``test``: ``front`` and
    ``choose`` do both, each on its split, and everything else reports on ``test`` unless told
    otherwise. ``cascades`` answers for two to four networks: fronts and exits too (`Cascades`).

    Example::

        bench = Benchmark.load("fbnet-cifar10")
        point = bench.query(pair, Gate("margin", 0.42), device="raspberry-pi-4")
    """

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self.cascades, self._fronts = Cascades(self._exact), Fronts(self._exact)
        self._references = References(self._exact, self._fronts)
        self._folder: TemporaryDirectory[str] | None = None

    @classmethod
    def load(
        cls,
        name: str | Path,
        check: bool = True,
        sha256: str | None = None,
        precisions: Sequence[str] | str | None = None,
    ) -> Benchmark:
        """A shipped table by name, a table file by path, or a published archive of one.

        An archive (``biglittle table pack``) is fetched and unpacked once, into the folder of data
        sets (``$BIGLITTLE_DATA``).

        Args:
            name: "fbnet-cifar10", the path of a ``.h5`` file, or the path or address of a ``.tar``.
            check: compare the table's SHA-256 with the manifest beside it.
            sha256: hash of the file or the archive, which an address needs; None: the one behind
                ``#sha256=`` in its name, if any.
            precisions: precisions of the networks that fronts, searches and comparisons look at;
                None: fp32. A query may name a network of any precision.

        Raises:
            UnknownNameError: neither a shipped table nor a file, or no such precision.
            TableError: truncated, foreign or edited, of another hash, or without networks of a
                precision.
            DownloadError: it cannot be fetched.
        """
        return cls(Table(find_table(name, sha256), check, precisions))

    @classmethod
    def from_answers(
        cls,
        answers: Mapping[str, Any],
        labels: Any,
        costs: Mapping[str, Any] | Sequence[NetworkCost] | None = None,
        split: float | Sequence[int] | NDArray[Any] = 0.5,
        out: str | Path | None = None,
        replace: bool = False,
        **options: Any,
    ) -> Benchmark:
        """A benchmark of anybody's models, from what they answered.

        All that a shipped table answers it answers too, of networks that are known by name.

        Args:
            answers: by the name of a network its probabilities, shape (n_images, n_classes), or a
                pair (top1, confidence); a frame or a mapping with these columns; or a function
                that returns such. Two such mappings where val and test come apart.
            labels: true classes, shape (n_images,), or of "val" and "test".
            costs: by the name of a network its latency in ms, or a mapping of figures.
            split: share of the images that are val, or which ones are.
            out: table file to write (.h5); None: one that goes with the benchmark. A table of
                these very answers is written anew, with the costs and the split of now.
            replace: whether any other file at ``out`` gives way to it.
            options: further arguments of `own.contents.given_contents`: seed, kind, ids, device.

        Raises:
            AnswersError: answers, labels or costs that do not fit together, or another file is
                at ``out`` and ``replace`` is not set.
        """
        from tempfile import TemporaryDirectory  # what a query has no time to import

        from .own.contents import given_contents, write_given

        folder = TemporaryDirectory(prefix="biglittle-") if out is None else None
        path = Path(folder.name) / "given.h5" if folder else Path(str(out))
        options.setdefault("name", path.stem)
        write_given(path, given_contents(answers, labels, costs, split, **options), replace)
        bench = cls.load(path)
        bench._folder = folder
        return bench

    def with_network(
        self,
        name: str,
        answers: Mapping[str, Any],
        out: str | Path | None = None,
        replace: bool = False,
        **facts: Any,
    ) -> Benchmark:
        """The same benchmark with a network of one's own beside those of its space.

        It is found by its name: ``bench.query((little, "oracle"), ...)``. Fronts, searches and
        surrogates are of the space, and leave it out.

        Args:
            name: what it is called.
            answers: what it answered to the images of "val" and of "test", each of shape (n_images,
                n_classes), in the order of the table.
            out: table file to write (.h5); None: one that goes with the benchmark.
            replace: whether a file at ``out`` gives way to it.
            facts: further arguments of `own.beside.external_network`: kind, latency_ms, energy_mj,
                macs, params.

        Raises:
            ArchitectureError: a name that cannot stand beside ids of the space.
            AnswersError: answers of other images or classes, a cost that is no amount, or a file
                at ``out`` that is not to be replaced.
            UnknownNameError: a cost on a device that neither the table nor a profile knows.
            TableError: a table of given networks, or one that has a network of this name.
        """
        from tempfile import TemporaryDirectory  # what a query has no time to import

        from .own.beside import external_network, write_beside

        new = external_network(self.table, name, answers, **facts)
        folder = TemporaryDirectory(prefix="biglittle-") if out is None else None
        path = Path(folder.name) / self.table.path.name if folder else Path(str(out))
        if path.exists() and not replace:
            raise AnswersError(f"{path} exists; give replace=True, or another 'out'.")
        write_beside(self.table, new, path)
        bench = type(self).load(path, precisions=self.table.precisions)
        bench._folder = folder
        return bench

    # ---- some points -----------------------------------------------------------------------
    def query(
        self,
        pair: Pair | tuple[str, str],
        gate: Gate | tuple[str, float],
        device: str,
        split: str = "test",
    ) -> OperatingPoint:
        """The operating point of a pair under a gate.

        Where one of the two networks alone, or else another one of the table, is at least as
        accurate and costs no more, the point says so: ``better_alone``.

        Args:
            pair: the pair, or two ids as (little, big).
            gate: the gate, or (metric, threshold).
            device: name of a device of the table, or the path of a profile.
            split: "test" to report, "val" to choose.

        Raises:
            TableError: a network that is not in the table.
            GateError: the threshold lies outside the metric's range.
            UnknownNameError: no device or no split has this name.
        """
        return self._exact.point(Pair.of(pair), Gate.of(gate), device, split)

    def pair_costs(
        self,
        pair: Pair | tuple[str, str],
        escalation_rate: float,
        device: str,
        gate: str = "margin",
    ) -> dict[str, Any]:
        """What a pair costs where a share of its inputs is escalated, however it was trained.

        Of a pair of these architectures whose answers the table does not hold, for example one that
        was co-trained: the share is then what was counted elsewhere.

        Args:
            pair: the pair, or two ids as (little, big).
            escalation_rate: share of the inputs that reach the big network, in [0, 1].
            device: name of a device of the table, or the path of a profile.
            gate: metric of the gate, whose own cost counts where the pair was measured.

        Returns:
            Figures by name (``latency_ms``, ``energy_mj``, ...; None where there is none) and
            ``provenance``, a mapping of words by the same names.

        Raises:
            TableError: a network that is not in the table.
            ConstraintError: a rate that is no share.
            UnknownNameError: no device or no gate has this name.
        """
        is_number = isinstance(escalation_rate, Real) and not isinstance(escalation_rate, bool)
        if not is_number or not 0 <= escalation_rate <= 1:
            raise ConstraintError(
                f"an escalation rate of {escalation_rate!r}; expected a share from 0 to 1 (25 % is "
                "0.25). The rate that a gate has in the table: Benchmark.query."
            )
        little, big = self.table.pair_rows(Pair.of(pair))
        name, rate = metric_name(gate), float(escalation_rate)
        values, words = self._exact.price(little, big, name, rate, device)
        there = {name: word for name, word in words.items() if values.get(name) is not None}
        return {**values, "provenance": there}

    def query_many(
        self,
        little: ArrayLike,
        big: ArrayLike,
        gate: str | ArrayLike,
        threshold: ArrayLike,
        device: str,
        split: str = "test",
    ) -> Points:
        """Many operating points at once; the arrays broadcast against one another.

        Args:
            little: ids of inherited networks, or rows of the table (which is faster), shape (n,).
            big: ids or rows of the networks that answer what is escalated, shape (n,).
            gate: name of the gate, one or n of them.
            threshold: thresholds in the unit of their gate.
            device: name of a device of the table, or the path of a profile.
            split: "test" to report, "val" to choose.

        Raises:
            TableError: a network that is not in the table.
            GateError: a threshold outside the gate's range.
            UnknownNameError: no gate, device or split has this name.
        """
        return self._exact.many(little, big, gate, threshold, device, split)

    def reported(self, points: Points, device: str, split: str = "test") -> Points:
        """The same pairs, gates and thresholds evaluated on another split, or device.

        Raises:
            TableError: a network that is not in the table.
        """
        return self.query_many(
            points.little, points.big, points.gate, points.threshold, device, split
        )

    def choose(
        self,
        pair: Pair | tuple[str, str],
        gate: str,
        device: str,
        limits: Mapping[str, float],
    ) -> OperatingPoint:
        """The threshold that is most accurate within limits on ``val``, reported on ``test``.

        Where one of the two networks alone, or else another one of the table, is at least as
        accurate within the limits on ``val``, the point says so: ``better_alone``, with its
        accuracy on ``test``.

        Args:
            pair: the pair, or two ids as (little, big).
            gate: name of the gate metric.
            device: name of the device.
            limits: largest values by figure, for example ``{"latency_ms": 20.0}``.

        Raises:
            ConstraintError: no threshold meets the limits on ``val``.
        """
        return exact_choice(self._exact, Pair.of(pair), metric_name(gate), device, limits)

    def explain(
        self, pair: Pair | tuple[str, str], gate: Gate | tuple[str, float], split: str = "test"
    ) -> Diagnostics:
        """Why a pair under a gate is as good as it is: routing, gap to the oracle, classes.

        Raises:
            TableError: a network that is not in the table.
            GateError: the threshold lies outside the gate's range.
        """
        return explain(self.table, Pair.of(pair), Gate.of(gate), split)

    # ---- whole curves ----------------------------------------------------------------------
    def curve(
        self, pair: Pair | tuple[str, str], gate: str, device: str, split: str = "test"
    ) -> Curve:
        """All operating points of a pair under one gate metric, both ends included.

        Raises:
            TableError: a network that is not in the table.
            UnknownNameError: no metric, device or split has this name.
        """
        return exact_curve(self._exact, Pair.of(pair), metric_name(gate), device, split)

    def curves(
        self,
        little: str,
        gate: str,
        device: str,
        bigs: Sequence[str] | None = None,
        split: str = "test",
    ) -> Curves:
        """The curves of one little network with many bigs.

        Args:
            little: id of an inherited network.
            gate: name of the gate metric.
            device: name of the device.
            bigs: ids of inherited networks; None takes all.
            split: "test" to report, "val" to choose.

        Raises:
            TableError: a network that is not in the table.
            UnknownNameError: no metric, device or split has this name.
        """
        return exact_curves(self._exact, little, metric_name(gate), device, bigs, split)

    # ---- cascades of two to four networks --------------------------------------------------
    def query_cascade(self, cascade: Cascade, device: str, split: str = "test") -> CascadePoint:
        """The operating point of a cascade, as ``query`` of a pair; see ``Cascades.query``."""
        return self.cascades.query(cascade, device, split)

    def choose_cascade(
        self,
        networks: Sequence[str] | Pair,
        gate: str | Sequence[str],
        device: str,
        limits: Mapping[str, float],
        objective: str = "accuracy",
    ) -> CascadePoint:
        """The best thresholds within limits on ``val``, of all of them; see ``Cascades.choose``."""
        return self.cascades.choose(networks, gate, device, limits, objective)

    # ---- all pairs -------------------------------------------------------------------------
    def front(
        self,
        device: str,
        objectives: Sequence[str] = ("error", "latency_ms"),
        limits: Mapping[str, float] | None = None,
        gates: Sequence[str] | None = None,
        n_thresholds: int = N_CODES,
        on_progress: Callable[[int, int], None] | None = None,
        couplings: Sequence[str] | None = None,
        little: str = "",
        big: str = "",
    ) -> Front:
        """The exact front over all pairs of inherited networks, all gates and thresholds.

        Networks that are cut at an exit are among them wherever the table has some.

        Chosen on ``val``, reported on ``test``. A front that took a while is kept for the next time
        (`kept_front`), and worked out anew when anything that it follows from is different.

        Args:
            device: name of a device of the table, or the path of a profile.
            objectives: one to three figures of an operating point.
            limits: figures that may not be exceeded (for accuracy: undercut), on ``val``.
            gates: gate metrics; None takes those that tables store. The control ``random`` and
                the bound ``oracle`` are answered as well, by themselves or with others.
            n_thresholds: thresholds of a gate; fewer than 256 are spread evenly over the codes.
            on_progress: called with (little networks done, little networks).
            couplings: the only ones that pairs may have, of ``sibling``, ``nested`` and ``prefix``;
                None: all.
            little: name of the only network that may answer first; "": any.
            big: name of the only network that may answer what is escalated; "": any. Both may be
                networks that are none of the space (`with_network`).

        Raises:
            ConstraintError: nothing meets the limits; says what the best reachable is. Or no two
                networks have one of the couplings.
            UnknownNameError: no device, objective, gate or coupling has this name.
            FrontInterrupted: on an interrupt; its ``front`` holds what was done, as a ``Front``
                that says it is not complete.
        """
        return self._fronts.front(
            device, objectives, limits, gates, n_thresholds, on_progress, couplings, little, big
        )

    # ---- how far from the optimum ----------------------------------------------------------
    def reference(
        self, device: str, objectives: Sequence[str] = ("error", "latency_ms")
    ) -> Reference:
        """The box in which fronts are compared, and the hypervolume of the true one.

        As it stands with the table; worked out from the true front where the table has none.
        """
        return self._references.reference(device, objectives)

    def true_reference(self, device: str, objectives: Sequence[str]) -> Reference:
        """The reference box of the true front, worked out anew."""
        return self._references.true_reference(device, objectives)

    def reference_points(self) -> dict[str, dict[str, Any]]:
        """What is kept with a table: the boxes of ``REFERENCE_SETS`` by device, as plain JSON.

        Sets with a figure that no network has on a device are left out there.
        """
        return self._references.reference_points()

    def regret(
        self,
        points: Points | Front,
        device: str,
        objectives: Sequence[str] = ("error", "latency_ms"),
    ) -> float:
        """Normalised hypervolume regret: the share of the true front's hypervolume that is missing.

        0 means as good as the true front. The points are evaluated anew on ``val``, where fronts
        are chosen, so it does not matter what anyone promised of them.

        Args:
            points: any operating points of networks of this table.
            device: name of a device of the table.
            objectives: names of two or more figures.

        Raises:
            TableError: a network that is not in the table.

        Source: Zitzler and Thiele 1999 (hypervolume), by pymoo.
        """
        given = points.points if isinstance(points, Front) else points
        judged = self.reported(given, device, "val") if len(given) else given
        return self._references.regret(judged, device, objectives)
