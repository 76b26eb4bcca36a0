"""A page is one file: it runs nothing but its own scripts, and reads no data as markup."""

from __future__ import annotations

import base64
import hashlib
import html
import re

from biglittle.searchers.pages.page import (
    SCRIPTS,
    VIEW_SCRIPTS,
    listed,
    page,
    page_file,
    table,
    verdict,
)

EVIL = "</script><script>alert(1)</script>\u2028"


def test_only_its_own_scripts_run() -> None:
    text = page("a & b", "<p>body</p>", {"charts": []})
    policy = html.unescape(re.search(r'Policy" content="([^"]*)"', text)[1])  # type: ignore[index]
    assert policy.startswith("default-src 'none'")
    for tag, kind in (('<script type="module">', "script"), ("<style>", "style")):
        content = text.partition(tag)[2].partition(f"</{kind}>")[0]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"\son\w+=", text.partition("<body>")[2].partition("<script")[0])
    assert "<title>a &amp; b</title>" in text


def test_data_cannot_end_their_block() -> None:
    text = page("t", "", {"charts": [EVIL]})
    block = text.partition('id="page-data">')[2].partition("</script>")[0]
    assert block.endswith("}")
    assert "<" not in block
    assert "\u2028" not in block


def test_a_page_without_a_view_has_none_of_its_scripts() -> None:
    assert "drawDetail" not in page("t", "", {"charts": []})
    assert "drawDetail" in page("t", "", {"view": {}})


def test_the_same_page_is_the_same_bytes() -> None:
    assert page("t", "b", {"charts": [1]}) == page("t", "b", {"charts": [1]})


def test_texts_of_others_are_escaped_everywhere() -> None:
    parts = (
        table(["<i>", "<b>\n<u>"], [["<s>", ("<q>\n<w>", "<e>")]], ids=(1,)),
        verdict("good", "<i>", "<b>"),
        listed(["<i>"]),
    )
    for part in parts:
        assert not re.search(r"<(i|u|s|q|w|e)>", part.replace('<b class="word">', ""))
    assert listed([]) == ""


def test_a_cell_has_lines_and_small_print() -> None:
    text = table(["name", "ms\nmean"], [["a", ("1\n2", "measured")], ["b", "3\tgiven\n4"]])
    assert "<td>3 <small>given</small><br>4</td>" in text
    assert "<td>1<br>2 <small>measured</small></td>" in text
    assert '<th scope="col">ms<br><small>mean</small></th>' in text


def test_scripts_are_plain_es2020_and_never_read_data_as_markup() -> None:
    markup = (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
    )
    later = ("??=", "||=", "&&=", ".replaceAll(", ".at(", "structuredClone", "Math.random", "Date")
    for name in (*SCRIPTS, *VIEW_SCRIPTS):
        script = page_file(name)
        assert [word for word in (*markup, *later) if word in script] == []
        assert len(script.splitlines()) < 250
