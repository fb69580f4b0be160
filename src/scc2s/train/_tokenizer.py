from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from transformers import PreTrainedTokenizerFast

EOS, PAD = "<|endoftext|>", "<|padding|>"
# A word with the space before it; the punctuation that ends it; any other white space.
_WORDS = r" ?[^\s]+?(?=[.,:;]*(?:\s|$))|[.,:;]+|\s"


def gene_tokenizer(genes: Sequence[str], texts: Iterable[str], *, n_pieces: int = 1024) -> PreTrainedTokenizerFast:
    """Tokenizer with one token a gene, and byte-level pieces for any other text.

    A gene is one vocabulary item ``" GENE"``, found before any merge (``ignore_merges``); every other word is cut by
    byte-pair encoding learned on `texts`, so that no text is unknown and decoding gives it back to the letter.

    Parameters
    ----------
    genes
        Gene names as they stand in sentences.
    texts
        Prompts and answers from which the pieces of plain words are learned.
    n_pieces
        Vocabulary of plain text: special tokens, 256 bytes, and merges.

    Returns
    -------
    A tokenizer that ``AutoTokenizer`` loads in transformers 4.57 and 5.

    Examples
    --------
    >>> t = gene_tokenizer(["CD3D", "HLA-DRA"], ["Cell type: B cell"])
    >>> t.tokenize("Genes: CD3D HLA-DRA")[-2:]
    ['ĠCD3D', 'ĠHLA-DRA']
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    pre = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    plain = Tokenizer(models.BPE())
    plain.pre_tokenizer = pre
    trainer = trainers.BpeTrainer(
        vocab_size=n_pieces,
        special_tokens=[EOS, PAD],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    plain.train_from_iterator(texts, trainer)
    learned = json.loads(plain.to_str())["model"]
    vocab = dict(learned["vocab"])
    for gene in genes:
        vocab.setdefault(piece_of(gene), len(vocab))
    merges: list[tuple[str, str]] = [(first, second) for first, second in learned["merges"]]
    full = Tokenizer(models.BPE(vocab=vocab, merges=merges, ignore_merges=True))
    full.pre_tokenizer = pre
    full.decoder = decoders.ByteLevel()
    made: Any = PreTrainedTokenizerFast  # whose arguments transformers does not type
    out: PreTrainedTokenizerFast = made(
        tokenizer_object=full,
        eos_token=EOS,
        bos_token=EOS,
        unk_token=EOS,
        pad_token=PAD,
        clean_up_tokenization_spaces=False,
    )
    return out


def piece_of(gene: str) -> str:
    """The token of a gene within a sentence, with the space before it, as byte-level tokenizers spell it."""
    from tokenizers import pre_tokenizers

    ((piece, _),) = pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False).pre_tokenize_str(gene)
    return str(piece)
