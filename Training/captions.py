"""Captions of scenes, their false variants, exact truth, and the tokenizer."""

import json
from dataclasses import dataclass

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from scenes import COLOUR_NAMES

SIZE_WORDS = {"small": ("small", "little", "tiny"), "big": ("big", "large", "huge")}
PREFIXES = ("a photo of", "a picture of", "an image of", "there is", "a scene with")
RELATIONS = {"above": ("above", "over"), "below": ("below", "under"),
             "left": ("to the left of", "left of"), "right": ("to the right of", "right of")}
OPPOSITE = {"above": "below", "below": "above", "left": "right", "right": "left"}
START, END = 0, 1


@dataclass(frozen=True)
class Phrase:
    """`[size] [colour] noun`; a missing word is None."""

    noun: str
    size_class: str | None = None
    colour: str | None = None

    def matches(self, placed, table):
        """Whether the phrase is true of a placed object."""
        return (placed.concept in table[self.noun]
                and self.size_class in (None, placed.size_class)
                and self.colour in (None, placed.colour))


@dataclass(frozen=True)
class Caption:
    """Phrases in order; `relation` holds between the first two."""

    phrases: tuple
    relation: str | None = None

    def matches(self, objects, table):
        """Whether the caption is true of a scene."""
        found = [[o for o in objects if p.matches(o, table)] for p in self.phrases]
        if not all(found):
            return False
        return self.relation is None or any(
            relation_holds(self.relation, a, b) for a in found[0] for b in found[1] if a is not b)


def relation_holds(relation, a, b, factor=1.5):
    dx, dy = b.x - a.x, b.y - a.y
    if relation in ("left", "right"):
        return abs(dx) > factor * abs(dy) and (dx > 0) == (relation == "left")
    return abs(dy) > factor * abs(dx) and (dy > 0) == (relation == "above")


class Captioner:
    """Writes captions with its own generator."""

    def __init__(self, concepts, table, rng):
        self.concepts, self.table, self.rng = concepts, table, rng
        self.nouns = sorted(table)

    def choose(self, items):
        return items[int(self.rng.integers(len(items)))]

    def phrase(self, placed, size_share=0.5, colour_share=0.35, name_share=0.65):
        """A phrase that is true of `placed`."""
        c, rng = self.concepts[placed.concept], self.rng
        noun = c.name if rng.random() < name_share or len(c.phrases) == 1 else self.choose(c.phrases[1:])
        size = placed.size_class if placed.size_class != "medium" and rng.random() < size_share else None
        if placed.tint:
            colour_share = max(colour_share, 0.85)
        colour = placed.colour if placed.colour and rng.random() < colour_share else None
        if colour and any(w in COLOUR_NAMES for w in noun.split()):
            colour = None
        return Phrase(noun, size, colour)

    def caption(self, objects):
        """A true caption of one to three objects with different nouns."""
        wanted = 1 + int(self.rng.choice(3, p=(.45, .40, .15)))
        phrases, named = [], []
        for i in self.rng.permutation(len(objects)):
            phrase = self.phrase(objects[i])
            if len(phrases) < wanted and phrase.noun not in [p.noun for p in phrases]:
                phrases.append(phrase)
                named.append(objects[i])
        relation = None
        if len(named) == 2 and self.rng.random() < 0.45:
            relation = next((r for r in RELATIONS if relation_holds(r, *named)), None)
        return Caption(tuple(phrases), relation)

    def false_variant(self, caption, objects):
        """A caption differing in one respect that is false of the scene."""
        for _ in range(8):
            changed = self.change(caption)
            if not changed.matches(objects, self.table):
                return changed
        return Caption((Phrase(self.choose(self.nouns)),) + caption.phrases[1:])

    def change(self, caption):
        phrases, rng = list(caption.phrases), self.rng
        i, kind = int(rng.integers(len(phrases))), rng.random()
        p = phrases[i]
        if caption.relation and kind < 0.35:
            return Caption(caption.phrases, OPPOSITE[caption.relation])
        if len(phrases) > 1 and kind < 0.5:
            a, b = phrases[0], phrases[1]
            if a.size_class != b.size_class:
                phrases[:2] = Phrase(a.noun, b.size_class, a.colour), Phrase(b.noun, a.size_class, b.colour)
                return Caption(tuple(phrases), caption.relation)
            if a.colour and b.colour:
                phrases[:2] = Phrase(a.noun, a.size_class, b.colour), Phrase(b.noun, b.size_class, a.colour)
                return Caption(tuple(phrases), caption.relation)
        if p.size_class and kind < 0.75:
            phrases[i] = Phrase(p.noun, "small" if p.size_class == "big" else "big", p.colour)
        elif p.colour and kind < 0.85:
            phrases[i] = Phrase(p.noun, p.size_class, self.choose(COLOUR_NAMES))
        else:
            phrases[i] = Phrase(self.choose(self.nouns), p.size_class, p.colour)
        return Caption(tuple(phrases), caption.relation)

    def words(self, caption):
        """Returns [(word, phrase index or -1)] of one wording of the caption."""
        rng, words = self.rng, []

        def add(text, index=-1):
            words.extend((w, index) for w in text.split())

        prefix = rng.random() < 0.45
        if prefix:
            add(self.choose(PREFIXES))
        articles = prefix or rng.random() < 0.6
        for i, p in enumerate(caption.phrases):
            if i == 1 and caption.relation:
                add(self.choose(RELATIONS[caption.relation]))
            elif i and (i == len(caption.phrases) - 1 or rng.random() < 0.5):
                add("and")
            elif i:
                add(",")
            body = self.phrase_words(p)
            if articles:
                add("an" if body[0][0] in "aeiou" else "a")
            add(body, i)
        return words

    def phrase_words(self, p):
        size = self.choose(SIZE_WORDS[p.size_class]) if p.size_class else None
        return " ".join(w for w in (size, p.colour, p.noun) if w)


def train_tokenizer(lines, vocabulary=4096):
    """Trains a byte-pair tokenizer in CLIP's layout."""
    tokenizer = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>", fuse_unk=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    pattern = Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(pattern, "removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    specials = ["<|startoftext|>", "<|endoftext|>"]
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=vocabulary, min_frequency=2, special_tokens=specials, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), end_of_word_suffix="</w>"))
    tokenizer = with_final_bytes(tokenizer)
    tokenizer.post_processor = processors.RobertaProcessing(
        (specials[1], END), (specials[0], START), trim_offsets=False, add_prefix_space=False)
    return tokenizer


def with_final_bytes(tokenizer):
    """Adds every byte as the end of a word, so that no text is unknown."""
    layout = json.loads(tokenizer.to_str())
    vocabulary = layout["model"]["vocab"]
    for byte in sorted(pre_tokenizers.ByteLevel.alphabet()):
        vocabulary.setdefault(byte + "</w>", len(vocabulary))
    return Tokenizer.from_str(json.dumps(layout))


class WordEncoder:
    """Encodes lists of words with the tokenizer, remembering each word."""

    def __init__(self, tokenizer):
        self.tokenizer, self.known = tokenizer, {}

    def encode(self, words, limit=32):
        """Returns ids with start and end, and the phrase index of each token."""
        ids, owners = [START], [-1]
        for word, owner in words:
            if word not in self.known:
                self.known[word] = self.tokenizer.encode(word, add_special_tokens=False).ids
            ids += self.known[word]
            owners += [owner] * len(self.known[word])
        return ids[:limit - 1] + [END], owners[:limit - 1] + [-1]
