"""Writes the model card from `figures.json` and the training log.

    python3 card.py [--name run]
"""

import argparse
import json
from pathlib import Path

import phrases
from export import MODEL_FOLDER, ROOT

CARD = """# filip-drawn-1

A small FILIP model for filip's examples and tests, trained from nothing on scenes drawn from Noto Emoji artwork.
**It knows drawn things, not photographs.** It has never seen a photograph and was not measured on any: expect
nothing useful there, and use another model.

| | |
| --- | --- |
| knows | {concepts} concepts: {emoji} emoji (animals, plants, food, places, vehicles, activities, objects, a few faces) and 12 shapes; {phrases} English names and keywords; 12 colours; small and big |
| does not know | photographs, other drawing styles, counting, relations ("left of"; see below), verbs, any language but English |
| image | 128x128 pixels, 16-pixel patches, 64 vectors of 128 numbers; 6 layers, width 192, 3 heads, no class token |
| text | up to 32 tokens of a {vocabulary}-entry byte-pair vocabulary in CLIP's layout; 2 causal layers, width 128, 2 heads |
| score | mean over text tokens (start and end excluded) of the maximum over patches of the cosine |
| pooled vectors | projection of the mean patch and of the end token: the single-vector baseline, trained jointly |
| size | {parameters:.2f} M parameters, {megabytes:.1f} MB in fp16 |

## Training

`{command}` in `Training/`, seed 1, two CPU cores shared with other work: {minutes:.0f} minutes of wall time, {steps}
steps, {images} pictures. First mosaics of single sprites ({first:.1f} minutes), then scenes of 1 to 8 objects and mosaics
with captions; AdamW and Muon, linear decay at the end. Losses: late interaction, pooled, region-phrase, pointing and
class prototypes, with false captions as hard negatives and exact truth masks. The schedule follows wall time and the
recipe was adjusted while the run went on: {adjusted}.
The recipe as it now stands was not run from its start, and a repetition gives a similar model, not the same bits.

## Figures

Measured by `Training/evaluate.py` on the files of this folder: fp16 weights computed in fp32, 256-pixel scenes reduced
by Pillow's antialiased bicubic filter. Percent, one standard error (of the queries drawn; one training run). A hit: a picture of which the query is true is
among the first k. The scenes were never trained on; the artwork in them was. Everything is in `figures.json`.
Interim checkpoints were probed on the same scenes and gallery, and the adjustments above followed from that; a thousand
scenes of another seed, measured once at the end, are listed first as "fresh".

{tables}

The two-way choice compares a true caption with one that is false in a single respect; 50 % is chance.
{relations}

## Limits

- Nothing says "not found": for a thing that is in no picture, look-alikes in colour and form come first. How far their
  scores lie below true ones was not measured.
- A thing drawn in a foreign colour and asked for without it (a green fox as "fox") is mostly missed; see the bare
  phrases above. The one-object queries mostly name such colours, so their recall is the higher one.
- Small objects (below 15 % of the side) are found less often than big ones.
- Other drawing styles: only one artwork was trained on. "Untrained artwork" above is EmojiOne 3.3 (CC-BY-SA, used for
  this test only) in place of Noto Emoji; recall falls to a fraction.
- Names follow CLDR ("automobile" also answers to "car"), and colours the majority colour of the artwork.
- It is a demonstration. Nothing here says anything about larger FILIP models.

## Data and licences

Pictures: Noto Emoji, (c) Google, images Apache-2.0, font SIL OFL 1.1. Names and keywords: Unicode CLDR and
`emoji-test.txt`, (c) Unicode, Inc., Unicode licence. The weights hold neither font data nor pictures. See `NOTICE`.
"""

NOTICE = """filip-drawn-1
Weights trained by the filip project on pictures rendered from Noto Emoji and texts from Unicode CLDR.

Noto Emoji, https://github.com/googlefonts/noto-emoji
Copyright Google LLC. Fonts under the SIL Open Font License, version 1.1;
tools and most image resources under the Apache License, version 2.0.

Unicode CLDR annotations and Unicode emoji data, https://www.unicode.org
Copyright 1991-2022 Unicode, Inc. Distributed under the Terms of Use in https://www.unicode.org/copyright.html
(Unicode, Inc. License Agreement - Data Files and Software; SPDX-License-Identifier: Unicode-DFS-2016).
"""


