"""An installed package finds its scenarios: they are in the wheel, and it reads them from there.

Whether the wheel installs with its dependencies is tested elsewhere.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wheel_brings_the_ready_scenarios(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    program = "import tocsin_sim; print(tocsin_sim.__file__); from tocsin_sim.cli import command; command()"
    told = subprocess.run(
        [sys.executable, "-c", program, "list"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert told[0].startswith(str(installed))
    assert [line.split()[0] for line in told[1:]] == ["baseline", "churn"]
