"""The notebooks run, from the top, without an error; their outputs stay small and none is stored."""

import json
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "notebooks"

FACTS = {
    "q1": ["0.07661369", "0.361693153", "0.323394259"],
    "q2": ["δ4 = df/dz1_1*x1", "δ2 = w3*a2*(1 - a2)"],
    "q3": ["right sign: 1000 of 1000 agree; other sign: 0 of 1000 agree"],
}
"""What each must print; the numbers are those of the question, the counts follow from the proof."""


def kernel_manager(folder):
    """A manager whose `python3` kernel is this interpreter."""
    spec = folder / "kernels" / "python3"
    spec.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "Python 3", "language": "python"}))
    manager = KernelSpecManager(kernel_dirs=[str(folder / "kernels")], ensure_native_kernel=False)
    return AsyncKernelManager(kernel_name="python3", kernel_spec_manager=manager)


@pytest.mark.parametrize("name", FACTS)
def test_notebook_runs(name, tmp_path):
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)
    NotebookClient(notebook, timeout=120, km=kernel_manager(tmp_path)).execute()
    printed = json.dumps([cell.outputs for cell in notebook.cells if cell.cell_type == "code"], ensure_ascii=False)
    assert len(printed) < 200_000
    for fact in FACTS[name]:
        assert fact in printed


def test_every_notebook_is_run():
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == sorted(FACTS)
