"""Scenes and mosaics: what is in them, where, and how they are drawn.

All positions and sizes are fractions of the picture's side, so that a scene
can be drawn at any resolution. Drawing returns the picture and, per object,
its alpha coverage on the 8x8 patch grid.
"""

import io
import math
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageFilter

import sprites

GRID = 8
SIZE_RANGES = {"small": (0.08, 0.18), "medium": (0.22, 0.38), "big": (0.45, 0.70)}
TRAINING_COUNTS = (.08, .14, .18, .18, .16, .12, .08, .06)      # 1...8 objects
EVALUATION_COUNTS = (.22, .30, .22, .15, .11)                   # 1...5 objects
COLOUR_NAMES = tuple(sprites.COLOURS)
TINT_SHARE = 0.12
DOUBLE_SHARE = 0.08     # of training pictures: drawn at 256 and reduced, as at search


@dataclass
class Placed:
    """One object of a scene."""

    concept: int
    size_class: str
    size: float
    x: float = 0.5
    y: float = 0.5
    angle: float = 0.0             # degrees
    flip: bool = False
    aspect: float = 1.0
    gain: tuple = (1.0, 1.0, 1.0)
    tint: str | None = None        # palette colour it is drawn in
    colour: str | None = None      # colour word that is true of it
    box: tuple = (0.0, 0.0, 0.0, 0.0)   # x, y, width, height; set by drawing


class Deck:
    """Deals the numbers below `count` in shuffled rounds."""

    def __init__(self, count, rng):
        self.count, self.rng, self.cards = count, rng, []

    def draw(self):
        if not self.cards:
            self.cards = list(self.rng.permutation(self.count))
        return int(self.cards.pop())


