"""The user's own device profiles: a file joins them when it passes the admission test."""

from __future__ import annotations

from pathlib import Path

from ..bench.device import NAME, shipped_devices, user_devices, user_folder
from ..bench.errors import DeviceError, UnknownNameError
from ..bench.files import replacing
from .check import Admission, check_file


def add_device(path: Path, replace: bool = False) -> tuple[Path, Admission]:
    """Where the profile now lies, and what the admission test said about it.

    The file's bytes are kept as they are, under the name that the profile gives its device.

    Args:
        path: the JSON file.
        replace: whether one of that name gives way.

    Raises:
        DeviceError: the test was not passed, or the name is taken or no name.
    """
    admission = check_file(path)
    if not admission.passed or admission.profile is None:
        raise DeviceError(admission.text())
    name = admission.profile.name
    if not NAME.fullmatch(name):
        raise DeviceError(f"{name!r} is no name for a device; expected to match {NAME.pattern}.")
    if name in shipped_devices():
        raise DeviceError(
            f"a profile called {name!r} ships with biglittle; rename the field 'device', for "
            f"example to {name}-mine."
        )
    target = user_folder() / f"{name}.json"
    if target.exists() and not replace:
        raise DeviceError(f"you have a profile called {name!r} already; use --replace.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as partial:
        partial.write_bytes(path.read_bytes())
    return target, admission


def remove_device(name: str) -> Path:
    """The file of the user's profile that was removed.

    Raises:
        DeviceError: the profile ships with the package.
        UnknownNameError: the user has none of that name.
    """
    if name in user_devices():
        path = user_folder() / f"{name}.json"
        path.unlink()
        return path
    if name in shipped_devices():
        raise DeviceError(f"profile {name!r} ships with biglittle and is not yours to remove.")
    raise UnknownNameError("profile of yours", name, user_devices())
