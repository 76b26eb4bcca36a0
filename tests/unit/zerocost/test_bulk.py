"""Many architectures into one file, which a stopped run goes on from."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

pytest.importorskip("torch")

from biglittle.bench.errors import BigLittleError
from biglittle.zerocost import Batch, noise_batch, read_columns, run, score, score_work

SKIP, TINY = "8" * 22, "0" + "8" * 21
FEW = noise_batch(4, shape=(3, 16, 16))


def test_a_run_goes_on_and_joins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "scores.h5"
    scored: list[str] = []
    original = score_work.score
    monkeypatch.setattr(
        score_work, "score", lambda a, *args, **kw: scored.append(a) or original(a, *args, **kw)
    )
    names = "params,snip"
    run([SKIP], FEW, out, names, seeds=(0, 1))
    assert scored == [SKIP, SKIP]

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([TINY, SKIP], FEW, out, names, seeds=(0, 1), on_progress=stop)
    assert len(read_columns(out)) == 3  # what was done by then is kept
    found = run([TINY, SKIP], FEW, out, names, seeds=(0, 1))
    assert scored == [SKIP, SKIP, TINY, TINY]
    joined = found.column("snip", [TINY, SKIP, "0" * 22], seed=1)
    assert joined[:2].tolist() == [
        score(a, FEW, proxies="snip", seed=1)["snip"] for a in (TINY, SKIP)
    ]
    assert np.isnan(joined[2])
    with pytest.raises(BigLittleError, match=r"other settings.*batch"):
        run([SKIP], noise_batch(4, seed=1, shape=(3, 16, 16)), out, names)
    with pytest.raises(BigLittleError, match="nwot"):
        found.column("nwot", [SKIP], 0)
    assert not list(tmp_path.glob("*.partial"))


def test_where_scores_cannot_be_written_nothing_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(score_work, "score", lambda *a, **k: pytest.fail("scored"))
    with pytest.raises(BigLittleError, match=r"file cannot be written to"):
        run([SKIP], FEW, tmp_path / "file" / "scores.h5", "params")
    monkeypatch.undo()
    run([SKIP], FEW, tmp_path / "new" / "scores.h5", "params")
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["scores.h5"]


def test_a_network_that_fails_is_a_row_with_its_reason(tmp_path: Path) -> None:
    unlabelled = Batch(FEW.images, None, "unlabelled")
    found = run([SKIP], unlabelled, tmp_path / "s.h5", "snip,params")
    assert np.isnan(found.scores["snip"]).all()
    assert "labels" in found.failures[0]["snip"]
    assert found.scores["params"].tolist() == [645210]


def test_rows_of_several_files_are_merged(tmp_path: Path) -> None:
    parts = [run([a], FEW, tmp_path / f"{i}.h5", "params") for i, a in enumerate((SKIP, TINY))]
    both = parts[0].merged(parts[1:])
    assert both.architectures == (SKIP, TINY)
    other = run([SKIP], FEW, tmp_path / "other.h5", "macs")
    with pytest.raises(BigLittleError, match="proxies"):
        parts[0].merged([other])


def test_a_file_that_is_no_file_of_scores(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with pytest.raises(BigLittleError, match="cannot be read as a file of scores"):
        read_columns(path)
    with h5py.File(path, "w") as file:
        file.attrs["facts"] = "{}"
    with pytest.raises(BigLittleError, match="cannot be read as a file of scores"):
        run([SKIP], FEW, path, "params")


def test_networks_that_are_cut_are_scored_under_their_names() -> None:
    name = f"{TINY}@8s"
    columns = run([name, TINY], FEW, None, "params,macs")
    assert columns.column("params", [name], seed=0)[0] < columns.column("params", [TINY], seed=0)[0]
    assert np.isfinite(columns.column("macs", [name], seed=0)).all()
    with pytest.raises(BigLittleError, match="no exit '9'"):
        run([f"{TINY}@9"], FEW, None, "params")