class Composer:
    """Makes and draws scenes from the concepts, with its own generator."""

    def __init__(self, concepts, rng):
        self.concepts, self.rng = concepts, rng
        self.deck = Deck(len(concepts), rng)

    # Objects

    def make_object(self, concept, size_class, size):
        """Returns an object with drawn pose and colour."""
        rng, c = self.rng, self.concepts[concept]
        placed = Placed(concept, size_class, size)
        if not c.is_rigid:
            pose = rng.random()
            placed.angle = rng.uniform(-20, 20) if pose < 0.5 else rng.uniform(-180, 180) if pose < 0.6 else 0.0
            placed.flip = rng.random() < 0.5
            placed.aspect = rng.uniform(0.88, 1.13)
        if c.is_shape:     # a turned diamond is a square
            placed.angle = rng.uniform(-12, 12) if rng.random() < 0.5 else 0.0
        placed.gain = tuple(rng.uniform(0.88, 1.12, 3))
        self.paint(placed)
        return placed

    def paint(self, placed):
        """Draws the object's tint and sets its colour word."""
        c = self.concepts[placed.concept]
        tintable = not any(w in COLOUR_NAMES for w in c.name.split())
        tinted = c.is_shape or (tintable and self.rng.random() < TINT_SHARE)
        placed.tint = COLOUR_NAMES[self.rng.integers(len(COLOUR_NAMES))] if tinted else None
        placed.colour = placed.tint or c.colour

    def draw_size(self, size_class, bigs=1):
        low, high = SIZE_RANGES[size_class]
        if size_class == "small" and self.rng.random() < 0.3:
            high = 0.12
        if size_class == "big" and bigs > 1:
            high = 0.52
        return self.rng.uniform(low, high)

    def size_classes(self, count):
        """Draws a size class per object; at most two big ones, one among many."""
        shares = (.40, .35, .25) if count <= 4 else (.55, .37, .08)
        allowed = 1 if count > 3 else 2
        classes = list(self.rng.choice(("small", "medium", "big"), count, p=shares))
        for i, c in enumerate(classes):
            if c == "big" and classes[:i].count("big") >= allowed:
                classes[i] = "small"
        return [str(c) for c in classes]

    def place(self, objects):
        """Finds positions with little overlap; leaves out what does not fit."""
        done = []
        for placed in sorted(objects, key=lambda o: -o.size):
            half = placed.size / 2
            for _ in range(30):
                x, y = self.rng.uniform(half, 1 - half, 2)
                if all(overlap(x, y, placed.size, o) <= 0.12 for o in done):
                    done.append(replace(placed, x=x, y=y))
                    break
        self.rng.shuffle(done)
        return done

    def scene(self, counts=TRAINING_COUNTS):
        """Returns the objects of a new scene."""
        count = 1 + int(self.rng.choice(len(counts), p=counts))
        classes = self.size_classes(count)
        return self.place([self.make_object(self.deck.draw(), c, self.draw_size(c, classes.count("big")))
                           for c in classes])

    def twin(self, objects):
        """The same things with one size changed, or two swapped, and new tints."""
        classes = [o.size_class for o in objects]
        different = [(i, j) for i in range(len(classes)) for j in range(i) if classes[i] != classes[j]]
        if different and self.rng.random() < 0.5:
            i, j = different[self.rng.integers(len(different))]
            classes[i], classes[j] = classes[j], classes[i]
        else:
            i = self.rng.integers(len(classes))
            classes[i] = "small" if classes[i] == "big" or classes.count("big") else "big"
        changed = [self.make_object(o.concept, c, self.draw_size(c, classes.count("big")))
                   for o, c in zip(objects, classes)]
        return self.place(changed)

    def mosaic(self):
        """Returns the objects of a grid with one jittered sprite per cell."""
        n = int(self.rng.choice((2, 3, 4, 5), p=(.25, .40, .25, .10)))
        objects = []
        for cell in range(n * n):
            if self.rng.random() < 0.12 and (objects or cell < n * n - 1):
                continue
            size = self.rng.uniform(0.55, 1.15) / n
            size_class = "small" if size < 0.19 else "big" if size > 0.44 else "medium"
            placed = self.make_object(self.deck.draw(), size_class, size)
            slack = 0.12 / n
            placed.x = (cell % n + 0.5) / n + self.rng.uniform(-slack, slack)
            placed.y = (cell // n + 0.5) / n + self.rng.uniform(-slack, slack)
            objects.append(placed)
        return objects

    # Drawing

    def background(self, size):
        """Returns a float32 picture [size, size, 3] without objects."""
        rng, kind = self.rng, self.rng.random()
        a, b = self.colour(), self.colour()
        steps = np.linspace(0, 1, size, dtype=np.float32)
        if kind < 0.20:
            return np.broadcast_to(a, (size, size, 3)).copy()
        if kind < 0.40:
            turn = rng.uniform(0, 2 * math.pi)
            t = np.cos(turn) * (steps[None, :] - 0.5) + np.sin(turn) * (steps[:, None] - 0.5) + 0.5
            t = np.clip(t, 0, 1)[..., None]
            return (1 - t) * a + t * b
        if kind < 0.55:
            horizon = rng.uniform(0.3, 0.8)
            t = np.clip((steps - horizon) * size / rng.uniform(1, 6) + 0.5, 0, 1)[:, None, None]
            shade = (1 + 0.15 * (steps - 0.5))[:, None, None]
            return np.broadcast_to(np.clip(((1 - t) * a + t * b) * shade, 0, 255), (size, size, 3)).copy()
        if kind < 0.85:
            cells = int(rng.integers(3, 14))
            noise = rng.normal(0, rng.uniform(8, 45), (cells, cells, 3)) * rng.uniform(0.2, 1, 3)
            noise = np.clip(a + noise + rng.normal(0, 10, (cells, cells, 1)), 0, 255).astype(np.uint8)
            return np.asarray(Image.fromarray(noise).resize((size, size), Image.BICUBIC), np.float32)
        period, turn = rng.uniform(0.06, 0.3), rng.uniform(0, math.pi)
        b = a + (b - a) * rng.uniform(0.15, 0.7)
        u = np.cos(turn) * steps[None, :] + np.sin(turn) * steps[:, None]
        on = np.floor(u / period) % 2
        if rng.random() < 0.4:
            on = (on + np.floor((np.cos(turn) * steps[:, None] - np.sin(turn) * steps[None, :]) / period)) % 2
        return np.where(on[..., None] > 0, a, b).astype(np.float32)

    def colour(self):
        """A random background colour; half of them pale or dark."""
        base = self.rng.uniform(0, 255, 3)
        if self.rng.random() < 0.5:
            target = 255 if self.rng.random() < 0.7 else 0
            base = target + (base - target) * self.rng.uniform(0.1, 0.5)
        return base.astype(np.float32)

    def draw(self, objects, size, boxes=True):
        """Draws the objects, setting their boxes if asked.

        Returns the picture, uint8 [size, size, 3], and coverage, float32
        [objects, 64]: the share of each patch that the object covers.
        """
        canvas = self.background(size)
        coverage = np.zeros((len(objects), GRID * GRID), np.float32)
        for i, placed in enumerate(objects):
            left, top, rgb, alpha = stamp(self.concepts[placed.concept], placed, size)
            x0, y0 = max(left, 0), max(top, 0)
            x1, y1 = min(left + alpha.shape[1], size), min(top + alpha.shape[0], size)
            if x1 <= x0 or y1 <= y0:
                continue
            alpha = alpha[y0 - top:y1 - top, x0 - left:x1 - left]
            region = canvas[y0:y1, x0:x1]
            region *= 1 - alpha[..., None]
            region += rgb[y0 - top:y1 - top, x0 - left:x1 - left]
            coverage[i] = patch_coverage(alpha, x0, y0, size)
            if boxes:
                placed.box = alpha_box(alpha, x0, y0, size)
        return np.clip(self.scene_effects(canvas), 0, 255).astype(np.uint8), coverage

    def scene_effects(self, canvas):
        """Brightness, noise and partial loss of colour of a whole scene."""
        rng = self.rng
        if rng.random() < 0.5:
            canvas = (canvas - 128) * rng.uniform(0.8, 1.15) + 128 + rng.uniform(-25, 25)
        if rng.random() < 0.08:
            keep = rng.uniform(0.4, 0.8)
            canvas = keep * canvas + (1 - keep) * canvas.mean(-1, keepdims=True)
        if rng.random() < 0.25:
            canvas = canvas + rng.standard_normal(canvas.shape, np.float32) * np.float32(rng.uniform(2, 12))
        return canvas

    def training_picture(self, objects, size=128):
        """Draws for training: some at twice the size, some JPEG and blur."""
        rng = self.rng
        double = rng.random() < DOUBLE_SHARE
        pixels, coverage = self.draw(objects, 2 * size if double else size, boxes=False)
        effect = rng.random()
        if not double and effect >= 0.25:
            return pixels, coverage
        image = Image.fromarray(pixels)
        if effect < 0.15:
            data = io.BytesIO()
            image.save(data, "JPEG", quality=int(rng.integers(55, 95)))
            image = Image.open(data).convert("RGB")
        elif effect < 0.25:
            image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.7)))
        if double:
            image = image.resize((size, size), Image.BICUBIC)
        return np.asarray(image), coverage


