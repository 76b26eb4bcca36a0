"""Verbs that stand in the folder that knows them, loaded when they are called and not before.

Such a verb is a file ``<folder>/<verb>_command.py`` with a Typer application ``app``. Listing it
here costs ``biglittle --help`` nothing, because what it says of itself stands beside its name.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any
from weakref import WeakSet

import typer
from typer.core import TyperCommand, TyperGroup

#: Module and one line of help, by the name of the verb; that of a group's verb has two words.
LAZY_VERBS = {
    "accelerator": (
        "data_tables.devices.accelerator_command",
        "Accelerators as devices: list, show, profile, search with their networks (modelled).",
    ),
    "bits": (
        "searchers.bits_command",
        "Bits per stage of networks: what each stage loses, and accuracy against BitOps.",
    ),
    "darts": (
        "searchers.darts_command",
        "Searches differentiably for little and big together, and runs the pair on val.",
    ),
    "explore": (
        "searchers.explore_command",
        "Opens a whole table, or a saved front, as one page: points, networks, curves, filters.",
    ),
    "import": (
        "data_tables.own.import_command",
        "Makes a table of what anybody's networks answered, and says which pair to use.",
    ),
    "mobile": (
        "data_tables.devices.mobile_command",
        "Writes ONNX networks and cascades for phones: ORT format with its operators, or LiteRT.",
    ),
    "ofa": (
        "searchers.ofa_command",
        "Trains a supernet once and specialises it for many devices.",
    ),
    "platform": (
        "searchers.platform_command",
        "A pair or a front on two devices: little here, big there, in turn or both at once.",
    ),
    "data import": (
        "data_tables.images_command",
        "Makes a data set of any folder with a folder of pictures for each class.",
    ),
    "device import": (
        "data_tables.devices.import_command",
        "Makes a profile from logs of other tools, or from the published file of HW-NAS-Bench.",
    ),
    "table export": (
        "data_tables.export_command",
        "Writes a table for other tools, as Parquet or CSV, or in the newest version of our own.",
    ),
    "table cascades": (
        "data_tables.ready.cascades_command",
        "The cascades that ship with a table, ready to run: 'table extract NAME' hands one out.",
    ),
    "table extract": (
        "data_tables.building.extract_command",
        "A cascade that ships, or a network or pair of inherited weights, which needs the images.",
    ),
    "table fetch": (
        "data_tables.fetch_command",
        "Fetches a published table, checks its hash, and keeps it whole or not at all.",
    ),
    "table join": (
        "data_tables.own.join_command",
        "A table with a network of your own beside those of its space, to escalate to or from.",
    ),
    "table new": (
        "data_tables.new_command",
        "Writes the recipe of a new table, and says the five commands that follow.",
    ),
    "table pack": (
        "data_tables.pack_command",
        "Packs a table to publish it: table, card, licence and hashes in one archive.",
    ),
}


class LazyGroup(TyperGroup):
    """A group of verbs that also has those of `LAZY_VERBS`."""

    group = ""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for words, (_, help_line) in LAZY_VERBS.items():
            *group, name = words.split()
            if group == self.group.split():
                self.add_command(TyperCommand(name, help=help_line))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb that is called, loaded, with its name and the arguments that are left."""
        name, command, rest = super().resolve_command(ctx, args)
        words = f"{self.group} {name}".strip()
        if words in LAZY_VERBS:
            command = typer.main.get_command(_application(words))
        check_numbers(command)
        return name, command, rest


def lazy_group(name: str) -> type[LazyGroup]:
    """The class of a group of verbs, such as ``biglittle table``, that also has lazy ones."""
    return type("NamedGroup", (LazyGroup,), {"group": name})


#: Largest whole number that an option takes, by its name: what threads and tensors can have.
LARGEST = {"seed": 2**62, "seeds": 10**5, "threads": 1024, "workers": 1024}
_LARGEST_OF_OTHERS = 2**31 - 1


_checked: WeakSet[Any] = WeakSet()


def check_numbers(command: Any) -> None:
    """Lets a verb, or the verbs of a group, refuse whole numbers beyond what they could mean."""
    if command in _checked:
        return
    _checked.add(command)
    for inner in getattr(command, "commands", {}).values():
        check_numbers(inner)
    run = command.invoke

    def invoke(context: Any) -> Any:
        for name, number in context.params.items():
            most = LARGEST.get(name, _LARGEST_OF_OTHERS)
            least = 0 if name == "seed" else -most
            if isinstance(number, int) and not least <= number <= most:
                from .bench.errors import ConstraintError

                expected = f"at most {most}" if number > most else f"at least {least}"
                option = f"--{name.replace('_', '-')}"
                raise ConstraintError(f"{option} {number} is not usable; expected {expected}.")
        return run(context)

    command.invoke = invoke


def _application(name: str) -> typer.Typer:
    module = import_module(f"{__package__}.{LAZY_VERBS[name][0]}")
    application = module.app
    assert isinstance(application, typer.Typer)
    return application
