"""The rules of the repository find the project's files without git; here git says whether they find all."""

import subprocess

from tests.repository.tree import ROOT, project_files


def test_the_project_is_what_git_says() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    existing = {name for name in listed.split("\0") if name and (ROOT / name).exists()}
    assert {str(path) for path in project_files()} == existing
