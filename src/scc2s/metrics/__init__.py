"""Scores on arrays and texts: what a model wrote against what is real."""

from ._auroc import auroc
from ._bertscore import BertScore, Encoded, bertscore, encoder_from
from ._binary_report import binary_report
from ._bootstrap import Interval, bootstrap
from ._bulk_profile import BulkProfile, bulk_profile
from ._calibration import Calibration, calibration
from ._classifier import classifier_auroc
from ._de_agreement import DEAgreement, de_agreement
from ._de_table import DETable, de_table
from ._discrimination import discrimination
from ._embedding_scores import embedding_scores
from ._energy import energy_distance
from ._expression_error import ExpressionError, expression_error
from ._fidelity import sentence_fidelity
from ._fitted_answers import fitted_answers
from ._floor_cells import marginal_cells, thinned_cells
from ._foscttm import foscttm
from ._gene_correlation import gene_correlation
from ._kendall import kendall_tau, rank_values
from ._keywords import keyword_recall
from ._knn import knn_condition_accuracy
from ._label_agreement import label_agreement
from ._label_lists import label_lists
from ._label_report import LabelReport, label_report
from ._labels import entropy, mean_by_group
from ._mmd import mmd
from ._nearest_training import nearest_training
from ._nulls import divergence, excess, information, null_report
from ._overlap import gene_overlap
from ._pearson import delta_pearson, pearson
from ._perplexity import perplexity
from ._perturbation_report import perturbation_report
from ._power import smallest_effect
from ._scfid import FrechetDistance, scfid, scfid_details
from ._screen import HitRule, screen_table
from ._spread import spread
from ._synergy import synergy
from ._temperature import fit_temperature, scaled_by_temperature
from ._togetherness import context_features, profile_correlation, same_type_share
from ._validity import validity
from ._wasserstein import wasserstein
from ._yardsticks import perturbation_yardsticks

__all__ = [
    "BertScore",
    "BulkProfile",
    "DEAgreement",
    "DETable",
    "Calibration",
    "Encoded",
    "ExpressionError",
    "FrechetDistance",
    "HitRule",
    "Interval",
    "LabelReport",
    "auroc",
    "bertscore",
    "binary_report",
    "bootstrap",
    "bulk_profile",
    "de_agreement",
    "de_table",
    "calibration",
    "classifier_auroc",
    "context_features",
    "delta_pearson",
    "discrimination",
    "embedding_scores",
    "encoder_from",
    "energy_distance",
    "entropy",
    "expression_error",
    "fit_temperature",
    "fitted_answers",
    "divergence",
    "encoder_from",
    "energy_distance",
    "entropy",
    "excess",
    "foscttm",
    "gene_correlation",
    "gene_overlap",
    "information",
    "kendall_tau",
    "keyword_recall",
    "knn_condition_accuracy",
    "label_agreement",
    "label_lists",
    "label_report",
    "marginal_cells",
    "mean_by_group",
    "mmd",
    "nearest_training",
    "null_report",
    "pearson",
    "perplexity",
    "perturbation_report",
    "perturbation_yardsticks",
    "profile_correlation",
    "rank_values",
    "same_type_share",
    "scaled_by_temperature",
    "scfid",
    "scfid_details",
    "screen_table",
    "sentence_fidelity",
    "spread",
    "smallest_effect",
    "synergy",
    "thinned_cells",
    "validity",
    "wasserstein",
]
