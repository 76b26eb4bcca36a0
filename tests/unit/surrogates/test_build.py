"""Fitting, judging and writing a surrogate in one go."""

import sys

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from biglittle.bench.errors import MissingExtraError, SurrogateError
from biglittle.bench.rows import is_held_out
from biglittle.surrogates import Surrogate, build
from biglittle.surrogates.build import fit_surrogate, write_surrogate
from biglittle.surrogates.summary import markdown


def data_ids(table):
    return [str(a) for a in table.networks["architecture"]]


def test_fit_with_report(table, settings, tmp_path):
    pytest.importorskip("xgboost")
    pytest.importorskip("scipy")
    lines: list[str] = []
    report = fit_surrogate(
        table,
        tmp_path / "s",
        settings=settings,
        report_seeds=(0, 1),
        progress=lines.append,
    )
    surrogate = Surrogate.load(tmp_path / "s")
    assert surrogate.report == report
    assert lines
    assert set(report["splits"]) == {"random", "cheap_to_dear", "dear_to_cheap"}
    found = report["splits"]["random"]
    assert found["table"]["pair"]["mae"]["mean"] > 0
    assert report["recipe"] in found["recipes"]
    assert len(found["recipes"]) == 4
    for row in found["recipes"].values():
        for images in ("val", "test"):
            assert 0 <= row[images]["pair"]["mae"]["mean"] < 0.3
            assert -1 <= row[images]["network"]["kendall_tau"]["mean"] <= 1
        assert 0.5 < row["coverage"]["pair"]["mean"] <= 1
    assert surrogate.intervals is not None
    assert surrogate.intervals.n_networks == sum(map(is_held_out, data_ids(table)))
    assert not {*surrogate.document["support"]["architectures"]} & {
        a for a in data_ids(table) if is_held_out(a)
    }
    assert report["recipe"] in markdown(surrogate.document)


def test_a_foreign_folder_is_not_overwritten(fitted, tmp_path):
    (tmp_path / "notes.txt").write_text("keep me")
    with pytest.raises(SurrogateError, match="not a surrogate"):
        write_surrogate(tmp_path, *fitted)
    assert (tmp_path / "notes.txt").exists()


@pytest.mark.parametrize("module", ["xgboost", "onnx"])
def test_without_the_extra_fitting_says_how_to_install_it(
    table, settings, tmp_path, monkeypatch, module
):
    if module == "onnx":
        pytest.importorskip("xgboost")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"'\.\[train\]'"):
        fit_surrogate(table, tmp_path / "s", settings=settings, report_seeds=())
    assert not (tmp_path / "s").exists()


def test_the_same_fit_is_the_same_bytes_on_any_number_of_threads(table, settings, tmp_path):
    pytest.importorskip("xgboost")
    files = []
    for threads in (1, 3):
        folder = tmp_path / str(threads)
        with threadpool_limits(limits=threads, user_api="blas"):
            fit_surrogate(table, folder, settings=settings, report_seeds=())
        files.append({p.name: p.read_bytes() for p in folder.iterdir()})
    assert files[0] == files[1]


def test_blas_has_one_thread_while_a_surrogate_is_fitted(table, settings, tmp_path, monkeypatch):
    threads = []

    def fit(*given):
        threads.extend(p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas")
        raise SurrogateError("seen")

    monkeypatch.setattr(build, "fit_models", fit)
    with threadpool_limits(limits=3, user_api="blas"), pytest.raises(SurrogateError, match="seen"):
        fit_surrogate(table, tmp_path / "s", settings=settings)
    assert set(threads) <= {1}
