"""A scratch environment into which the distribution of a stranger is installed with pip, from its source folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("acme-cortado")


@dataclass(frozen=True)
class Environment:
    """A virtual environment that sees the packages of this one; ``folder`` is the working directory of its programs."""

    python: Path
    folder: Path

    def run(
        self, *arguments: str, expect: int | None = 0, env: dict[str, str] | None = None, folder: str = "."
    ) -> subprocess.CompletedProcess[str]:
        """``python *arguments`` in *folder* of the working directory, which must end with the status *expect*."""
        own = {k: v for k, v in os.environ.items() if not k.startswith(("CORTADO_", "PYTEST_"))}
        done = subprocess.run(
            [str(self.python), *arguments],
            cwd=self.folder / folder,
            env={**own, **(env or {})},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert expect is None or done.returncode == expect, f"{arguments}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def cortado(
        self, *arguments: str, expect: int | None = 0, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """``cortado *arguments``."""
        return self.run("-m", "cortado", *arguments, expect=expect, env=env)

    def install(self, source: Path) -> None:
        """``pip install`` of a copy of the folder *source*, without the network."""
        copy = self.folder / f"source of {source.name}"
        shutil.copytree(source, copy)
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "--disable-pip-version-check"]
        options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
        done = subprocess.run([*pip, "install", *options, str(copy)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def scratch(folder: Path) -> Environment:
    """A new environment in *folder*."""
    home = folder / "environment"
    venv.create(home, with_pip=False, symlinks=os.name != "nt")
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    seen = [path for path in sys.path if Path(path).is_dir()]
    Path(site, "seen.pth").write_text("\n".join(seen) + "\n")
    work = folder / "work"
    work.mkdir()
    return Environment(python, work)


@pytest.fixture(scope="module")
def scratch_environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment without any plugin."""
    return scratch(tmp_path_factory.mktemp("scratch"))


@pytest.fixture(scope="session")
def kit() -> list[str]:
    """The option that loads the kit's pytest plugin where Cortado itself is not installed but only on the path."""
    installed = "cortado" in {entry.name for entry in entry_points(group="pytest11")}
    return [] if installed else ["-p", "cortado.testing.pytest_plugin"]


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the stranger's distribution, and its prototxt files in the working directory."""
    environment = scratch(tmp_path_factory.mktemp("stranger"))
    environment.install(SOURCE)
    for file in Path(__file__).with_name("files").iterdir():
        shutil.copy(file, environment.folder)
    return environment
