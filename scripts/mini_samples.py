"""Training samples of scc2s-mini, drawn afresh for each step: prompts and completions of one task at a time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
from mini_data import caption, decoys, markers
from mini_types import NONE, ancestors, wordings
from scipy import sparse

from scc2s import prompts
from scc2s.prompts import NO_PERTURBATION
from scc2s.prompts._sample_words import sample_words
from scc2s.sentences import join, rank
from scc2s.train import Augment

if TYPE_CHECKING:
    from mini_sets import Ratios, Set

N_GENES = 200
UNREAD = re.compile(
    r"(RP[SL]\d+[A-Z]?\d*[LXY]?\d*|RPS4Y1|RPLP[012]|RPSA|MT-\w+|MTRNR2L\d+|MALAT1|NEAT1|XIST|TMSB4X|TMSB10|B2M|EEF1A1|EEF1B2|EEF1D|EEF1G|"
    r"EEF2|TPT1|NACA|FAU|UBA52|UBB|UBC|PTMA|ACTB|ACTG1|GAPDH|GNB2L1|RACK1|NPM1|BTF3|H3F3B|H3F3A|HNRNPA1|PABPC1|EIF1|EIF4A1|OAZ1|"
    r"SERF2|TOMM7|COX4I1|COX7C|ATP5E|PFDN5|SRP14|YBX1|CFL1|PFN1|MYL6|MYL12A|NBEAL1)"
)
"""Genes that the model does not read: ribosomal, mitochondrial, and some that nearly every cell expresses."""
IFN_BETA = (
    "interferon beta", "IFN beta", "IFNB", "IFNB1", "interferon-beta", "IFN-b", "Interferon beta", "IFN-β", "interferon beta-1a",
    "recombinant IFN-beta", "ifn-beta", "IFNbeta",
)  # fmt: skip
PROMPTS = Augment(thin=(0.5, 1.0), mix=0.15, drop_genes=(0.0, 0.25), n_genes=None)
CELLS = Augment(thin=(0.7, 1.0), mix=0.0, drop_genes=(0.0, 0.15), n_genes=None)
BLOOD = ("pbmc3k", "kang", "kang_labelled", "pbmc68k")


def read_words(sentence: str) -> str:
    """A sentence without the genes that the model does not read."""
    return " ".join(word for word in sentence.split() if not UNREAD.fullmatch(word))


def table(prompts: list[str], completions: list[str]) -> pd.DataFrame:
    """Samples as ``scc2s.train`` takes them."""
    return pd.DataFrame({"prompt": prompts, "completion": completions})


class Samples:
    """Draws samples; a generator of random numbers in the same state gives the same ones."""

    def __init__(
        self,
        sets: list[Set],
        foreign: list[Set],
        ratios: list[Ratios],
        texts: dict[str, list[tuple[str, str]]],
    ):
        self.sets, self.foreign, self.ratios, self.texts = sets, foreign, ratios, texts
        self.rng = np.random.default_rng(0)
        self.rows = {s.name: np.flatnonzero(s.part == "train") for s in (*sets, *foreign)}
        self.by_kind = [
            {k: self.rows[s.name][s.kind[self.rows[s.name]] == k] for k in sorted(set(s.kind[self.rows[s.name]]))}
            for s in sets
        ]
        self.markers = {s.name: markers(self._labelled(s)) for s in sets}
        pairs = [(i, k, len(rows)) for i, kinds in enumerate(self.by_kind) for k, rows in kinds.items()]
        self.pairs = [(i, k) for i, k, _ in pairs]
        blood = np.array([3.0 if sets[i].name in BLOOD else 1.0 for i, _, _ in pairs])
        weight = blood * np.array([min(n, 400) ** 0.5 for _, _, n in pairs])
        self.weight = weight / weight.sum()
        whole = blood**2 * np.array([n**0.8 for _, _, n in pairs])
        self.weight_generate = whole / whole.sum()

    def _labelled(self, s: Set) -> ad.AnnData:
        rows = self.rows[s.name]
        cells = ad.AnnData(s.X[rows].copy())
        cells.var_names, cells.obs["cell_type"] = s.names, s.kind[rows].astype(str)
        return cells

    # sentences -------------------------------------------------------------------------------------------------

    def sentences(
        self,
        X: sparse.csr_matrix,
        names: list[str],
        augment: Augment | None,
        groups=None,
        *,
        panel: bool,
        length=N_GENES,
    ) -> list[str]:
        """Varied sentences of some cells, whole or without the genes that are not read, of all genes or a panel of them."""
        rng = self.rng
        if augment is not None:
            X = augment.apply(X, rng, groups=groups)
        allowed = None
        if panel and len(names) > 600 and rng.random() < 0.2:
            size = int(np.exp(rng.uniform(np.log(400), np.log(len(names)))))
            chance = np.asarray((X > 0).sum(axis=0)).ravel() ** 0.5 + 0.3
            allowed = np.zeros(len(names), dtype=bool)
            allowed[rng.choice(len(names), size, replace=False, p=chance / chance.sum())] = True
        elif panel and rng.random() < 0.12:
            other = set(self.sets[rng.integers(len(self.sets))].names)
            allowed = np.array([n in other for n in names])
        return join(
            rank(X, length, names=names, seed=int(rng.integers(2**31)), allowed=allowed, n_jobs=1), names
        ).tolist()

    def _read(self, sentences: list[str]) -> list[str]:
        """Half the prompts without the genes that are not read, half whole; some are short."""
        out = []
        for sentence in sentences:
            if self.rng.random() < 0.6:
                sentence = read_words(sentence)
            words = sentence.split()
            if self.rng.random() < 0.35:
                words = words[: int(self.rng.integers(25, N_GENES))]
            out.append(" ".join(words))
        return out

    # cell types ------------------------------------------------------------------------------------------------

    def cells(self, n: int) -> tuple[list[str], list[str], list[str]]:
        """Sentences, types and organisms of cells of all sets, rare types as often as common ones or nearly so."""
        rng = self.rng
        sentences, kinds, organisms = [], [], []
        n_ratio, n_foreign = rng.binomial(n, 0.15), rng.binomial(n, 0.06)
        drawn = rng.choice(len(self.pairs), n - n_ratio - n_foreign, p=self.weight)
        for i in np.unique([self.pairs[d][0] for d in drawn]):
            mine = [self.pairs[d][1] for d in drawn if self.pairs[d][0] == i]
            rows = np.array([rng.choice(self.by_kind[i][k]) for k in mine])
            # cells of the same type are there to be mixed with
            extra = np.array([rng.choice(self.by_kind[i][k]) for k in mine])
            both, groups = np.concatenate([rows, extra]), np.array(mine + mine)
            found = self.sentences(self.sets[i].X[both], self.sets[i].names, PROMPTS, groups, panel=True)[: len(rows)]
            sentences += found
            kinds += mine
            organisms += ["Homo sapiens"] * len(mine)
        for _ in range(n_ratio):
            sentence, kind = self._ratio()
            sentences.append(sentence), kinds.append(kind), organisms.append("Homo sapiens")
        for _ in range(n_foreign):
            s = self.foreign[rng.integers(len(self.foreign))]
            X = s.X[rng.choice(self.rows[s.name], 1)]
            length = N_GENES if s.organism == "Homo sapiens" else 60  # unknown words are many tokens
            sentences += self.sentences(X, s.names, PROMPTS, panel=False, length=length)
            kinds.append("")
            organisms.append(s.organism)
        order = [i for i in rng.permutation(len(kinds)) if sentences[i]]
        return [sentences[i] for i in order], [kinds[i] for i in order], [organisms[i] for i in order]

    def _ratio(self) -> tuple[str, str]:
        from mini_sets import ratio_cells

        rng = self.rng
        while True:
            ratios = self.ratios[rng.integers(len(self.ratios))]
            wanted = ("pbmc3k", "kang")[rng.integers(2)]
            base = next(s for s in self.sets if s.name == wanted)
            sources = sorted(set(ratios.kind) & set(base.kind[self.rows[base.name]]))
            kinds = sorted(set(ratios.kind))
            # types without cells of their own come most often
            chance = np.array([1.0 if k in {k for _, k in self.pairs} else 3.0 for k in kinds])
            target = str(rng.choice(kinds, p=chance / chance.sum()))
            near = [s for s in sources if s != target and set(ancestors(s)) & set(ancestors(target)) - {"immune cell"}]
            source = str(rng.choice(near or [s for s in sources if s != target]))
            X = ratio_cells(base, ratios, target, source, 1, rng)
            (sentence,) = self.sentences(X, base.names, CELLS, panel=True)
            if sentence:
                return sentence, target

    def open(self, n: int) -> pd.DataFrame:
        """The type in its own name, mostly as fine as it is known."""
        sentences, kinds, organisms = self.cells(n)
        task, rng = prompts.get("cell_type"), self.rng
        texts, answers = [], []
        for sentence, kind, organism in zip(self._read(sentences), kinds, organisms, strict=True):
            texts += task.render([sentence], {"organism": organism}).texts
            line = [kind, *ancestors(kind)] if kind else []
            answer = NONE if not line else line[0] if rng.random() < 0.75 else str(rng.choice(line))
            answers.append(
                task.complete(cell_type=str(rng.choice(wordings(answer))) if line and rng.random() < 0.3 else answer)
            )
        return table(texts, answers)

    # cells that are written ------------------------------------------------------------------------------------

    def generate(self, n: int, name: str) -> pd.DataFrame:
        """Cells as they are, with ties in new order; the type may be asked for in any wording."""
        rng, task = self.rng, prompts.get(name)
        i = int(rng.choice([self.pairs[d][0] for d in rng.choice(len(self.pairs), 1, p=self.weight_generate)]))
        s = self.sets[i]
        mine = np.array([w if j == i else 0.0 for (j, _), w in zip(self.pairs, self.weight_generate, strict=True)])
        kinds = [self.pairs[d][1] for d in rng.choice(len(self.pairs), n, p=mine / mine.sum())]
        rows = np.array([rng.choice(self.by_kind[i][k]) for k in kinds])
        found = self.sentences(s.X[rows], s.names, None, panel=False)
        some = self.rows[s.name]
        some = rng.choice(some, min(len(some), 200), replace=False)
        sample = sample_words(self.sentences(s.X[some], s.names, None, panel=False))
        texts, answers = [], []
        for sentence, kind in zip(found, kinds, strict=True):
            words = sentence.split()
            if not words:
                continue
            if rng.random() < 0.25:
                words = words[: int(rng.integers(20, N_GENES))]
            asked = kind if rng.random() < 0.5 else str(rng.choice(wordings(kind)))
            known = {"organism": s.organism, "n_genes": str(len(words)), "cell_type": asked, "sample_genes": sample}
            texts += task.render([""], {k: v for k, v in known.items() if k in task.fields}).texts
            answers.append(task.complete(cell_sentence=" ".join(words)))
        return table(texts, answers)

    def perturb(self, n: int) -> pd.DataFrame:
        """Control cells in, stimulated cells of the same type and donor out; or, for no or an unknown name, other control cells."""
        rng, task = self.rng, prompts.get("perturb")
        wanted = ("kang", "kang_labelled")[int(rng.random() < 0.4)]
        s = next(x for x in self.sets if x.name == wanted)
        obs = s.adata.obs
        control = (obs["condition"] == "ctrl").to_numpy()
        donor = obs["donor"].astype(str).to_numpy() if s.name == "kang_labelled" else np.full(len(obs), "")
        rows = self.rows[s.name]
        kinds = sorted(set(s.kind[rows]))
        before, after, names = [], [], []
        while len(before) < n:
            kind = str(rng.choice(kinds))
            mine = rows[s.kind[rows] == kind]
            start = int(rng.choice(mine[control[mine]]))
            u = rng.random()
            stimulated = u < 0.75
            there = mine[(control[mine] != stimulated) & (donor[mine] == donor[start])]
            if not len(there):
                continue
            if stimulated:
                name = "IFN-beta" if rng.random() < 0.6 else str(rng.choice(IFN_BETA))
            elif u < 0.85:
                name = NO_PERTURBATION
            elif u < 0.9:
                name = f"{rng.choice(['no', 'without'])} {rng.choice(['IFN-beta', *IFN_BETA])}"
            else:
                (name,) = decoys(1, int(rng.integers(2**31)))
            before.append(start), after.append(int(rng.choice(there))), names.append(name)
        first = self.sentences(s.X[before], s.names, CELLS, panel=False)
        second = self.sentences(s.X[after], s.names, None, panel=False)
        texts, answers = [], []
        for a, b, name in zip(first, second, names, strict=True):
            if a and b:
                texts += task.render([a], {"organism": s.organism, "perturbation": name}).texts
                answers.append(task.complete(perturbed_sentence=b))
        return table(texts, answers)

    def caption(self, n: int) -> pd.DataFrame:
        """What the cell is, where it comes from, and markers of its type that it expresses, in a sentence."""
        rng, task = self.rng, prompts.get("caption")
        at_home = np.array([3.0 if s.name in BLOOD else 1.0 for s in self.sets])
        i = int(rng.choice(len(self.sets), p=at_home / at_home.sum()))
        s, kinds = self.sets[i], self.by_kind[i]
        often = np.array([min(len(rows), 400) ** 0.5 for rows in kinds.values()])
        chosen = rng.choice(list(kinds), n, p=often / often.sum())
        rows = np.array([rng.choice(kinds[k]) for k in chosen])
        found = self._read(self.sentences(s.X[rows], s.names, PROMPTS, s.kind[rows], panel=True))
        keep = [j for j in range(n) if found[j]]
        texts = task.render([found[j] for j in keep], {"organism": s.organism}).texts
        return table(texts, [task.complete(caption=self._caption(s, rows[j])) for j in keep])

    def _caption(self, s: Set, row: int) -> str:
        kind = str(s.kind[row])
        cell = s.X[[row]]
        expressed = {s.names[j] for j in cell.indices[cell.data > 0]}
        genes = [g for g in self.markers[s.name].get(kind, []) if g in expressed and not UNREAD.fullmatch(g)][:3]
        stimulated = s.adata is not None and "condition" in s.adata.obs and s.adata.obs["condition"].iloc[row] == "stim"
        return caption(kind, s.tissue, genes, stimulated=stimulated)

    def written(self, name: str, n: int) -> pd.DataFrame:
        """Samples that were made beforehand."""
        chosen = [self.texts[name][i] for i in self.rng.integers(len(self.texts[name]), size=n)]
        return table([p for p, _ in chosen], [c for _, c in chosen])

    def draw(self, task: str, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """About `n` samples of a task."""
        self.rng = rng
        make = {"cell_type": self.open, "perturb": self.perturb, "caption": self.caption}
        if task in make:
            return make[task](n)
        return self.generate(n, task) if task.startswith("generate") else self.written(task, n)
