"""Measures the exported model on unseen scenes and on the example gallery.

    python3 evaluate.py [--model folder] [--scenes 1000] [--output figures.json]

Uses the exported fp16 weights (computed in fp32) and 256-pixel scenes reduced
with Pillow's antialiased bicubic filter, as the search engine does.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer

import phrases
import sprites
from captions import OPPOSITE, Caption, Captioner, Phrase, relation_holds
from export import MODEL_FOLDER, load_exported
from gallery import QUERIES, QUERY_SEED, gallery_scenes
from queries import draw_scenes, one_object_queries, phrase_text, two_object_queries, with_article
from scenes import COLOUR_NAMES, GRID

SCENE_SEED = 70001           # used for nothing else; 70002 and 70003 for its queries, 70004 for choices
GALLERY_FOLDER = Path(__file__).resolve().parent.parent / "Examples" / "gallery"
CUTS = (1, 5, 10)


class Searcher:
    """The exported model with its tokenizer."""

    def __init__(self, folder):
        self.model = load_exported(folder)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    @torch.no_grad()
    def images(self, pictures):
        """Pictures to normalised patches [n, 64, d] and pooled vectors [n, d]."""
        pixels = np.stack([np.asarray(p.convert("RGB").resize((128, 128), Image.BICUBIC)) for p in pictures])
        parts = [self.model.image(torch.from_numpy(pixels[i:i + 50])) for i in range(0, len(pixels), 50)]
        return torch.cat([p for p, _ in parts]), torch.cat([g for _, g in parts])

    @torch.no_grad()
    def text(self, text):
        """Normalised tokens [t, d] without start and end, pooled [d], and ids."""
        ids = self.tokenizer.encode(text).ids
        ids = ids[:31] + ids[-1:] if len(ids) > 32 else ids
        tokens, pooled = self.model.text(torch.tensor([ids]), torch.tensor([len(ids) - 1]))
        return tokens[0, 1:-1], pooled[0], ids


def late_scores(tokens, patches):
    """[n]: mean over tokens of the maximum over patches."""
    return torch.einsum("td,npd->ntp", tokens, patches).amax(-1).mean(-1)


def rank_of_first(scores, true):
    """Rank (0 is best) of the best true image; ties count against it."""
    best = scores[true].max()
    others = torch.ones(len(scores), dtype=torch.bool)
    others[true] = False
    return int((scores[others] >= best).sum())


def share(hits):
    """Percentage and its standard error, from a list of Booleans."""
    p, n = float(np.mean(hits)), len(hits)
    return {"percent": round(100 * p, 1), "standard_error": round(100 * (p * (1 - p) / n) ** 0.5, 1), "n": n}


def recalls(ranks):
    return {f"R@{k}": share([r < k for r in ranks]) for k in CUTS}


def retrieval(searcher, queries, patches, pooled):
    """Recalls of late interaction and of the pooled vector, also by size."""
    late, single = [], []
    for q in queries:
        tokens, vector, _ = searcher.text(q.text)
        late.append(rank_of_first(late_scores(tokens, patches), q.scenes))
        single.append(rank_of_first(pooled @ vector, q.scenes))
    late, single, sizes = np.array(late), np.array(single), np.array([q.smallest for q in queries])
    gain = (late < 5).astype(float) - (single < 5)
    result = {"late": recalls(late), "pooled": recalls(single),
              "late_minus_pooled_R@5": {"points": round(100 * float(gain.mean()), 1),
                                        "standard_error": round(100 * float(gain.std() / len(gain) ** 0.5), 1)}}
    for name, low, high in (("below 15 %", 0, .15), ("15-40 %", .15, .40), ("above 40 %", .40, 1)):
        inside = (sizes >= low) & (sizes < high)
        if inside.any():
            result[f"object {name} of the side"] = {"late": recalls(late[inside]), "pooled": recalls(single[inside])}
    return result


def pointing(searcher, queries, scenes, patches, table):
    """Whether the last token's best patch lies within half a patch of a true box."""
    hits, several, small = [], [], []
    for q in queries:
        tokens, _, _ = searcher.text(q.text)
        for i in q.scenes[:1]:
            best = int((patches[i] @ tokens[-1]).argmax())
            x, y = (best % GRID + 0.5) / GRID, (best // GRID + 0.5) / GRID
            slack = 0.5 / GRID
            boxes = [o.box for o in scenes[i].objects if q.phrases[0].matches(o, table)]
            hit = any(bx - slack <= x <= bx + w + slack and by - slack <= y <= by + h + slack for bx, by, w, h in boxes)
            hits.append(hit)
            if len(scenes[i].objects) > 1:
                several.append(hit)
            if q.smallest < 0.15:
                small.append(hit)
    return {"all": share(hits), "scenes with several objects": share(several), "objects below 15 %": share(small)}


def choices(searcher, concepts, table, scenes, patches, seed, limit=400):
    """Two-way choice: a true caption against one false in a single respect."""
    rng = np.random.default_rng(seed)
    captioner = Captioner(concepts, table, rng)
    hits = {"colour": [], "size": [], "name": [], "relation": []}

    def compare(kind, true, false, i):
        if len(hits[kind]) < limit:
            values = [float(late_scores(searcher.text(t)[0], patches[i:i + 1])) for t in (true, false)]
            hits[kind].append(values[0] > values[1])

    for i, scene in enumerate(scenes):
        o = captioner.choose(scene.objects)
        p = captioner.phrase(o, size_share=1.0, colour_share=1.0, name_share=1.0)
        for kind, wrong in (
                ("colour", p.colour and Phrase(p.noun, p.size_class, captioner.choose(COLOUR_NAMES))),
                ("size", p.size_class and Phrase(p.noun, "small" if p.size_class == "big" else "big", p.colour)),
                ("name", Phrase(captioner.choose(captioner.nouns), p.size_class, p.colour))):
            if wrong and not Caption((wrong,)).matches(scene.objects, table):
                compare(kind, phrase_text(p), phrase_text(wrong), i)
        if len(scene.objects) == 2:
            a, b = scene.objects
            relation = next((r for r in OPPOSITE if relation_holds(r, a, b)), None)
            if relation and a.concept != b.concept:
                words = {"left": "to the left of", "right": "to the right of"}
                first, second = (with_article(concepts[x.concept].name) for x in (a, b))
                compare("relation", *(f"{first} {words.get(r, r)} {second}" for r in (relation, OPPOSITE[relation])), i)
    return {kind: share(h) for kind, h in hits.items() if h}


def bare_phrases(searcher, concepts, table, scenes, patches):
    """R@5 of every phrase alone, without size or colour, that is true of a scene.

    Objects drawn in a foreign colour are counted apart: asked without their
    colour they are hard to know.
    """
    names = {c.name for c in concepts}
    hits = {"names": [], "keywords": [], "names of recoloured objects": [], "names of other objects": []}
    for text in sorted(table):
        objects = [(i, o) for i, s in enumerate(scenes) for o in s.objects if o.concept in table[text]]
        if not objects:
            continue
        scores = late_scores(searcher.text(text)[0], patches)
        hit = rank_of_first(scores, sorted({i for i, _ in objects})) < 5
        hits["names" if text in names else "keywords"].append(hit)
        if text in names:
            recoloured = all(o.tint and not concepts[o.concept].is_shape for _, o in objects)
            hits["names of recoloured objects" if recoloured else "names of other objects"].append(hit)
    return {kind: share(h) for kind, h in hits.items() if h}


def measure(searcher, concepts, table, scenes, pictures, singles, pairs, details):
    patches, pooled = searcher.images(pictures)
    result = {"scenes": len(scenes), "one object": retrieval(searcher, singles, patches, pooled),
              "two objects": retrieval(searcher, pairs, patches, pooled),
              "pointing": pointing(searcher, singles, scenes, patches, table)}
    if len(scenes) < 500:      # among many scenes each name has several hits
        result["bare phrases R@5"] = bare_phrases(searcher, concepts, table, scenes, patches)
    if details:
        result["two-way choice"] = choices(searcher, concepts, table, scenes, patches, 70004)
    return result


def other_artwork(concepts, folder):
    """The concepts that `folder` has as `1F388.png`, with that artwork instead."""
    swapped = []
    for c in concepts:
        path = folder / ("-".join(f"{ord(p):04X}" for p in c.emoji if p != "\ufe0f") + ".png")
        if c.emoji and path.exists():
            picture = sprites.square(Image.open(path).convert("RGBA"))
            swapped.append(replace(c, mips=sprites.mips(picture), index=len(swapped),
                                   colour=phrases.named_colour(c.name) or sprites.natural_colour(picture)))
    return swapped


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=MODEL_FOLDER)
    parser.add_argument("--scenes", type=int, default=1000)
    parser.add_argument("--queries", type=int, default=600)
    parser.add_argument("--artwork", type=Path, help="folder of pictures by another vendor, for testing only")
    parser.add_argument("--seed", type=int, default=SCENE_SEED, help="of the unseen scenes; the next two of their queries")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    searcher = Searcher(args.model)
    concepts = phrases.load_concepts()
    table = phrases.phrase_table(concepts)
    scenes = draw_scenes(concepts, args.seed, args.scenes)
    figures = {"unseen scenes": measure(
        searcher, concepts, table, scenes, [Image.fromarray(s.pixels) for s in scenes],
        one_object_queries(concepts, table, scenes, args.seed + 1, args.queries),
        two_object_queries(concepts, table, scenes, args.seed + 2, args.queries), True)}

    scenes, names = gallery_scenes(concepts)
    figures["gallery"] = measure(
        searcher, concepts, table, scenes, [Image.open(GALLERY_FOLDER / n) for n in names],
        one_object_queries(concepts, table, scenes, QUERY_SEED, QUERIES),
        two_object_queries(concepts, table, scenes, QUERY_SEED, QUERIES), False)

    if args.artwork:
        concepts = other_artwork(concepts, args.artwork)
        table = phrases.phrase_table(concepts)
        scenes = draw_scenes(concepts, args.seed, args.scenes)
        figures["scenes of untrained artwork"] = {"concepts": len(concepts)} | measure(
            searcher, concepts, table, scenes, [Image.fromarray(s.pixels) for s in scenes],
            one_object_queries(concepts, table, scenes, args.seed + 1, args.queries),
            two_object_queries(concepts, table, scenes, args.seed + 2, args.queries), False)
    text = json.dumps(figures, indent=1)
    if args.output:
        args.output.write_text(text + "\n")
    summary(figures)


def summary(figures):
    """Prints the main lines."""
    for where, part in figures.items():
        for kind in ("one object", "two objects"):
            for way in ("late", "pooled"):
                line = "  ".join(f"{k} {v['percent']:5.1f} ±{v['standard_error']}" for k, v in part[kind][way].items())
                print(f"{where:14} {kind:12} {way:7} {line}")
        print(where, "pointing", {k: v["percent"] for k, v in part["pointing"].items()},
              {k: v["percent"] for k, v in part.get("two-way choice", {}).items()})


if __name__ == "__main__":
    main()
