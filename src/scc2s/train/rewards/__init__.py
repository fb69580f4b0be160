"""Rewards for :func:`scc2s.train.grpo`: pure functions of prompts, answers and columns of the table of prompts."""

from ._bertscore import bertscore
from ._embedding_energy import embedding_energy
from ._embedding_mse import embedding_mse
from ._grounding import grounding
from ._label import label
from ._program_delta import program_delta
from ._program_tau import program_tau
from ._reward import Reward
from ._validity import validity

__all__ = [
    "Reward",
    "bertscore",
    "embedding_energy",
    "embedding_mse",
    "grounding",
    "label",
    "program_delta",
    "program_tau",
    "validity",
]
