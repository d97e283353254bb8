"""Artwork: Noto Emoji bitmaps and drawn shapes, as RGBA mip pyramids.

Noto Color Emoji stores one PNG of 136x128 pixels per emoji in its CBDT table.
A sprite is that picture cropped to its visible part and centred on a square,
kept at 128, 64, 32 and 16 pixels so that any smaller size can be drawn with
one bilinear transform.
"""

import colorsys
import io
import math
from collections import Counter

import numpy as np
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw

FONT_PATH = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
MIP_SIZES = (128, 64, 32, 16)

COLOURS = {
    "red": (220, 30, 35), "orange": (245, 140, 20), "yellow": (250, 215, 40),
    "green": (45, 160, 60), "blue": (35, 95, 215), "purple": (130, 55, 175),
    "pink": (245, 130, 180), "brown": (125, 80, 45), "black": (25, 25, 28),
    "white": (248, 248, 248), "gray": (135, 138, 142), "cyan": (40, 205, 220),
}

SHAPES = ("circle", "square", "triangle", "star", "diamond", "hexagon",
          "ring", "cross", "rectangle", "oval", "crescent", "heart")


class EmojiFont:
    """Looks up the bitmap of an emoji given as a string of code points."""

    def __init__(self, path=FONT_PATH):
        font = TTFont(path)
        self.cmap = font.getBestCmap()
        self.bitmaps = font["CBDT"].strikeData[0]
        self.ligatures = {}
        for lookup in font["GSUB"].table.LookupList.Lookup:
            for table in lookup.SubTable:
                table = getattr(table, "ExtSubTable", table)
                for first, rules in getattr(table, "ligatures", {}).items():
                    for rule in rules:
                        self.ligatures[(first, *rule.Component)] = rule.LigGlyph

    def glyph(self, emoji):
        """Returns the glyph name of `emoji`, or None if the font lacks it."""
        points = [ord(c) for c in emoji if c != "\ufe0f"]
        names = [self.cmap.get(p) for p in points]
        if None in names:
            return None
        return names[0] if len(names) == 1 else self.ligatures.get(tuple(names))

    def picture(self, emoji):
        """Returns the RGBA picture of `emoji`, cropped, or None."""
        data = self.bitmaps.get(self.glyph(emoji) or "")
        if data is None:
            return None
        image = Image.open(io.BytesIO(data.imageData)).convert("RGBA")
        box = image.getchannel("A").point(lambda a: 255 * (a > 40)).getbbox()
        return image.crop(box) if box else None


def square(image, size=128):
    """Fits an RGBA picture into a transparent `size` x `size` square."""
    scale = size / max(image.size)
    width = max(1, round(image.width * scale))
    height = max(1, round(image.height * scale))
    canvas = Image.new("RGBA", (size, size))
    resized = image.resize((width, height), Image.BICUBIC)
    canvas.paste(resized, ((size - width) // 2, (size - height) // 2))
    return canvas


def mips(image):
    """Returns `{size: premultiplied RGBa picture}` for every size in MIP_SIZES."""
    premultiplied = image.convert("RGBa")
    return {s: premultiplied.resize((s, s), Image.BOX)
            for s in MIP_SIZES}


def colour_name(r, g, b):
    """Names a colour (components 0...1) by hue, saturation and brightness."""
    hue, saturation, value = colorsys.rgb_to_hsv(r, g, b)
    hue *= 360
    if value < 0.25 or value < 0.36 and saturation < 0.3:
        return "black"
    if saturation < 0.15:
        return "white" if value > 0.85 else "gray"
    if saturation < 0.22 and value < 0.75:
        return "gray"
    if hue < 14 or hue >= 345:
        return "brown" if value < 0.55 else "pink" if saturation < 0.55 else "red"
    if hue < 45:
        if value < 0.72:
            return "brown"
        return None if saturation < 0.6 else "orange" if hue < 41 else "yellow"
    for limit, name in ((70 if value > 0.85 else 50, "yellow"), (165, "green"), (192, "cyan"), (255, "blue"), (298, "purple")):
        if hue < limit:
            return name
    return "pink"


def natural_colour(image):
    """Names the palette colour of more than 60 % of the visible pixels."""
    pixels = np.asarray(image.resize((24, 24)), np.float32).reshape(-1, 4)
    pixels = pixels[pixels[:, 3] > 128, :3] / 255
    if len(pixels) < 20:
        return None
    name, count = Counter(colour_name(*p) for p in pixels.tolist()).most_common(1)[0]
    return name if count > 0.6 * len(pixels) else None


def shape_picture(name, size=256):
    """Draws a shape in white on transparent, to be tinted later."""
    image = Image.new("RGBA", (size, size), (255, 255, 255, 0))
    draw = ImageDraw.Draw(image)
    white, clear = (255, 255, 255, 255), (255, 255, 255, 0)
    c, r = size / 2, size / 2 - 2

    def polygon(count, start=-90.0, radii=(1.0,)):
        return [(c + r * radii[k % len(radii)] * math.cos(math.radians(start + 360 * k / count)),
                 c + r * radii[k % len(radii)] * math.sin(math.radians(start + 360 * k / count)))
                for k in range(count)]

    if name == "circle":
        draw.ellipse((2, 2, size - 2, size - 2), fill=white)
    elif name == "square":
        draw.rectangle((8, 8, size - 8, size - 8), fill=white)
    elif name == "triangle":
        draw.polygon(polygon(3), fill=white)
    elif name == "star":
        draw.polygon(polygon(10, radii=(1.0, 0.42)), fill=white)
    elif name == "diamond":
        draw.polygon([(c, 2), (c + 0.7 * r, c), (c, size - 2), (c - 0.7 * r, c)], fill=white)
    elif name == "hexagon":
        draw.polygon(polygon(6, start=0.0), fill=white)
    elif name == "ring":
        draw.ellipse((2, 2, size - 2, size - 2), fill=white)
        draw.ellipse((0.26 * size, 0.26 * size, 0.74 * size, 0.74 * size), fill=clear)
    elif name == "cross":
        draw.rectangle((0.34 * size, 4, 0.66 * size, size - 4), fill=white)
        draw.rectangle((4, 0.34 * size, size - 4, 0.66 * size), fill=white)
    elif name == "rectangle":
        draw.rectangle((2, 0.25 * size, size - 2, 0.75 * size), fill=white)
    elif name == "oval":
        draw.ellipse((2, 0.22 * size, size - 2, 0.78 * size), fill=white)
    elif name == "crescent":
        draw.ellipse((2, 2, size - 2, size - 2), fill=white)
        draw.ellipse((0.3 * size, -0.04 * size, 1.1 * size, 0.86 * size), fill=clear)
    elif name == "heart":
        points = []
        for k in range(120):
            t = 2 * math.pi * k / 120
            points.append((c + r * math.sin(t) ** 3,
                           c - r * (13 * math.cos(t) - 5 * math.cos(2 * t)
                                    - 2 * math.cos(3 * t) - math.cos(4 * t)) / 16.5))
        draw.polygon(points, fill=white)
    else:
        raise ValueError(name)
    return image.crop(image.getchannel("A").getbbox())


def likeness(image):
    """A small RGB vector over mid grey; near duplicates are close in it."""
    canvas = Image.new("RGBA", image.size, (128, 128, 128, 255))
    canvas.alpha_composite(image)
    return np.asarray(canvas.convert("RGB").resize((24, 24), Image.BOX), np.float32).ravel() / 255
