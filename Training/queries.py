"""Scenes and queries for measuring, and which scenes a query is true of."""

from dataclasses import dataclass

import numpy as np

from captions import Captioner, Phrase
from scenes import EVALUATION_COUNTS, Composer

PICTURE_SIZE = 256
SIZE_WORDS = {"small": "small", "big": "big"}


@dataclass
class Scene:
    """A drawn scene: uint8 pixels [256, 256, 3] and its objects with boxes."""

    pixels: np.ndarray
    objects: list


@dataclass
class Query:
    """A text, its phrases, the scenes it is true of, and the object it came from."""

    text: str
    phrases: tuple
    scenes: list
    smallest: float       # side of the smallest object it was made from


def draw_scenes(concepts, seed, count):
    """Draws scenes with the evaluation's number of objects.

    Concepts are dealt from a shuffled deck; those that found no place in a
    scene go back into it.
    """
    composer = Composer(concepts, np.random.default_rng(seed))
    scenes = []
    while len(scenes) < count:
        before = list(composer.deck.cards)
        objects = composer.scene(EVALUATION_COUNTS)
        dealt = set(before) - set(composer.deck.cards)
        composer.deck.cards += sorted(dealt - {o.concept for o in objects})
        pixels, _ = composer.draw(objects, PICTURE_SIZE)
        scenes.append(Scene(pixels, objects))
    return scenes


def phrase_text(phrase):
    return " ".join(w for w in (SIZE_WORDS.get(phrase.size_class), phrase.colour, phrase.noun) if w)


def with_article(text):
    return ("an " if text[0] in "aeiou" else "a ") + text


def one_object_queries(concepts, table, scenes, seed, count):
    """`[size] [colour] name` of randomly drawn objects, each text once."""
    rng = np.random.default_rng(seed)
    captioner = Captioner(concepts, table, rng)
    queries = {}
    while len(queries) < count:
        placed = captioner.choose(captioner.choose(scenes).objects)
        phrase = captioner.phrase(placed, name_share=1.0)
        text = phrase_text(phrase)
        if text not in queries:
            queries[text] = Query(text, (phrase,), true_scenes((phrase,), scenes, table), placed.size)
    return list(queries.values())


def two_object_queries(concepts, table, scenes, seed, count):
    """Two phrases of one scene joined by "and"."""
    rng = np.random.default_rng(seed)
    captioner = Captioner(concepts, table, rng)
    several = [s for s in scenes if len(s.objects) > 1]
    queries = {}
    while len(queries) < count:
        objects = captioner.choose(several).objects
        a, b = (objects[i] for i in rng.permutation(len(objects))[:2])
        phrases = captioner.phrase(a, name_share=1.0), captioner.phrase(b, name_share=1.0)
        if phrases[0].noun == phrases[1].noun:
            continue
        text = " and ".join(with_article(phrase_text(p)) for p in phrases)
        queries[text] = Query(text, phrases, true_scenes(phrases, scenes, table), min(a.size, b.size))
    return list(queries.values())


def true_scenes(phrases, scenes, table):
    """Indices of the scenes in which every phrase has a matching object."""
    return [i for i, s in enumerate(scenes)
            if all(any(p.matches(o, table) for o in s.objects) for p in phrases)]


def full_caption(concepts, objects):
    """A caption that names every object with its size and colour."""
    parts = []
    for o in sorted(objects, key=lambda o: -o.size):
        name = concepts[o.concept].name
        size = o.size_class if o.size_class in SIZE_WORDS else None
        colour = o.colour if o.colour and o.colour not in name.split() else None
        parts.append(with_article(phrase_text(Phrase(name, size, colour))))
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
