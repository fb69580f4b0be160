"""The tokenizer of a model folder: whether its files are there, can be read, and go with the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._files import read_object, refuse_pointer

if TYPE_CHECKING:
    from pathlib import Path

_AGAIN = "save the tokenizer again: tokenizer.save_pretrained(folder)"


def check_tokenizer_files(folder: Path, name: str) -> tuple[dict[str, Any], int | None]:
    """Settings of the tokenizer, and the largest number of a token that a text can become.

    Tokens that only stand for other kinds of input, such as pictures, are special and do not count; the number is
    ``None`` where only transformers can read the tokenizer.

    Raises
    ------
    FileNotFoundError
        No tokenizer, or not its settings.
    ValueError
        A damaged file, or settings that say nothing.
    """
    path = folder / "tokenizer.json"
    said = read_object(path)
    if not any((folder / file).is_file() for file in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        msg = f"{name} has no tokenizer; save it beside the weights: tokenizer.save_pretrained(folder)"
        raise FileNotFoundError(msg)
    if (folder / "tokenizer.model").is_file():
        refuse_pointer(folder / "tokenizer.model")
    read_object(folder / "vocab.json")
    largest = _largest(path, said) if path.is_file() else None
    path = folder / "tokenizer_config.json"
    settings = read_object(path)
    if not path.is_file():
        msg = f"{name} lacks tokenizer_config.json, which names its end token; {_AGAIN}"
        raise FileNotFoundError(msg)
    if not settings:
        msg = f"{path} says nothing, not even the end token; {_AGAIN}"
        raise ValueError(msg)
    return settings, largest


def _largest(path: Path, said: dict[str, Any]) -> int:
    if not isinstance(said.get("model"), dict):
        msg = f"{path} is damaged: it has no 'model'; {_AGAIN}"
        raise ValueError(msg)
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
        added: dict[int, Any] = tokenizer.get_added_tokens_decoder()
        vocabulary: dict[str, int] = tokenizer.get_vocab(with_added_tokens=False)
    except BaseException as error:  # its errors share no class but Exception, and damage can make it panic
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        msg = f"{path} is damaged ({str(error).splitlines()[0][:150] if str(error) else error!r}); {_AGAIN}"
        raise ValueError(msg) from error
    if not vocabulary:
        msg = f"{path} has no tokens; {_AGAIN}"
        raise ValueError(msg)
    return max([*vocabulary.values(), *(number for number, token in added.items() if not token.special)])


def check_fits(largest: int | None, n_rows: int, folder: Path) -> None:
    """Refuse a tokenizer with more tokens than the model has vectors for.

    Raises
    ------
    ValueError
        How many there are of each.
    """
    if largest is not None and largest >= n_rows:
        msg = (
            f"the tokenizer of {folder} has tokens up to number {largest}, and the model vectors for {n_rows} "
            "(vocab_size of config.json), as after adding tokens: run model.resize_token_embeddings(len(tokenizer)), "
            "train, and save both; or put the earlier tokenizer.json back"
        )
        raise ValueError(msg)
