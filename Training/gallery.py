"""Draws the example gallery with its captions and queries.

    python3 gallery.py [folder]        # default ../Examples/gallery

Same seed, same scenes; nothing is picked by hand.
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import phrases
from queries import draw_scenes, full_caption, one_object_queries

GALLERY_SEED = 20261121      # used for nothing else
QUERY_SEED = 20261122
SCENES, QUERIES = 300, 400
FORMATS = (("jpg", 0.70, {"quality": 88}), ("png", 0.15, {"optimize": True}), ("webp", 0.15, {"quality": 90}))


def gallery_scenes(concepts):
    """Returns the scenes and their file names."""
    scenes = draw_scenes(concepts, GALLERY_SEED, SCENES)
    rng = np.random.default_rng(GALLERY_SEED)
    kinds = rng.choice([f[0] for f in FORMATS], SCENES, p=[f[1] for f in FORMATS])
    return scenes, [f"scene-{i + 1:04d}.{kind}" for i, kind in enumerate(kinds)]


def describe(concepts, placed):
    """The JSON entry of one object."""
    c = concepts[placed.concept]
    return {"name": c.name, "phrases": c.phrases, "size": placed.size_class, "colour": placed.colour,
            "box": [round(v, 4) for v in placed.box]}


def write(path, value):
    """Writes JSON with one entry per line."""
    items = value.items() if isinstance(value, dict) else ((None, v) for v in value)
    lines = [(f"{json.dumps(k)}: " if k else "") + json.dumps(v, ensure_ascii=False) for k, v in items]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    path.write_text(opening + "\n" + ",\n".join(lines) + "\n" + closing + "\n", encoding="utf-8")


def main():
    default = Path(__file__).resolve().parent.parent / "Examples" / "gallery"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(parents=True, exist_ok=True)
    concepts = phrases.load_concepts()
    table = phrases.phrase_table(concepts)
    scenes, names = gallery_scenes(concepts)
    options = {f[0]: f[2] for f in FORMATS}
    for scene, name in zip(scenes, names):
        Image.fromarray(scene.pixels).save(folder / name, **options[name.rsplit(".")[-1]])
    write(folder / "captions.json", {
        name: {"caption": full_caption(concepts, s.objects), "objects": [describe(concepts, o) for o in s.objects]}
        for s, name in zip(scenes, names)})
    queries = one_object_queries(concepts, table, scenes, QUERY_SEED, QUERIES)
    write(folder / "queries.json", [
        {"query": q.text, "size": q.phrases[0].size_class, "colour": q.phrases[0].colour,
         "name": q.phrases[0].noun, "files": [names[i] for i in q.scenes]} for q in queries])
    shown = {o.concept for s in scenes for o in s.objects}
    print(len(names), "scenes,", sum(len(s.objects) for s in scenes), "objects,", len(shown), "of",
          len(concepts), "concepts")


if __name__ == "__main__":
    main()
