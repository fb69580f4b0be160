from __future__ import annotations

import numpy as np

from scc2s.metrics import perplexity


def test_a_model_that_knows_nothing_has_the_size_of_its_vocabulary():
    n = np.array([1, 7, 100])
    assert np.allclose(perplexity(-n * np.log(13_881), n), 13_881)
    assert np.isnan(perplexity([0.0], [0])[0])
    assert perplexity([0.0], [3])[0] == 1
