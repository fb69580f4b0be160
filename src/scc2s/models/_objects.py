"""Objects that a user gives as a model: taken as they are, or refused with what to do instead."""

from __future__ import annotations

from typing import Any

from ._protocols import Embeds, Generates, Reads, Scores, Talks

# Packages whose models write text, but know neither our prompts nor, most of them, their tokenizer.
_FOREIGN = (
    "transformers",
    "peft",
    "torch",
    "optimum",
    "auto_gptq",
    "sentence_transformers",
    "trl",
    "unsloth",
    "accelerate",
)
_ENGINES = ("vllm", "sglang", "llama_cpp", "openai", "anthropic", "ollama", "litellm", "langchain", "langchain_core")
_MODEL = ("id", "revision", "family", "labels", "tasks", "max_tokens", "info", "count_tokens")


def checked_object(model: Any, *, changed: bool) -> Any:
    """The object, if it is a model for scc2s.

    Parameters
    ----------
    model
        What the user gave.
    changed
        Whether options came with it, which belong to a name.

    Raises
    ------
    TypeError
        It is not: it can do nothing that is asked for here, does not say what it is, or is one of another package.
    ValueError
        Options were given.
    """
    kind = type(model).__name__
    packages = {base.__module__.partition(".")[0] for base in type(model).__mro__}
    folder = (
        "save both to a folder, and give its name: model.save_pretrained(folder); tokenizer.save_pretrained(folder); "
        'model="folder"'
    )
    if isinstance(model, type):
        msg = f"{model.__name__} is a class, not a model; give an object of it, or the name or folder of a model"
        raise TypeError(msg)
    if isinstance(model, tuple | list) and any(_is_foreign(part) for part in model):
        msg = f"a {kind} of a model and its tokenizer is not a model for scc2s; {folder}"
        raise TypeError(msg)
    if packages & set(_FOREIGN):
        msg = f"a {kind} of {_package(packages, _FOREIGN)} comes without a tokenizer; {folder}"
        raise TypeError(msg)
    if packages & set(_ENGINES):
        msg = (
            f"a {kind} of {_package(packages, _ENGINES)} is not a model for scc2s; give the address of its server: "
            'models.load("http://localhost:8000/v1", backend="server"), or wrap a function: '
            "scc2s.models.CallableModel(generate=function)"
        )
        raise TypeError(msg)
    if not isinstance(model, Embeds | Scores | Reads | Generates | Talks):
        msg = (
            f"a {kind} is not a model: it has no embed, score, log_likelihood, generate or reply; give a "
            "name or a folder, or wrap a function: scc2s.models.CallableModel(generate=function)"
        )
        raise TypeError(msg)
    if lacking := [name for name in _MODEL if not hasattr(model, name)]:
        msg = (
            f"a {kind} does not say what it is: it lacks {', '.join(lacking)} (scc2s.models.Model); give a name or a "
            "folder, or wrap its functions: scc2s.models.CallableModel(generate=model.generate, id='my-model')"
        )
        raise TypeError(msg)
    if changed:
        msg = "backend, device, dtype and the like belong to a name; an object is used as it is: load(model)"
        raise ValueError(msg)
    return model


def _is_foreign(part: Any) -> bool:
    return bool({base.__module__.partition(".")[0] for base in type(part).__mro__} & set(_FOREIGN))


def _package(packages: set[str], known: tuple[str, ...]) -> str:
    return next(name for name in known if name in packages)
