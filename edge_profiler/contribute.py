"""The user's own device profiles: a file joins them when it passes the admission test."""

from __future__ import annotations

import datetime
import json
import shlex
from pathlib import Path
from typing import Any

from ..bench.bounded import MAX_BYTES, read_bounded
from ..bench.device import (
    NAME,
    find_device,
    load_device,
    parse_profile,
    read_document,
    shipped_devices,
    user_devices,
    user_folder,
)
from ..bench.errors import DeviceError, UnknownNameError
from ..bench.files import replacing
from .check import SHOWN, Admission, check_file


def add_device(
    path: Path,
    replace: bool = False,
    name: str | None = None,
    force: bool = False,
    reason: str = "",
) -> tuple[Path, Admission]:
    """Where the profile now lies, and what the admission test said about it.

    The file's bytes are kept as they are, under the name that the profile gives its device, unless
    it gets another name or is added by force.

    Args:
        path: the JSON file of the profile.
        replace: whether one of that name gives way.
        name: new name of the device; None: the one in the file.
        force: whether it is added although it does not pass. What kept it out stands in the file
            under ``forced``, beside the reason.
        reason: why it is added all the same, in the user's words; needed where the test is not
            passed.

    Raises:
        DeviceError: the test was not passed, or the name is taken or cannot be one.
    """
    admission = check_file(path)
    if admission.profile is None or not (admission.passed or force):
        raise DeviceError(admission.text())
    if reason and not force:
        raise DeviceError("--reason says why a profile is added by force; add --force.")
    if not (admission.passed or reason):
        command = _command(path, replace, name, True, "the board is shared")
        raise DeviceError(
            f"{path.name} does not pass, and is added by force only with your reason, which the "
            f"file keeps: {command}"
        )
    document: dict[str, Any] = {}
    if not admission.passed:
        document["forced"] = _force(admission, reason)
    if name is not None:
        document["device"] = name
    given, name = name, name or admission.profile.name
    if not NAME.fullmatch(name):
        raise DeviceError(
            f"{name!r} cannot be the name of a device; expected to match {NAME.pattern}. Give "
            "another: --name my-board."
        )
    if name in shipped_devices():
        raise DeviceError(
            f"a profile called {name!r} ships with biglittle; give yours another name, for example "
            f"--name my-board."
        )
    target = user_folder() / f"{name}.json"
    if target.exists() and not replace:
        raise DeviceError(
            f"you have a profile called {name!r} already. To replace it: "
            + _command(path, True, given, force, reason)
        )
    contents = read_bounded(path, MAX_BYTES)
    if document:
        changed = read_document(path) | document
        parse_profile(changed, f"{path.name} with what is to be kept in it")
        contents = (json.dumps(changed, indent=1, allow_nan=False) + "\n").encode()
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as partial:
        partial.write_bytes(contents)
    return target, admission


def _command(path: Path, replace: bool, name: str | None, force: bool, reason: str) -> str:
    """The command line that adds a profile so, for a message that advises it."""
    words = ["biglittle", "device", "add"]
    words += ["--replace"] * replace
    words += ["--name", name] if name else []
    words += ["--force", "--reason", reason] if force else []
    return shlex.join([*words, str(path)])


def _force(admission: Admission, reason: str) -> dict[str, Any]:
    """What is kept in a file that was added although it did not pass."""
    errors = [f for f in admission.findings if f.severity == "error"]
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "reason": reason,
        "codes": list(dict.fromkeys(f.code for f in errors)),
        "messages": [f.message for f in errors][:SHOWN],
    }


def summary(target: Path) -> list[str]:
    """What a profile that was added is good for, as lines for a reader."""
    profile = load_device(target)
    model = profile.latency
    warning = f"Warning: {model.warning}" if model.warning else ""
    lines = [f"{target.stem} is yours now: {profile.summary}.", model.promise, warning]
    next_step = f"Next: biglittle search --device {target.stem} --out out/{target.stem}"
    return [line for line in (*lines, next_step) if line]


def remove_device(name: str) -> Path:
    """The file of the user's profile that was removed.

    Raises:
        DeviceError: the profile ships with the package.
        UnknownNameError: the user has none of that name.
    """
    if name in user_devices():
        path = find_device(name)
        path.unlink()
        return path
    if name in shipped_devices():
        raise DeviceError(f"profile {name!r} ships with biglittle and is not yours to remove.")
    raise UnknownNameError("profile of yours", name, user_devices())
