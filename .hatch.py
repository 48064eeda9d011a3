"""What is put beside the package in a wheel: the manual page and the completion of three shells, made from the parser."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class SharedPages(BuildHookInterface):  # type: ignore[type-arg]
    """Writes the pages before the build and puts them away after it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the files; the package runs from its source, where it needs nothing else."""
        sys.path.insert(0, self.root)
        from derive.completions import completion_script
        from derive.manpages import man_page

        self.folder = tempfile.TemporaryDirectory()
        places = {
            "share/man/man1/derive.1": man_page(),
            "share/bash-completion/completions/derive": completion_script("bash"),
            "share/zsh/site-functions/_derive": completion_script("zsh"),
            "share/fish/vendor_completions.d/derive.fish": completion_script("fish"),
        }
        for number, (place, text) in enumerate(places.items()):
            path = Path(self.folder.name) / str(number)
            path.write_text(text, encoding="utf-8", newline="\n")
            build_data["shared_data"][str(path)] = place

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Put the files away."""
        self.folder.cleanup()
