"""A front on disk: ``front.csv``, ``front.json`` and the resolved ``config.toml``.

Each file is written beside its place and renamed into it, so that a reader never sees half of one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..bench import BigLittleError, Evaluator, OperatingPoint, Points
from ..bench.documents import json_text, read_json, typed
from ..bench.figures import POINT_FIGURES
from ..bench.files import write_together
from ..bench.provenance import gathered, words_among
from ..bench.recommend import Recommendation, alone, as_records, marks, recommended_rows
from ..bench.tabular import csv_text
from ..bench.text_files import parse_csv, read_text, text_of_cell
from .front_document import COUPLING, LATER, NAMED, FrontDocument
from .front_question import FrontQuestion, config_of_cells, question_cells
from .search import SINGLE_COSTS, SearchOutcome, SearchSettings, SingleNetworks

_ASKED = ("device", "table")
#: An id of many digits after a spreadsheet took it for a number.
_SHORTENED = re.compile(r"\d+([.,]\d+)?[eE]\+?\d+(@\d+)?(:\w+)?")
SINGLE_FIGURES = ("accuracy", *SINGLE_COSTS)


@dataclass(frozen=True)
class FrontFile:
    """What a ``front.json`` holds.

    Attributes:
        config: the resolved config of the run that wrote it.
        points: operating points of the front, in the file's order.
        best_singles: the best single network at each point's cost; None where the file has none.
        label: name of the file, for messages.
        recommended: what the search answered at each budget; None where the file does not say.
        marked: rows that a CSV marks as recommended.
    """

    config: dict[str, Any]
    points: Points
    best_singles: SingleNetworks | None
    label: str = "the front"
    recommended: tuple[Recommendation, ...] | None = None
    marked: tuple[int, ...] = ()

    @property
    def recommended_rows(self) -> tuple[int, ...]:
        """Rows of the recommended pairs, the first answer first; worked out where none is named."""
        return self.marked or recommended_rows(self.points, self.recommended)

    @property
    def recommended_elsewhere(self) -> tuple[OperatingPoint, ...]:
        """Recommended pairs that are not on the front: those that a table measured to be better."""
        answers = self.recommended or ()
        return tuple(a.pair for a in answers if a.row is None and a.pair and a.verdict == "pair")

    @property
    def question(self) -> FrontQuestion:
        """The devices and the table that the front was searched for."""
        return FrontQuestion.of(self.config, self.label)


def resolved_config(
    searcher: str,
    evaluator: Evaluator,
    settings: SearchSettings,
    sources: Mapping[str, Any],
) -> dict[str, Any]:
    """The config of a run, with everything that is needed to repeat it; None is left out.

    Args:
        searcher: key of the searcher.
        evaluator: what was searched: its space, choices and gates are recorded.
        settings: objectives, limits, budget and seed of the search.
        sources: what the figures rest on, such as ``device``, ``surrogate``, ``table`` and their
            ``surrogate_sha256`` and ``table_sha256``.
    """
    options = {name: value for name, value in asdict(settings).items() if value is not None}
    options["objectives"] = list(settings.objectives)
    return {
        "biglittle_version": __version__,
        "searcher": searcher,
        **options,
        "space": evaluator.space.name,
        "space_sha256": evaluator.space.hash,
        "choices": list(evaluator.choices),
        "gates": list(evaluator.gates),
        "sources": dict(sources),
    }


def front_json(
    config: Mapping[str, Any],
    points: Points,
    best_singles: SingleNetworks | None = None,
    best: Points | None = None,
    recommended: Sequence[Recommendation] = (),
) -> dict[str, Any]:
    """The front as plain JSON: ``{"config": {...}, "front": [{...}, ...]}``.

    A record whose point asks one of its networks next to never names the other in
    ``answers_alone``, which is None elsewhere. With ``best_singles`` each record also has
    ``best_single``, which is None where no single network is cheap enough; ``best`` under a soft
    score stands beside the front, and so does what is ``recommended``.
    """
    records = points.records()
    for record, network in zip(records, alone(points), strict=True):
        record["answers_alone"] = str(network) or None
    if best_singles is not None:
        for record, single in zip(records, best_singles.records(), strict=True):
            record["best_single"] = single
    best_record = {} if best is None else {"best": best.records()[0]}
    answered = {"recommended": as_records(recommended)} if recommended else {}
    return {"config": dict(config), **answered, **best_record, "front": records}


def write_results(
    folder: str | Path,
    outcome: SearchOutcome,
    config: Mapping[str, Any],
    best_singles: SingleNetworks | None = None,
    recommended: Sequence[Recommendation] = (),
) -> tuple[Path, ...]:
    """The paths of ``front.csv``, ``front.json`` and ``config.toml``, written into ``folder``.

    The two front files depend on the search alone, so the same seed writes the same bytes; what
    the run took is in ``config.toml`` under ``[run]``.

    Args:
        folder: folder of the files, made if it is not there.
        outcome: what the search returned, its front among it.
        config: config of the run, as from `resolved_config`.
        best_singles: rows of `best_single`, one for each point of the front.
        recommended: what the search answers at each budget.

    Raises:
        BigLittleError: the folder cannot be written to.
    """
    run = {
        "n_evaluations": outcome.n_evaluations,
        "n_infeasible": outcome.n_infeasible,
        "n_unusable": outcome.n_unusable,
        "n_networks": outcome.n_networks,
        "n_front": len(outcome.front),
        "duration_s": round(outcome.seconds_total, 3),
        "evaluating_s": round(outcome.seconds_evaluating, 3),
        "overhead_s": round(outcome.seconds_overhead, 3),
    }
    document = front_json(config, outcome.front, best_singles, outcome.best, recommended)
    return write_files(
        folder,
        {
            "front.csv": _csv(config, outcome.front, best_singles, recommended),
            "front.json": json_text(document, indent=1) + "\n",
            "config.toml": to_toml({**config, "run": run}),
        },
    )


def write_files(folder: str | Path, texts: Mapping[str, str]) -> tuple[Path, ...]:
    """Writes every text under its name in ``folder``; a failure leaves what was there before.

    Raises:
        BigLittleError: the folder cannot be made or written to.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_together(folder, {name: text.encode() for name, text in texts.items()})
    except OSError as error:
        raise BigLittleError(
            f"cannot write results to {folder}: {error.strerror or error}. Name a folder that can "
            "be written to."
        ) from error
    return tuple(folder / name for name in texts)


