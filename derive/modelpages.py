"""The page of a PyTorch module: that of its derivation, with the names its parameters have there and how it compared with autograd.

Owns `model_page`.  May import everything but formats and cli.
"""

from __future__ import annotations

from derive.arraypages import ArrayPage
from derive.blocks import Block, Heading, Page, Prose, Table, Text
from derive.models.reading import ModelDerivation
from derive.sentences import Speaker, series
from derive.written import Name


def model_page(work: ModelDerivation, speaker: Speaker) -> Page:
    """The page of a module's derivation."""
    return _ModelPage(work, speaker).page()


class _ModelPage(ArrayPage):
    def __init__(self, work: ModelDerivation, speaker: Speaker) -> None:
        super().__init__(work, speaker)
        assert work.model is not None
        assert work.comparison is not None
        self.model, self.comparison = work.model, work.comparison

    def sections(self) -> dict[str, list[Block]]:
        """The parts of the page by name, the parameters' own names before the numbers."""
        found: dict[str, list[Block]] = {}
        for name, blocks in super().sections().items():
            found[name] = blocks
            if name == "notation":
                found["model"] = self.the_model()
        return found

    def the_model(self) -> list[Block]:
        """Which name stands for which parameter of the model, and what else is to be known of it."""
        say, word = self.speaker.say, self.speaker.word
        rows: list[tuple[Text, ...]] = []
        for name, parameter in self.model.parameters.items():
            path: Text = (parameter.path,)
            if parameter.start is not None and parameter.stop is not None:
                path = say("model", "rows", path=parameter.path, start=parameter.start, stop=parameter.stop - 1)
            rows.append(((Name(name),), path, (" × ".join(map(str, self.model.shapes[name])) or "–",)))
        head = tuple(self.speaker.word(*key) for key in (("column", "symbol"), ("model", "in-the-model"), ("model", "its-shape")))
        blocks: list[Block] = [Heading(2, word("model", "parameters")), Table(head, tuple(rows))] if rows else []
        apart = [name for name, there in self.model.shapes.items() if len(self.shapes[name]) > len(there)]
        if apart:
            blocks.append(Prose(say("model", "taken-apart", names=self.names(apart))))
        for key, name in self.model.remarks:
            if key == "loss-unknown":
                outputs = self.network.mentions[name]
                blocks.append(Prose(say("model", key, outputs=series(map(Name, outputs), self.speaker.comma))))
            elif key == "left-out":
                blocks.append(Prose(say("model", key, n=int(name))))
            else:
                blocks.append(Prose(say("model", key, **({"name": Name(name)} if name else {}))))
        return [*blocks, Prose(say("model", "sizes"))]

    def checked(self) -> list[Block]:
        """What was judged, and how it compared with autograd."""
        its = self.comparison
        shown = self.array_work.requested
        key = "compared-besides" if shown and shown[0].of != self.loss else "compared"
        said = self.speaker.say(
            "model", key, n=its.draws, gradients=its.gradients, largest=f"{its.largest:.1e}", loss=Name(self.loss)
        )
        return [*super().checked(), Prose(said)]
