"""Reads what `filip export` wrote with the reference library and compares it with the lines beside it.

    python3 Tests/Exports/check.py FILE.safetensors
"""

import json
import pathlib
import sys

import numpy as np
from safetensors.numpy import load_file

path = pathlib.Path(sys.argv[1])
tensors = load_file(path)
items = [json.loads(line) for line in path.with_name(path.name + ".jsonl").read_text(encoding="utf-8").splitlines()]
embeddings, lengths = tensors["embeddings"], tensors["lengths"]
assert embeddings.dtype == np.float16 and lengths.dtype == np.int64, (embeddings.dtype, lengths.dtype)
assert len(items) == len(lengths) and lengths.sum() == len(embeddings), (len(items), len(lengths), len(embeddings))
assert tensors["pooled"].shape[0] == len(items)
norms = np.linalg.norm(embeddings.astype(np.float64), axis=1)
assert np.all(np.abs(norms - 1) < 1e-3), (norms.min(), norms.max())
for item, length in zip(items, lengths):
    assert pathlib.Path(item["path"]).stat().st_size == item["size"], item
    assert sum(columns * rows for columns, rows in item["grid"]) == length, item
assert len({item["filip_id"] for item in items}) == len(items)
print(f"{len(items)} items, {len(embeddings)} tokens of {embeddings.shape[1]} dimensions: as exported")