def _csv(
    config: Mapping[str, Any],
    points: Points,
    best_singles: SingleNetworks | None,
    recommended: Sequence[Recommendation],
) -> str:
    own, why, n = points.columns(), marks(recommended), len(points)
    words = {name: own.pop(name) for name in [*own] if name.endswith("_provenance")}
    own.pop("split")
    columns: dict[str, Any] = {**own, "answers_alone": alone(points)}
    if why:
        columns["recommended"] = [why.get(row, "") for row in range(n)]
    columns |= words
    if best_singles is not None:
        singles: list[dict[str, Any]] = [r or {"provenance": {}} for r in best_singles.records()]
        for name in ("architecture", *SINGLE_FIGURES):
            columns[f"best_single_{name}"] = [single.get(name) for single in singles]
        for name in SINGLE_FIGURES:
            word = [single["provenance"].get(name, "") for single in singles]
            columns[f"best_single_{name}_provenance"] = word
    cells = question_cells(config)
    return csv_text(columns | {name: [cell] * n for name, cell in cells.items() if cell})


def read_front(path: str | Path) -> FrontFile:
    """The front of a ``front.json`` or a ``front.csv``, or of the folder that holds one.

    A CSV has no config but the device and the table, and no best singles.

    Raises:
        BigLittleError: there is no such file, or it is not a front.
    """
    path = Path(path)
    if path.is_dir():
        in_csv = (path / "front.csv").exists() and not (path / "front.json").exists()
        path /= "front.csv" if in_csv else "front.json"
    try:
        if path.suffix.lower() == ".csv":
            document = _csv_document(read_text(path))
        else:
            document = read_json(path)
        typed(document, FrontDocument)
        records = document["front"]
        points = Points(
            little=np.array([r["little"] for r in records], np.str_),
            big=np.array([r["big"] for r in records], np.str_),
            gate=np.array([r["gate"] for r in records], np.str_),
            **{name: _column(records, name) for name in ("threshold", *POINT_FIGURES)},
            provenance=_provenance(records, POINT_FIGURES),
            split=None,
            coupling=np.array([r.get(COUPLING) or "" for r in records], np.str_),
        )
        singles = None
        if any("best_single" in r for r in records):
            singles = _singles([r.get("best_single") for r in records])
        answered = document.get("recommended")
        recommended = None if answered is None else tuple(map(Recommendation.of, answered))
        marked = tuple(document.get("marked", ()))
        return FrontFile(dict(document["config"]), points, singles, path.name, recommended, marked)
    except OSError as error:
        raise BigLittleError(
            f"cannot read {path}: {error.strerror or error}. Expected the front.json or "
            "front.csv of a search."
        ) from error
    except ValueError as error:
        raise BigLittleError(
            f"{path} is not a front: {error}. Expected the front.json or "
            "front.csv that 'biglittle search' wrote, or the JSON of 'biglittle front'."
        ) from error


