"""A page as one HTML file: no network, no inline handlers, and nothing of the data read as markup.

Scripts and style are files beside this one, put into the page as they are. A content security
policy with their hashes lets nothing else run. The data stand in a block of JSON. Nothing in a page
is random or of the day, so that the same input gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

#: Scripts of every page, in the order in which they run, and those of the linked view.
SCRIPTS = ("svg.js", "charts.js")
VIEW_SCRIPTS = ("view_rows.js", "view_plot.js", "view_table.js", "view.js")


def page(title: str, body: str, data: Mapping[str, Any] | None = None) -> str:
    """A whole page.

    Args:
        title: title and first head of the page, a plain text.
        body: what stands below it, HTML already.
        data: what the scripts draw: ``charts``, a list of charts, and ``view``, the document of a
            linked view; each where there is one.
    """
    data = dict(data or {})
    style = page_file("page.css")
    names = SCRIPTS + (VIEW_SCRIPTS if "view" in data else ())
    script = "\n".join(page_file(name) for name in names)
    policy = (
        f"default-src 'none'; img-src data:; script-src '{_hash(script)}'; "
        f"style-src '{_hash(style)}'; base-uri 'none'; form-action 'none'"
    )
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">
<link rel="icon" href="data:,">
<title>{html.escape(title)}</title><style>{style}</style></head><body>
<header><h1>{html.escape(title)}</h1>
<button type="button" id="theme" aria-label="Switch between light and dark">&#9680;</button>
</header>
<noscript><p>The drawings of this page need JavaScript, which is in the page itself.</p></noscript>
<main>
{body}
</main>
<script type="application/json" id="page-data">{_json(data)}</script>
<script type="module">{script}</script>
</body></html>
"""


@cache
def page_file(name: str) -> str:
    """A file of this folder as text."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _json(data: Mapping[str, Any]) -> str:
    """Data as JSON that cannot end the block it stands in."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


#: Text of a cell, as `lines_html` takes it, or the text and its small print, as a provenance.
Cell = str | tuple[str, str]


def table(heads: Sequence[str], rows: Sequence[Sequence[Cell]], ids: Sequence[int] = ()) -> str:
    """A table as HTML, all its texts escaped; the first column is the name of the row.

    Args:
        heads: a head for each column; after a line break comes its small print.
        rows: the cells of each row.
        ids: columns that hold ids of networks.
    """
    named = f'<th class="name" scope="col">{_head(heads[0])}</th>'
    head = named + "".join(f'<th scope="col">{_head(text)}</th>' for text in heads[1:])
    lines = "".join(
        f"<tr>{''.join(_cell(k, cell, k in ids) for k, cell in enumerate(row))}</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>'
        "</div>"
    )


def _head(text: str) -> str:
    name, _, small = text.partition("\n")
    below = f"<br><small>{lines_html(small)}</small>" if small else ""
    return f"{html.escape(name)}{below}"


def _cell(column: int, cell: Cell, is_id: bool) -> str:
    text, small = (cell, "") if isinstance(cell, str) else cell
    below = f" <small>{html.escape(small)}</small>" if small else ""
    css = ' class="id"' if is_id else ' class="name"' if column == 0 else ""
    return f"<td{css}>{lines_html(text)}{below}</td>"


def lines_html(text: str) -> str:
    """A text of several lines, escaped; what stands behind a tab in a line is small print."""
    lines = (line.partition("\t") for line in text.split("\n"))
    return "<br>".join(
        html.escape(shown) + (f" <small>{html.escape(small)}</small>" if small else "")
        for shown, _, small in lines
    )


def verdict(kind: str, word: str, text: str, below: str = "") -> str:
    """What a page answers, as its first and coloured block.

    Args:
        kind: "good", "bad", "open" or "single"; its colour. The word says the same.
        word: the verdict in a word or two.
        text: the rest of the sentence, plain text.
        below: further HTML inside the block.
    """
    lead = f'<p class="lead"><b class="word">{html.escape(word)}</b> {html.escape(text)}</p>'
    return f'<section class="verdict {kind}" aria-label="Verdict">{lead}{below}</section>'


def listed(lines: Sequence[str]) -> str:
    """Sentences as a list, each beginning with a capital; nothing where there are none."""
    entries = "".join(f"<li>{html.escape(text[:1].upper() + text[1:])}</li>" for text in lines)
    return f"<ul>{entries}</ul>" if entries else ""