def cell(value):
    return f"{value['percent']:.1f} ± {value['standard_error']:.1f}"


def retrieval_rows(title, part):
    """Table rows: late and pooled R@1, R@5, R@10."""
    for way in ("late", "pooled"):
        cells = " | ".join(cell(part[way][k]) for k in ("R@1", "R@5", "R@10"))
        yield f"| {title} | {way} | {part[way]['R@5']['n']} | {cells} |"


def tables(figures):
    lines = ["| pictures, query | vectors | queries | R@1 | R@5 | R@10 |", "| --- | --- | ---: | ---: | ---: | ---: |"]
    for where, part in figures.items():
        title = f"{part['scenes']} {where}" if where != "gallery" else f"the example gallery ({part['scenes']})"
        for kind in ("one object", "two objects"):
            lines += retrieval_rows(f"{title}, {kind}", part[kind])
        for name, sizes in part["one object"].items() if where != "scenes of untrained artwork" else ():
            if name.startswith("object "):
                lines += retrieval_rows(f"- one {name}", sizes)
    lines += ["", "| pointing: the noun's best patch lies in the right box (± half a patch) | unseen scenes | gallery |",
              "| --- | ---: | ---: |"]
    for kind in figures["gallery"]["pointing"]:
        lines.append(f"| {kind} | {cell(figures['unseen scenes']['pointing'][kind])} | "
                     f"{cell(figures['gallery']['pointing'][kind])} |")
    lines += ["", "| every phrase that is true of a gallery picture, without size or colour | R@5 | n |",
              "| --- | ---: | ---: |"]
    for kind, value in figures["gallery"]["bare phrases R@5"].items():
        lines.append(f"| {kind} | {cell(value)} | {value['n']} |")
    lines += ["", "| two-way choice | right | n |", "| --- | ---: | ---: |"]
    for kind, value in figures["unseen scenes"]["two-way choice"].items():
        lines.append(f"| {kind} | {cell(value)} | {value['n']} |")
    return "\n".join(lines)


def relations_sentence(choice):
    """Says whether relations were learnt, as measured."""
    distance = (choice["percent"] - 50) / max(choice["standard_error"], 0.1)
    return ("Relations are not learnt: the choice is not distinguishable from chance." if distance < 2 else
            "Relations are learnt weakly at best." if choice["percent"] < 75 else "Relations are learnt in part.")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="run")
    parser.add_argument("--command", default="python3 train.py --minutes 95 --mosaic-minutes 10.5")
    parser.add_argument("--first", type=float, default=10.5)
    parser.add_argument("--adjusted", default="it was stopped and resumed several times")
    args = parser.parse_args()
    concepts = phrases.load_concepts()
    figures = json.loads((MODEL_FOLDER / "figures.json").read_text())
    last = json.loads((ROOT / "work" / args.name / "log.jsonl").read_text().splitlines()[-1])
    config = json.loads((MODEL_FOLDER / "config.json").read_text())
    size = (MODEL_FOLDER / "model.safetensors").stat().st_size
    (MODEL_FOLDER / "README.md").write_text(CARD.format(
        concepts=len(concepts), emoji=sum(not c.is_shape for c in concepts), phrases=len(phrases.phrase_table(concepts)),
        vocabulary=config["text_config"]["vocab_size"], parameters=size / 2e6, megabytes=size / 1e6,
        command=args.command, minutes=last["minutes"], steps=last["step"], images=f"{last['images']:,}",
        first=args.first, adjusted=args.adjusted, tables=tables(figures),
        relations=relations_sentence(figures["unseen scenes"]["two-way choice"]["relation"])))
    (MODEL_FOLDER / "NOTICE").write_text(NOTICE)


if __name__ == "__main__":
    main()