def _csv_document(text: str) -> dict[str, Any]:
    """A front from CSV, as it was written or as a spreadsheet saved it again."""
    words_of = {name: f"{name}_provenance" for name in POINT_FIGURES}
    wanted = (*NAMED, "threshold", *POINT_FIGURES, COUPLING, *words_of.values())
    table = parse_csv(text, wanted)
    later = {*LATER, COUPLING, *(words_of[name] for name in LATER)}
    missing = [name for name in wanted if name not in {*table.columns} | later]
    if missing:
        raise ValueError(f"it has no column {missing[0]!r}")
    words = {n: [text_of_cell(w) for w in table.words(n)] for n in table.columns if n}
    for name in ("little", "big"):
        for row, word in enumerate(words[name]):
            if _SHORTENED.fullmatch(word):
                raise ValueError(
                    f"{table.place(row, name)}: got {word!r}, expected an id: a spreadsheet took "
                    "it for a number and dropped its digits; have it keep that column as text"
                )
    numbers = [name for name in ("threshold", *POINT_FIGURES) if name in words]
    figures = table.numbers(numbers, empty=True)
    records: list[dict[str, Any]] = []
    for row, values in enumerate(figures.tolist()):
        named = (n for n in (*NAMED, COUPLING) if n in words)
        record: dict[str, Any] = {name: words[name][row] for name in named}
        record |= dict.fromkeys(POINT_FIGURES)
        record |= {n: None if v != v else v for n, v in zip(numbers, values, strict=True)}
        provenance = {name: words[of][row] for name, of in words_of.items() if of in words}
        record["provenance"] = {name: word for name, word in provenance.items() if word}
        records.append(record)
    of_file = [words.get(n, [""] * len(table)) for n in _ASKED]
    questions = {*zip(*of_file, strict=True)}
    if len(questions) > 1:
        raise ValueError("its rows are of several devices or tables")
    marked = [row for row, why in enumerate(words.get("recommended", ())) if why]
    config = config_of_cells(*questions.pop()) if questions else {}
    return {"config": config, "front": records, "marked": marked}


def _column(records: Sequence[Mapping[str, Any]], name: str) -> NDArray[np.float64]:
    values = [r.get(name) if name in LATER else r[name] for r in records]
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _provenance(
    records: Sequence[Mapping[str, Any] | None], names: Sequence[str] | None = None
) -> Mapping[str, str]:
    """How the figures of records came about, of those with ``names``; None: of all."""
    every = (record or {"provenance": {}} for record in records)
    words = gathered(
        [
            {k: w for k, w in dict(r["provenance"]).items() if names is None or k in names}
            for r in every
        ]
    )
    answers = [words_among(words, name) for name in ("accuracy", "escalation_rate")]
    if any(len(some) > 1 and "predicted" in some for some in answers):
        raise ValueError("its records differ in provenance: some are predicted for other images")
    return words


def _singles(records: Sequence[Mapping[str, Any] | None]) -> SingleNetworks:
    empty: dict[str, Any] = {"architecture": "", **dict.fromkeys(SINGLE_FIGURES)}
    rows = [empty if r is None else r for r in records]
    return SingleNetworks(
        architecture=np.array([r["architecture"] for r in rows], np.str_),
        **{name: _column(rows, name) for name in SINGLE_FIGURES},
        provenance=_provenance(records),
    )


def to_toml(config: Mapping[str, Any]) -> str:
    """The config as TOML: strings, numbers, bools, lists of these, and dicts as sections.

    A value that is None is left out, since TOML has no word for it.

    Raises:
        BigLittleError: a value of another type.

    >>> print(to_toml({"seed": 3, "limits": {"latency_ms": 20.0}}), end="")
    seed = 3
    <BLANKLINE>
    [limits]
    latency_ms = 20.0
    """
    lines: list[str] = []
    _toml_section(config, (), lines)
    return "\n".join(lines).lstrip("\n") + "\n"


def _toml_section(config: Mapping[str, Any], above: tuple[str, ...], lines: list[str]) -> None:
    sections = {k: v for k, v in config.items() if isinstance(v, Mapping)}
    values = {k: v for k, v in config.items() if k not in sections and v is not None}
    if above and (values or not sections):
        lines += ["", f"[{'.'.join(_toml_key(k) for k in above)}]"]
    lines += [f"{_toml_key(k)} = {_toml_value(v, k)}" for k, v in values.items()]
    for key, inner in sections.items():
        _toml_section(inner, (*above, key), lines)


def _toml_key(key: str) -> str:
    bare = key.replace("_", "").replace("-", "")
    return key if bare.isascii() and bare.isalnum() else _toml_value(key, key)


def _toml_value(value: Any, key: str) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str | Path):
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml_value(v, key) for v in value)}]"
    raise BigLittleError(
        f"config value {key!r} is a {type(value).__name__}; expected a string, number, bool, list "
        "or section."
    )
