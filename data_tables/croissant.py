"""Croissant metadata of a table, and its networks as CSV: what dataset tools read without our code.

``python -m biglittle.data_tables.croissant [TABLE]`` writes ``networks.csv`` and ``croissant.json``
beside a table, from the table itself; they are written anew when it changes.

Source: Akhtar et al. 2024, Croissant: A Metadata Format for ML-Ready Datasets; version 1.0 of the
format (MLCommons).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from ..bench import FIGURES, Benchmark
from ..bench.files import write_together
from ..bench.network_table import NetworkTable
from ..bench.tabular import WORD_OF, csv_text

NETWORKS, METADATA = "networks.csv", "croissant.json"
LICENCE = "https://www.apache.org/licenses/LICENSE-2.0"
FORMAT = "http://mlcommons.org/croissant/1.0"
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
#: What columns of networks hold that are not figures of the catalogue.
_MEANING = {
    "network": "The network, ARCHITECTURE[@EXIT][:PRECISION], or the name that was given.",
    "architecture": "Id of the architecture in its search space.",
    "exit": "Name of the exit at which the network ends; empty for a whole one.",
    "precision": "Number format of weights and activations.",
    "training": "How the weights came about.",
    "seed": "Seed of the training run.",
    "epochs": "Passes over the training images.",
    "partner": "The other network of a pair that was trained together.",
    "role": "What the network is in such a pair, little or big.",
    "coupling": "What the two networks of such a pair share.",
    "held_out": "Whether no surrogate may be fitted on the architecture.",
    "calibration_error": "Expected calibration error of max_prob (15 bins), a fraction",
}
#: Columns of the CSV that are not fields: readers take digits for a number, whatever a field says.
_LIKE_NUMBERS = ("architecture",)
_KINDS = {"f": "sc:Float", "i": "sc:Integer", "u": "sc:Integer", "b": "sc:Boolean", "U": "sc:Text"}


def croissant(bench: Benchmark, networks: NetworkTable, csv: bytes, licence: str) -> dict[str, Any]:
    """The Croissant metadata of a table as plain JSON-LD.

    Args:
        bench: the benchmark table to describe.
        networks: its networks, as `Benchmark.networks` gives them.
        csv: the same as the bytes of the CSV file.
        licence: URL of the table's licence.
    """
    table, facts = bench.table, bench.info()
    created = table.created.split("T")[0]
    of = "given networks" if table.given else f"networks of the space {table.space.name}"
    images = ", ".join(f"{n:,} {split}" for split, n in table.n_images.items())
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": FORMAT,
        "name": table.name,
        "description": (
            f"What each of {len(table):,} {of} answered for every image of {table.dataset} "
            f"({images}): its top-1 class and how sure it was, so that any two of them are "
            "evaluated as a big/little cascade under any gate and threshold without training; "
            f"with costs on {', '.join(networks.devices) or 'no device'}. {NETWORKS} has a row a "
            "network; the answers themselves are in the HDF5 file, which the package reads "
            f"(biglittle.bench.Benchmark.load). Every figure has a column with its provenance."
        ),
        "license": licence,
        "version": f"{facts['schema_version']}.0.0",
        "datePublished": created,
        "creator": {"@type": "sc:Organization", "name": "BigLittle maintainers"},
        "citeAs": "See CITATION.cff of BigLittle, and the sources in the card of the table.",
        "isLiveDataset": False,
        "rai:dataCollection": json.dumps(facts["training"], sort_keys=True),
        "distribution": [
            _file("table.h5", table.path.read_bytes(), table.path.name, "application/x-hdf5"),
            _file(NETWORKS, csv, NETWORKS, "text/csv"),
        ],
        "recordSet": [
            {
                "@id": "networks",
                "@type": "cr:RecordSet",
                "name": "networks",
                "description": "Every network of the table with its figures and what they rest on.",
                "field": [
                    _field(n, c.dtype)
                    for n, c in networks.columns().items()
                    if n not in _LIKE_NUMBERS
                ],
            }
        ],
    }


def _file(name: str, content: bytes, url: str, encoding: str) -> dict[str, Any]:
    return {
        "@id": name,
        "@type": "cr:FileObject",
        "name": name,
        "contentUrl": url,
        "contentSize": f"{len(content)} B",
        "encodingFormat": encoding,
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _field(column: str, dtype: np.dtype[Any]) -> dict[str, Any]:
    return {
        "@id": f"networks/{column}",
        "@type": "cr:Field",
        "name": column,
        "description": _description(column),
        "dataType": _KINDS[dtype.kind],
        "source": {"fileObject": {"@id": NETWORKS}, "extract": {"column": column}},
    }


def _description(column: str) -> str:
    """What a column holds, with its unit, and of which split or device."""
    figure = column.removesuffix(WORD_OF.format(""))
    if figure != column:
        return f"How {figure} came about: measured, block-sum, predicted, modelled or given."
    device, _, name = column.rpartition(".")
    bare, _, split = name.rpartition("_")
    name, where = (bare, f" on {split}") if split in ("val", "test") else (name, "")
    where += f" on {device}" if device else ""
    if name in _MEANING:
        return f"{_MEANING[name]}{where}{'' if _MEANING[name].endswith('.') else '.'}"
    return f"{FIGURES[name].label} ({FIGURES[name].unit}){where}."


def write_croissant(table: str | Path, licence: str = LICENCE) -> Mapping[str, bytes]:
    """The files that describe a table, by name, written beside it.

    Args:
        table: name of a shipped table, or the path of a ``.h5`` file.
        licence: URL of the table's licence.
    """
    bench = Benchmark.load(table)
    files = described(bench, licence)
    write_together(bench.table.path.parent, files)
    return files


def described(bench: Benchmark, licence: str = LICENCE) -> dict[str, bytes]:
    """The files that describe a table by name: its networks as CSV, and its metadata."""
    networks = bench.networks()
    csv = csv_text(networks.columns()).encode()
    document = croissant(bench, networks, csv, licence)
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    return {NETWORKS: csv, METADATA: text.encode()}


def main(
    table: Annotated[str, typer.Argument(help="Table name or .h5 file.")] = "fbnet-cifar10",
    licence: Annotated[str, typer.Option(help="URL of the table's licence.")] = LICENCE,
) -> None:
    """Writes networks.csv and croissant.json beside a table."""
    folder = Benchmark.load(table).table.path.parent
    for name in write_croissant(table, licence):
        typer.echo(f"Written: {folder / name}")


if __name__ == "__main__":
    typer.run(main)
