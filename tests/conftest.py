"""What all tests share. One thread for numeric libraries, before NumPy comes in."""

import os

os.environ["OMP_NUM_THREADS"] = "1"

from pathlib import Path

import pytest

from tests.toys import Additive

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session", autouse=True)
def _data(tmp_path_factory):
    """Tables that tests convert are kept for the session, and not at the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHSUITE_DATA", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session")
def toy():
    """1,024 architectures, three runs, 27 epochs."""
    return Additive()


@pytest.fixture(scope="session")
def shared():
    """The folder of real benchmark data, which the project does not ship."""
    folder = Path(os.environ.get("BENCHSUITE_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no benchmark data in {folder}: set BENCHSUITE_SHARED")
    return folder
