from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class FileTokenizer:
    """The tokenizer of a ``tokenizer.json``, called as those of transformers are.

    Parameters
    ----------
    path
        The file.
    eos_token_id
        Token that ends an answer.
    """

    def __init__(self, path: Path, eos_token_id: int | None) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.eos_token_id = eos_token_id

    def __call__(
        self, texts: list[str], *, return_offsets_mapping: bool = False, add_special_tokens: bool = True, **_: Any
    ) -> dict[str, Any]:
        """Token ids of texts with the special tokens of a prompt, and the characters that each stands for."""
        found = self._tokenizer.encode_batch(texts, add_special_tokens=add_special_tokens)
        out: dict[str, Any] = {"input_ids": [one.ids for one in found]}
        return out | {"offset_mapping": [one.offsets for one in found]} if return_offsets_mapping else out

    def decode(self, tokens: list[int]) -> str:
        """Text of tokens, special ones included."""
        text: str = self._tokenizer.decode(tokens, skip_special_tokens=False)
        return text
