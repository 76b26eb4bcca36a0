"""Profiles as files: what is refused, what is not touched, and what a failed write leaves."""

import json

import pytest

from biglittle.bench import load_device
from biglittle.bench.device_document import Profile
from biglittle.bench.document_problems import problems
from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler import (
    Protocol,
    read_profile,
    write_profile,
)

onnx = pytest.importorskip("onnx")
SMALL = "8" * 22
IDS = [SMALL, "8" * 21 + "0", "8" * 20 + "00"]
REFERENCE = "8" * 21 + "1"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (
            {"protocol": Protocol(rounds=5)},
            r"measured with warm_up 1, rounds 2, .*this session has .*rounds 5,",
        ),
        ({"reference": SMALL}, "reference"),
    ],
)
def test_a_file_of_another_session_is_not_touched(fake_runtime, profile, tmp_path, change, word):
    out = tmp_path / "device.json"
    profile(fake_runtime(), IDS[:1], out=out)
    before = out.read_bytes()
    with pytest.raises(ProfileError, match=word) as caught:
        profile(fake_runtime(), out=out, **change)
    assert "{" not in str(caught.value)
    assert out.read_bytes() == before


def test_another_device_is_refused(fake_runtime, profile, tmp_path):
    out = tmp_path / "device.json"
    profile(fake_runtime(), IDS[:1], out=out)
    with pytest.raises(ProfileError, match="device"):
        profile(fake_runtime(), out=out, root=tmp_path / "another-machine")


def test_a_file_that_is_no_profile_is_refused(fake_runtime, profile, tmp_path):
    out = tmp_path / "device.json"
    out.write_text("{}")
    with pytest.raises(ProfileError, match="not a device profile"):
        profile(fake_runtime(), out=out)
    assert out.read_text() == "{}"


def test_a_write_that_fails_leaves_the_old_file(tmp_path, good):
    out = tmp_path / "device.json"
    write_profile(out, good())
    with pytest.raises(ValueError, match="JSON compliant"):
        write_profile(out, {"latency_ms": float("nan")})
    assert read_profile(out) == good()


def test_what_no_session_measured_is_read_but_not_gone_on_with(
    fake_runtime, profile, good, tmp_path
):
    out = tmp_path / "device.json"
    measured = profile(fake_runtime(), IDS[:1], out=out)
    for change, missing in (
        ({"networks": good()["networks"][:1]}, "reference_ms"),
        ({"reference": {"architecture": REFERENCE, "latency_ms": 1.0}}, "self_reference_ms"),
    ):
        write_profile(out, measured | change)
        with pytest.raises(ProfileError, match=f"no {missing}.*measure into another file"):
            profile(fake_runtime(), IDS[:2], out=out)
    write_profile(out, measured | {"networks": [{"architecture": 5}], "threads": 1})
    with pytest.raises(ProfileError, match=r"networks\[0\].architecture is 5, expected a text"):
        profile(fake_runtime(), IDS[:2], out=out)


def test_the_file_keeps_to_the_published_schema(fake_runtime, profile, tmp_path):
    out = tmp_path / "device.json"
    profile(fake_runtime(refuse=IDS[1:2]), out=out, pairs=[(SMALL, REFERENCE)])
    assert list(problems(json.loads(out.read_text()), Profile)) == []


def test_the_first_format_is_not_gone_on_with(fake_runtime, profile, tmp_path):
    out = tmp_path / "device.json"
    out.write_text('{"format": "biglittle-device-profile-1"}')
    with pytest.raises(ProfileError, match="first format"):
        profile(fake_runtime(), out=out)


def test_a_board_with_a_name_of_its_own_is_gone_on_with(fake_runtime, profile, tmp_path):
    out = tmp_path / "device.json"
    got = profile(fake_runtime(), IDS[:1], out=out, name="my-board")
    assert (got["device"], load_device(out).name) == ("my-board", "my-board")
    assert profile(fake_runtime(), IDS[:2], out=out)["device"] == "my-board"
    other = read_profile(out)
    other["environment"]["cpu_model"] = "another processor"
    write_profile(out, other)
    with pytest.raises(ProfileError, match="another file"):
        profile(fake_runtime(), out=out)
    with pytest.raises(ProfileError, match="cannot be the name"):
        profile(fake_runtime(), name="My Board")
