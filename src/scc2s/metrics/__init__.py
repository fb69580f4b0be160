"""Scores on arrays and texts: what a model wrote against what is real."""

from ._bertscore import BertScore, Encoded, bertscore, encoder_from
from ._bootstrap import Interval, bootstrap
from ._discrimination import discrimination
from ._energy import energy_distance
from ._fidelity import sentence_fidelity
from ._foscttm import foscttm
from ._kendall import kendall_tau, rank_values
from ._keywords import keyword_recall
from ._knn import knn_condition_accuracy
from ._label_report import LabelReport, label_report
from ._labels import entropy, mean_by_group
from ._mmd import mmd
from ._nulls import divergence, excess, information, null_report
from ._overlap import gene_overlap
from ._pearson import delta_pearson, pearson
from ._perplexity import perplexity
from ._perturbation_report import perturbation_report
from ._scfid import FrechetDistance, scfid, scfid_details
from ._screen import HitRule, screen_table
from ._synergy import synergy
from ._validity import validity
from ._wasserstein import wasserstein

__all__ = [
    "BertScore",
    "Encoded",
    "FrechetDistance",
    "HitRule",
    "Interval",
    "LabelReport",
    "bertscore",
    "bootstrap",
    "delta_pearson",
    "discrimination",
    "divergence",
    "encoder_from",
    "energy_distance",
    "entropy",
    "excess",
    "foscttm",
    "gene_overlap",
    "information",
    "kendall_tau",
    "keyword_recall",
    "knn_condition_accuracy",
    "label_report",
    "mean_by_group",
    "mmd",
    "null_report",
    "pearson",
    "perplexity",
    "perturbation_report",
    "rank_values",
    "scfid",
    "scfid_details",
    "screen_table",
    "sentence_fidelity",
    "synergy",
    "validity",
    "wasserstein",
]
