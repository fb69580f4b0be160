"""The tokenizer of a model folder: whether its files are there, can be read, and go with the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._files import read_object, refuse_pointer

if TYPE_CHECKING:
    from pathlib import Path

_TOKENS = ("eos_token", "bos_token", "pad_token", "unk_token")
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
    known, largest = _tokens(path, said) if path.is_file() else (None, None)
    path = folder / "tokenizer_config.json"
    settings = read_object(path)
    if not path.is_file():
        msg = f"{name} lacks tokenizer_config.json, which names its end token; {_AGAIN}"
        raise FileNotFoundError(msg)
    if not settings:
        msg = f"{path} says nothing, not even the end token; {_AGAIN}"
        raise ValueError(msg)
    _check_settings(settings, known, path)
    return settings, largest


def _check_settings(settings: dict[str, Any], known: set[str] | None, path: Path) -> None:
    wrong = [key for key in _TOKENS if not _is_token(settings.get(key))]
    if not isinstance(settings.get("tokenizer_class"), str | None):
        wrong.append("tokenizer_class")
    longest = settings.get("model_max_length")
    if longest is not None and (not isinstance(longest, int | float) or isinstance(longest, bool) or not longest > 0):
        wrong.append("model_max_length")
    if wrong:
        msg = f"{path} is damaged: {wrong[0]} is {str(settings[wrong[0]])[:60]!r}; {_AGAIN}"
        raise ValueError(msg)
    end = _content(settings.get("eos_token"))
    added = settings.get("added_tokens_decoder")
    named = {str(_content(one)) for one in added.values()} if isinstance(added, dict) else set()
    if known is not None and end is not None and end not in known | named:
        msg = f"{path} says that the end token is {str(end)!r}, which is not a token of tokenizer.json; {_AGAIN}"
        raise ValueError(msg)


def _content(said: Any) -> Any:
    return said.get("content", 0) if isinstance(said, dict) else said


def _is_token(said: Any) -> bool:
    said = _content(said)
    return said is None or (isinstance(said, str) and bool(said))


def _tokens(path: Path, said: dict[str, Any]) -> tuple[set[str], int]:
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
    known = {*vocabulary, *(token.content for token in added.values())}
    return known, max([*vocabulary.values(), *(number for number, token in added.items() if not token.special)])


def check_fits(largest: int | None, n_rows: int | None, folder: Path) -> None:
    """Refuse a tokenizer with more tokens than the model has vectors for.

    Raises
    ------
    ValueError
        How many there are of each.
    """
    if largest is not None and n_rows is not None and largest >= n_rows:
        msg = (
            f"the tokenizer of {folder} has tokens up to number {largest}, and the model vectors for {n_rows} "
            "(vocab_size of config.json), as after adding tokens: run model.resize_token_embeddings(len(tokenizer)), "
            "train, and save both; or put the earlier tokenizer.json back"
        )
        raise ValueError(msg)
