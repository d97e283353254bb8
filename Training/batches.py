"""Training batches with exact truth, made in background processes."""

import multiprocessing
import os
import queue
import traceback

import numpy as np

from captions import Captioner, WordEncoder
from scenes import Composer

PHRASES_PER_MOSAIC_BATCH = 96
TWIN_SHARE = 0.3


class BatchMaker:
    """Makes batches of mosaics or scenes as dictionaries of numpy arrays."""

    def __init__(self, concepts, table, tokenizer, rng):
        self.concepts, self.table, self.rng = concepts, table, rng
        self.composer = Composer(concepts, rng)
        self.captioner = Captioner(concepts, table, rng)
        self.encoder = WordEncoder(tokenizer)
        self.nouns = sorted(table)
        self.noun_index = {noun: i for i, noun in enumerate(self.nouns)}
        self.membership = np.zeros((len(self.nouns), len(concepts)), bool)
        for i, noun in enumerate(self.nouns):
            self.membership[i, list(table[noun])] = True

    def draw(self, scenes):
        """Pixels [b, 128, 128, 3] and the objects' arrays."""
        drawn = [self.composer.training_picture(objects) for objects in scenes]
        objects = [o for scene in scenes for o in scene]
        return {
            "pixels": np.stack([pixels for pixels, _ in drawn]),
            "coverage": np.concatenate([coverage for _, coverage in drawn]),
            "object_image": np.repeat(np.arange(len(scenes)), [len(s) for s in scenes]),
            "object_class": np.array([o.concept for o in objects]),
        }

    def text(self, wordings):
        """Padded ids, end positions and, per valid token, caption and phrase.

        `wordings` is a list of [(word, phrase index over the batch or -1)].
        """
        encoded = [self.encoder.encode(words) for words in wordings]
        length = max(len(ids) for ids, _ in encoded)
        ids = np.zeros((len(encoded), length), np.int64)
        position, caption, phrase = [], [], []
        for i, (tokens, owners) in enumerate(encoded):
            ids[i, :len(tokens)] = tokens
            inner = range(1, len(tokens) - 1)
            position += [i * length + k for k in inner]
            caption += [i] * len(inner)
            phrase += owners[1:-1]
        return {"ids": ids, "ends": np.array([len(t) - 1 for t, _ in encoded]),
                "token_position": np.array(position), "token_caption": np.array(caption),
                "token_phrase": np.array(phrase)}

    def mosaics(self, count):
        """A batch of mosaics with separate random phrases."""
        batch = self.draw([self.composer.mosaic() for _ in range(count)])
        chosen = self.rng.choice(len(self.nouns), PHRASES_PER_MOSAIC_BATCH, replace=False)
        batch |= self.text([[(w, k) for w in self.nouns[i].split()] for k, i in enumerate(chosen)])
        batch["phrase_class"] = self.membership[chosen]
        return batch

    def scenes(self, count, mosaic_share):
        """A batch of scenes, twins and mosaics, each with a caption and a false one."""
        scenes = []
        while len(scenes) < count:
            if self.rng.random() < mosaic_share:
                scenes.append(self.composer.mosaic())
                continue
            scene = self.composer.scene()
            scenes.append(scene)
            if self.rng.random() < TWIN_SHARE and len(scenes) < count:
                scenes.append(self.composer.twin(scene))
        batch = self.draw(scenes)
        true = [self.captioner.caption(s) for s in scenes]
        captions = true + [self.captioner.false_variant(c, s) for c, s in zip(true, scenes)]
        phrases, owners, wordings = [], [], []
        for i, caption in enumerate(captions):
            words = self.captioner.words(caption)
            wordings.append([(w, k + len(phrases) if k >= 0 else -1) for w, k in words])
            phrases += caption.phrases
            owners += [i] * len(caption.phrases)
        batch |= self.text(wordings)
        matches = self.phrase_matches(phrases, [o for s in scenes for o in s])
        batch["phrase_object"] = matches
        batch["phrase_class"] = self.membership[[self.noun_index[p.noun] for p in phrases]]
        batch["phrase_caption"] = np.array(owners)
        batch["truth"] = self.caption_truth(captions, scenes, matches, np.array(owners), batch["object_image"])
        batch["phrase_patches"] = phrase_patches(matches, np.array(owners), batch, count)
        return batch

    def phrase_matches(self, phrases, objects):
        """bool [phrases, objects]: which phrase is true of which object."""
        nouns = np.array([self.noun_index[p.noun] for p in phrases])
        concepts = np.array([o.concept for o in objects])
        matches = self.membership[nouns[:, None], concepts[None, :]]
        for attribute in ("size_class", "colour"):
            wanted = np.array([getattr(p, attribute) or "" for p in phrases])
            actual = np.array([getattr(o, attribute) or "" for o in objects])
            matches &= (wanted[:, None] == "") | (wanted[:, None] == actual[None, :])
        return matches

    def caption_truth(self, captions, scenes, matches, owners, object_image):
        """bool [captions, images]: all phrases match, and the relation holds."""
        in_image = np.zeros((len(matches), len(scenes)), bool)
        rows, objects = np.nonzero(matches)
        in_image[rows, object_image[objects]] = True
        truth = np.ones((len(captions), len(scenes)), bool)
        np.logical_and.at(truth, owners, in_image)
        for i, caption in enumerate(captions):
            if caption.relation:
                for j in np.nonzero(truth[i])[0]:
                    truth[i, j] = caption.matches(scenes[j], self.table)
        return truth


def phrase_patches(matches, owners, batch, count):
    """bool [phrases, 64]: patches of matching objects in the caption's own image."""
    covered = batch["coverage"] > 0.25 * batch["coverage"].max(1, keepdims=True)
    own = matches & (batch["object_image"][None, :] == owners[:, None]) & (owners[:, None] < count)
    return own.astype(np.float32) @ covered.astype(np.float32) > 0


def produce(make_maker, seed, count, mosaic_share, output):
    """Process body: fills the queue for ever; a failed batch is skipped."""
    os.environ["OMP_NUM_THREADS"] = "1"
    rng = np.random.default_rng(seed)
    maker = make_maker(rng)
    while True:
        try:
            share = mosaic_share.value
            if share == 1:
                output.put(("mosaic", maker.mosaics(count)))
            else:
                output.put(("scene", maker.scenes(count, share)))
        except Exception:
            traceback.print_exc()


class BatchQueue:
    """Reads batches of one background process, restarting it if it stalls."""

    def __init__(self, make_maker, seed, count, mosaic_share, depth=6):
        self.arguments = make_maker, seed, count, depth
        self.mosaic_share = multiprocessing.Value("d", mosaic_share)
        self.restarts = 0
        self.start()

    def start(self):
        make_maker, seed, count, depth = self.arguments
        self.queue = multiprocessing.Queue(depth)
        self.process = multiprocessing.Process(
            target=produce, daemon=True,
            args=(make_maker, seed + [self.restarts], count, self.mosaic_share, self.queue))
        self.process.start()

    def next(self):
        """Returns ("mosaic" or "scene", batch)."""
        while True:
            try:
                return self.queue.get(timeout=90)
            except queue.Empty:
                self.stop()
                self.restarts += 1
                self.start()

    def stop(self):
        """Ends the background process."""
        self.process.terminate()
        self.process.join()
        self.queue.cancel_join_thread()
