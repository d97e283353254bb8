"""Writes what the Swift encoders must reproduce, from the exported weights.

    python3 parity.py            # into ../Tests/EncodersTests/Fixtures/filip-drawn

`expected.safetensors`: per image the 128x128 pixels after Pillow's bicubic,
the normalised patch vectors and pooled vector; per text the ids with start and
end, the normalised token vectors without them, and the pooled vector.
"""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from evaluate import GALLERY_FOLDER, Searcher
from export import MODEL_FOLDER

FIXTURE_FOLDER = Path(__file__).resolve().parent.parent / "Tests" / "EncodersTests" / "Fixtures" / "filip-drawn"
SUFFIXES = (".png", ".png", ".jpg", ".webp")
TEXTS = ("balloon", "a small red balloon", "Big  DOG", "a picture of a green apple and a tiny blue star",
         "the t-shirt, the woman’s hat & 3 café chairs", "hot pepper to the left of a large yellow crescent")


def fixture_files():
    """The first gallery files with the wanted suffixes, each once."""
    names = sorted(p.name for p in GALLERY_FOLDER.iterdir())
    chosen = []
    for suffix in SUFFIXES:
        chosen.append(next(n for n in names if n.endswith(suffix) and n not in chosen))
    return chosen


def main():
    searcher, names, tensors = Searcher(MODEL_FOLDER), fixture_files(), {}
    for i, name in enumerate(names):
        picture = Image.open(GALLERY_FOLDER / name)
        patches, pooled = searcher.images([picture])
        pixels = np.asarray(picture.convert("RGB").resize((128, 128), Image.BICUBIC))
        tensors[f"image.{i}.pixels"] = torch.from_numpy(pixels.copy())
        tensors[f"image.{i}.tokens"] = patches[0].clone()
        tensors[f"image.{i}.pooled"] = pooled[0].clone()
    for i, text in enumerate(TEXTS):
        tokens, pooled, ids = searcher.text(text)
        tensors[f"text.{i}.ids"] = torch.tensor(ids)
        tensors[f"text.{i}.tokens"] = tokens.contiguous().clone()
        tensors[f"text.{i}.pooled"] = pooled.clone()
    FIXTURE_FOLDER.mkdir(parents=True, exist_ok=True)
    save_file(tensors, FIXTURE_FOLDER / "expected.safetensors")
    (FIXTURE_FOLDER / "expected.safetensors").chmod(0o644)
    (FIXTURE_FOLDER / "inputs.json").write_text(
        json.dumps({"images": names, "texts": list(TEXTS)}, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