def overlap(x, y, size, other):
    """Shared area of two squares as a share of the smaller one."""
    width = min(x + size / 2, other.x + other.size / 2) - max(x - size / 2, other.x - other.size / 2)
    height = min(y + size / 2, other.y + other.size / 2) - max(y - size / 2, other.y - other.size / 2)
    return max(width, 0) * max(height, 0) / min(size, other.size) ** 2


def stamp(concept, placed, size):
    """Scales, turns, flips and colours a sprite in one transform.

    Returns left, top, premultiplied colour [h, w, 3] and alpha [h, w].
    """
    side = placed.size * size
    level = next((s for s in reversed(sprites.MIP_SIZES) if s >= side), sprites.MIP_SIZES[0])
    turn = math.radians(placed.angle)
    cos, sin = math.cos(turn), math.sin(turn)
    extent = int(math.ceil(side * (abs(cos) + abs(sin)) * 1.07)) + 2
    centre_x, centre_y = placed.x * size, placed.y * size
    left, top = int(math.floor(centre_x - extent / 2)), int(math.floor(centre_y - extent / 2))
    scale_x = level / side / math.sqrt(placed.aspect) * (-1 if placed.flip else 1)
    scale_y = level / side * math.sqrt(placed.aspect)
    dx, dy = left - centre_x, top - centre_y
    matrix = (cos * scale_x, sin * scale_x, level / 2 + scale_x * (cos * dx + sin * dy),
              -sin * scale_y, cos * scale_y, level / 2 + scale_y * (-sin * dx + cos * dy))
    drawn = concept.mips[level].transform((extent, extent), Image.AFFINE, matrix, Image.BILINEAR)
    pixels = np.asarray(drawn, np.float32)
    rgb, alpha = pixels[..., :3], pixels[..., 3] / 255
    if placed.tint:
        luminance = rgb @ np.array((.299, .587, .114), np.float32)
        colour = np.array(sprites.COLOURS[placed.tint], np.float32) / 255
        if not concept.is_shape:   # lift dark artwork so that the colour shows
            luminance = 0.35 * 255 * alpha + 0.65 * luminance
        rgb = luminance[..., None] * colour
    return left, top, rgb * np.array(placed.gain, np.float32), alpha


def patch_coverage(alpha, x0, y0, size):
    """Share of each of the 64 patches under `alpha` placed at (x0, y0)."""
    step = size // GRID
    column, row = x0 // step, y0 // step
    columns = -(-(x0 + alpha.shape[1]) // step) - column
    rows = -(-(y0 + alpha.shape[0]) // step) - row
    local = np.zeros((rows * step, columns * step), np.float32)
    y, x = y0 - row * step, x0 - column * step
    local[y:y + alpha.shape[0], x:x + alpha.shape[1]] = alpha
    full = np.zeros((GRID, GRID), np.float32)
    full[row:row + rows, column:column + columns] = local.reshape(rows, step, columns, step).sum((1, 3)) / step ** 2
    return full.ravel()


def alpha_box(alpha, x0, y0, size):
    """Bounding box (x, y, width, height) of alpha > 0.3 in fractions."""
    ys, xs = np.nonzero(alpha > 0.3)
    if len(xs) == 0:
        return (x0 / size, y0 / size, alpha.shape[1] / size, alpha.shape[0] / size)
    return (float(x0 + xs.min()) / size, float(y0 + ys.min()) / size,
            float(xs.max() + 1 - xs.min()) / size, float(ys.max() + 1 - ys.min()) / size)
