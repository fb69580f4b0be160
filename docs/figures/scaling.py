import numpy as np
import pandas as pd
import scanpy as sc
import scc2s
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

adata = sc.datasets.pbmc68k_reduced()
rows = []
for n_genes in (10, 30, 100):  # no language model: a regression on the first words of the sentences
    sc.pp.c2s_sentences(adata, n_genes=n_genes)
    words = CountVectorizer(token_pattern=r"\S+", lowercase=False).fit_transform(adata.obs["c2s_sentence"])
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(700)
        train, test = order[:500], order[500:]
        for fraction in (0.2, 0.4, 0.7, 1.0):
            part = train[: int(500 * fraction)]
            model = LogisticRegression(max_iter=500).fit(words[part], adata.obs["louvain"].iloc[part])
            known = adata.obs["louvain"].iloc[test].isin(model.classes_).to_numpy()
            loss = log_loss(
                adata.obs["louvain"].iloc[test[known]].astype(str),
                model.predict_proba(words[test[known]]),
                labels=model.classes_.tolist(),
            )
            rows.append((f"{n_genes} words", "regression", fraction, seed, words.shape[1], len(part), loss))
runs = pd.DataFrame(rows, columns=["size", "regime", "fraction", "seed", "n_parameters", "n_samples", "loss"])
ax = scc2s.pl.scaling(runs, show=False)
ax.set_ylabel("held-out loss, nats a cell")
