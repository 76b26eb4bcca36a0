"""The config of a run, as a report shows it."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any


def config_table(config: Mapping[str, Any]) -> str:
    """The config of a run as an HTML table, a row a value."""
    rows = "".join(
        f'<tr><td class="name">{html.escape(key)}</td><td class="id">{html.escape(value)}</td></tr>'
        for key, value in _flat(config, ())
    )
    return f"<table><tbody>{rows}</tbody></table>"


def _flat(config: Mapping[str, Any], above: Sequence[str]) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    for key, value in config.items():
        if isinstance(value, Mapping):
            out += _flat(value, (*above, key))
        elif isinstance(value, list | tuple):
            out.append((".".join((*above, key)), ", ".join(map(str, value))))
        else:
            out.append((".".join((*above, key)), str(value)))
    return out
