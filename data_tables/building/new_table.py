"""A new table of one's own images and space: the recipe that starts it, from one that is there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...bench.datasets import Dataset, get_dataset
from ...bench.device import load_device
from ...bench.errors import BigLittleError
from ...bench.files import check_writable, write_together
from ...bench.spaces import get_space
from .recipe import TableRecipe

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LIST = re.compile(r"^resolutions = (\[.*\])(?= *(?:#.*)?$)", re.MULTILINE)
_SIDE = re.compile(r"(?<![\d.])\d{2,}(?![\d.])")
_FIELD = '^{} = ".*"$'
_TEXT = '''\
"""What is true of the ``{name}`` table alone; begun from {begun}.

Space, data set and schedule stand in ``supernet.toml``; how networks and pairs are trained further
in ``finetune.toml``, ``standalone.toml`` and ``pairs.toml``.
"""

from __future__ import annotations

from pathlib import Path

from ..building.recipe import Design, EvaluationTime, ExitRows, Selection, TableRecipe

FOLDER = Path(__file__).parent

RECIPE = TableRecipe(
    name="{name}",
    folder=FOLDER,
    design=Design(
        device="{device}",
        n_classes={n_classes},
        # Networks per band of latency, from the cheapest up: as of the table it began from.
        quotas={quotas},
        macs_cells={macs_cells},
        front_seed=FOLDER / "front_seed.json",
        # Of one core of the machine of that table; time one network of yours, and put it here.
        evaluation=EvaluationTime({images}, {seconds_per_image}, {seconds_per_mac}),
        front_latency_ms_max={latency_max},
    ),
    selection=Selection(finetuned={finetuned}, standalone={standalone}, evaluated_first={first}),
    exits=ExitRows(
        latency_ms_max={exits_max},
        names={exits},
    ),
)
'''


@dataclass(frozen=True)
class NewTable:
    """A recipe that was written.

    Attributes:
        folder: folder of its files.
        name: name of the table.
        dataset: name of its data set.
        own: whether the data set is one that the user made.
        networks: networks of its design.
    """

    folder: Path
    name: str
    dataset: str
    own: bool
    networks: int

    def text(self) -> list[str]:
        """Lines that say what to do next: five commands."""
        package = f"biglittle.data_tables.{self.folder.name}"
        get = f"biglittle data fetch {self.dataset}"
        if self.own:
            get = "biglittle data list    # the images are yours, and here"
        return [
            f"Written: {self.folder} (a design of about {self.networks} networks)",
            f'Add "{package}" to packages and package-data in pyproject.toml. Then, each of which',
            "goes on where it was stopped:",
            f"  {get}",
            f"  biglittle table design {self.name}",
            f"  biglittle table build {self.name}",
            f"  biglittle table verify {self.name}",
            f"  biglittle table pack {self.name} --out {self.name}.tar",
        ]


def new_table(
    name: str,
    space: str,
    dataset: str,
    like: TableRecipe,
    folder: Path,
    device: str | None = None,
    networks: int = 150,
    epochs: int | None = None,
) -> NewTable:
    """Writes the recipe of a new table: ``recipe.py`` and the settings of its trainings.

    Args:
        name: name of the table, small letters and hyphens.
        space: search space, for images of the data set's size.
        dataset: name of the data set.
        like: recipe of a table whose schedule and trainings it starts from, of the same blocks.
        folder: folder in which the folder of the table is made.
        device: profile whose latency the design covers; None: that of ``like``.
        networks: about how many networks the design has.
        epochs: epochs of the supernet in all; None: as many as ``like`` has.

    Raises:
        BigLittleError: a name, space, data set or device that is not usable, or a folder that is
            there already.
    """
    if not NAME.fullmatch(name):
        raise BigLittleError(
            f"{name!r} cannot be the name of a table; expected small letters, digits and hyphens, "
            "such as flowers-64."
        )
    facts, of, profile = get_dataset(dataset), get_space(space), device or like.design.device
    if profile.endswith(".json"):
        profile = str(Path(profile).resolve())
    of.check_images(facts.name, facts.height)
    base = _value(like.schedule, "space")
    if get_space(base).choices != of.choices:
        raise BigLittleError(
            f"space {space} has other blocks than {base}, so the schedule of {like.name} does not "
            "train it; give --like a table of the same blocks."
        )
    load_device(profile).latency_ms(of, of.parse(of.digits[0] * of.n_layers))  # fits, or says so
    target = folder / name.replace("-", "_")
    if target.exists():
        raise BigLittleError(f"{target} is there already; choose another name.")
    images = facts.n_val + 10_000 + 1280  # val, test as usual, and those that recalibrate
    quotas = _scaled(like.design.quotas, networks)
    text = _TEXT.format(
        name=name,
        begun=like.name,
        device=profile,
        n_classes=facts.n_classes,
        quotas=quotas,
        macs_cells=like.design.macs_cells,
        images=images,
        seconds_per_image=like.design.evaluation.seconds_per_image,
        seconds_per_mac=like.design.evaluation.seconds_per_mac,
        latency_max=like.design.front_latency_ms_max,
        finetuned=min(like.selection.finetuned, max(2, networks // 10)),
        standalone=min(like.selection.standalone, max(2, networks // 40)),
        first=min(like.selection.evaluated_first, networks),
        exits_max=like.exits.latency_ms_max,
        exits=str(like.exits.names).replace("'", '"'),
    )
    settings = {like.schedule.name: like.schedule, "pairs.toml": like.pairs}
    settings |= {path.name: path for path in like.trust.values()}
    side = get_space(base).input_size
    contents = {
        "recipe.py": text,
        "__init__.py": f'"""The table ``{name}``, its weights, and what is true of it alone."""\n',
        **{file: _settings(path, name, space, facts, side) for file, path in settings.items()},
    }
    if epochs is not None:
        contents[like.schedule.name] = _shortened(contents[like.schedule.name], epochs)
    check_writable(target)
    write_together(target, {file: content.encode() for file, content in contents.items()})
    return NewTable(target, name, dataset, facts.how_to_get.startswith("Make it"), sum(quotas))


def _value(path: Path, key: str) -> str:
    match = re.search(rf'^{key} = "(.*)"$', path.read_text(encoding="utf-8"), re.MULTILINE)
    assert match is not None, f"{path} names its {key}"
    return match[1]


def _scaled(quotas: Sequence[int], networks: int) -> tuple[int, ...]:
    """Quotas in the same proportions, of about so many networks, at least one each."""
    total = sum(quotas)
    return tuple(max(1, round(quota * networks / total)) for quota in quotas)


def _settings(path: Path, name: str, space: str, dataset: Dataset, side: int) -> str:
    """The settings of a training, of another space, data set and size of images."""
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[0] = (
        f"# Of the table {name}; begun from {path.parent.name}/{path.name}, whose reasons stay."
    )
    text = "\n".join([*lines, ""])
    for key, value in (("space", space), ("dataset", dataset.name)):
        text = re.sub(_FIELD.format(key), f'{key} = "{value}"', text, flags=re.MULTILINE)

    def scaled(match: re.Match[str]) -> str:
        sides = _SIDE.sub(lambda s: str(int(s[0]) * dataset.height // side), match[1])
        return f"resolutions = {sides}"

    return _LIST.sub(scaled, text)


def _shortened(text: str, epochs: int) -> str:
    """A schedule of fewer epochs: as large a part of every phase, at least one of each."""
    lists = [[int(n) for n in re.findall(r"\d+", match[1])] for match in _LIST.finditer(text)]
    total = sum(map(len, lists))
    if not len(lists) <= epochs <= total:
        raise BigLittleError(
            f"--epochs {epochs} is not usable: the schedule has {len(lists)} phases and {total} "
            f"epochs; expected {len(lists)} to {total}."
        )
    parts = iter(lists)

    def shorter(_: re.Match[str]) -> str:
        sides = next(parts)
        n = max(1, round(len(sides) * epochs / total))
        kept_sides = [sides[(2 * i + 1) * len(sides) // (2 * n)] for i in range(n)]
        return f"resolutions = {kept_sides}"

    return _LIST.sub(shorter, text)
