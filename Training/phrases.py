"""Concepts and the phrases that name them, chosen by rule.

Concepts come from the emoji groups of Unicode's `emoji-test.txt`; names and
everyday keywords from CLDR's English annotations; twelve shapes are added.
"""

import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

import sprites

EMOJI_LIST_PATH = "/usr/share/unicode/emoji/emoji-test.txt"
ANNOTATIONS_PATHS = ("/usr/share/unicode/cldr/common/annotations/en.xml",
                     "/usr/share/unicode/cldr/common/annotationsDerived/en.xml")

GROUPS = ("Animals & Nature", "Food & Drink", "Travel & Places", "Activities", "Objects")
EXTRA_SUBGROUPS = ("face-costume", "monkey-face", "body-parts")
LIKENESS_LIMIT = 0.05    # mean absolute difference below which the later one is dropped
DROPPED_NAMES = re.compile(
    r"o’clock|-thirty|quarter moon|gibbous|crescent moon|new moon|skin tone|heart"
    r"|button|japanese .*(dolls|post office)|mailbox with|tone$|speaker (low|medium)"
    r"|(man|woman) |^(man|woman)$|envelope with|incoming|"
    r"oncoming|suit$|medal \b|squared|beating|with face$|^(anger|sign)"
    r"|person (feeding|in suit)|page |receipt|memo$|tear-off|bar chart|chart |clipboard|folder|dividers"
    r"|card (file|index)|ledger|bookmark tabs|inbox|outbox|locked with|unlocked|satellite antenna"
    r"|coin|banknote|hazy|cityscape at|sunrise|sunset|flags?$|streamer|zodiac|wind chime"
    r"|ceremony|biting|evil|slash|sun behind (small|large)|love hotel|love letter|label|with arrow"
    r"|map of|mount fuji|kaaba|night|not done|ticket|ballot|placard|identification|speaker|nazar|hamsa"
    r"|green book|blue book|orange book|low battery|badge|military|2nd|3rd|decoration|fog$|drop of")

# Keywords that name a mood, a place, a use or a whole category: not the thing.
GENERIC = set("""
face woman man hand mark symbol sign person body eye eyes young old open new cold hot religion love
animal food drink building place thing object tool weather sky night day travel vehicle sport game
party celebration celebrate party! event music sound office work activity entertainment award prize
plant flower fruit vegetable sweet dessert restaurant meal dish cooking cook meat sea ocean water
nature japan japanese korean chinese asian china mexican italian american french german indian greek
christmas halloween new year birthday wedding romance valentine holiday spring summer autumn fall
winter clothing clothes shoe fashion women’s men’s style accessory wear health medicine doctor
science school education study learn writing write paper business money bank cash currency currencies
communication phone mail letter post e-mail electronic device screen computer video movie film theater
theatre entertain show stage art artist paint colorful color colour dark light bright red orange
yellow green blue purple pink brown black white gray grey cyan silver gold golden big small large
little tiny huge long short round square up down left right front back side top bottom
baby male female boy girl adult child male person family human people fantasy fairy tale fairytale
creature evil good bad luck lucky death dead danger warning stop safe security protect protection
weapon crime fire fight war army action adventure fun funny happy sad cute pet wild zoo farm wildlife
vacation trip tourist tour holiday resort road street traffic transport transportation station stop
ship sailing boat sailing boating airport fly flying flight aeronautics wheel engine speed fast slow
race racing win winner winning champion competition contest play player playing team score goal
sports ball court field gym exercise fitness workout health clean cleaning wash bathroom hygiene
soap home house household kitchen bed sleep rest relax vacation lodging accommodation room
breakfast lunch dinner snack fast take-out takeout eat hungry tasty yum yummy delicious bar drinking alcohol
cocktail glass cheers clink toast beverage hot warm cool ice cold frozen chill fresh healthy
savory salty spicy spice sour bitter dairy grain rice wheat bread pastry baked baking bake sugar
garden gardening growing grow leaf leaves green eco environment ecology earth world globe planet
space universe astronomy zodiac astrology horoscope moon sun star stars weather rain wet storm
land location map landmark city urban town village country park amusement ride attraction
culture tradition traditional ceremony festival decoration ornament gift present wrapped
information instrument machine technology tech industrial industry factory mechanic equipment hardware
press news read reading library literature words book communicate message talk speech speak voice
announce announcement public broadcast loud volume media record recording studio listen hear
magic magical mystery mystical fortune telling wizardry spell trick future
power energy electric electricity light lighting bulb idea
law legal justice crime court judge politics government royal royalty king queen prince princess
ancient history museum monster scary spooky horror creepy gross ew disgusting
sick ill illness disease bug pest insect danger poison toxic nuclear biohazard
worker working occupation job professional uniform service saint hero superhero superpower villain
relax rich wealthy luxury treasure fancy formal classy romantic romance date
jump strong strength flex muscle hard soft pretty beautiful beauty cosmetics makeup
shop shopping store buy sale market price tag label billed cap
measure measurement math time
discrimination peace hope faith pray prayer worship temple religious spiritual christian hindu muslim
islam jewish jew buddhist judaism hinduism islamic muslim buddhism christianity
wise wisdom intelligent brain nerd smart brave proud pride arrogance
thanksgiving easter blossom floral bouquet
swim swimming diving surf beach fishing fish pole seafood shellfish sushi
snow ski mountain cold sled hockey tie
bird reptile mammal marine rodent
cut cutting sharp grip handle hold
communication network internet
nice good kind
leo aries taurus cancer pisces scorpio libra capricorn aquarius sagittarius virgo gemini ophiuchus bearer
comic forbidden see head expendable dupe maze turn catch life step view set chest speculum climb hoist
unlucky ostentatious flamboyant dizzy extinction falling blow boring useless nurturing indecisive lazy sly curious playful purity iron hit
flavoring filling roll slice link anxious evolution shot split float mute quiet silent clue bones
empty spill fluctuate burp opening closed selling point hurt disability
""".replace("\n", " ").split())
# Words above that do name the thing for some concepts are kept when they are part of its own name.

# Everyday words that CLDR lacks or that the counting rule would drop.
ADDED_KEYWORDS = {
    "automobile": ["car"], "television": ["tv"], "airplane": ["plane"], "telephone": ["phone"],
    "fire engine": ["fire truck"], "sport utility vehicle": ["suv"], "mobile phone": ["smartphone"],
    "sailboat": ["sailing boat"], "speedboat": ["boat"], "canoe": ["boat"], "motor boat": ["boat"],
    "headphone": ["headphones"], "couch and lamp": ["sofa"], "wastebasket": ["trash can", "bin"],
    "evergreen tree": ["fir tree"], "tangerine": ["orange fruit"], "honeybee": ["bee"], "train": ["railway"],
    "jack-o-lantern": ["pumpkin"], "wrapped gift": ["present"], "poultry leg": ["chicken leg"],
    "cup with straw": ["soft drink"], "hot beverage": ["cup of coffee"], "locomotive": ["steam train"],
    "magnifying glass tilted left": ["magnifier"], "soccer ball": ["ball"], "basketball": ["ball"],
    "volleyball": ["ball"], "light bulb": ["lightbulb"], "game die": ["dice"],
}

RIGID = re.compile(r"arrow|sign|clock|watch|compass|globe|letter|newspaper|calendar|dice|tile|playing card|dartboard|map")


@dataclass
class Concept:
    """One class: what it is called and what it looks like."""

    index: int
    name: str
    keywords: list
    mips: dict
    colour: str | None = None      # natural colour word, if one dominates
    is_shape: bool = False
    is_rigid: bool = False         # never rotated or flipped
    emoji: str = ""
    phrases: list = field(default_factory=list)


def read_annotations():
    """Returns `{emoji: (name, [keyword])}` from CLDR."""
    names, keywords = {}, {}
    for path in ANNOTATIONS_PATHS:
        for node in ElementTree.parse(path).getroot().iter("annotation"):
            if node.get("type") == "tts":
                names[node.get("cp")] = node.text.strip()
            else:
                keywords[node.get("cp")] = [w.strip() for w in node.text.split("|")]
    return {cp: (clean(name), [clean(w) for w in keywords.get(cp, [])]) for cp, name in names.items()}


def clean(text):
    """Lower case, plain apostrophes, no punctuation."""
    text = text.lower().replace("“", "").replace("”", "").replace(":", "").replace(",", "")
    return " ".join(text.split())


def read_emoji_list():
    """Yields `(group, subgroup, emoji)` of every fully qualified emoji."""
    group = subgroup = ""
    for line in open(EMOJI_LIST_PATH, encoding="utf-8"):
        if line.startswith("# group:"):
            group = line.split(":", 1)[1].strip()
        elif line.startswith("# subgroup:"):
            subgroup = line.split(":", 1)[1].strip()
        elif "; fully-qualified" in line:
            yield group, subgroup, "".join(chr(int(p, 16)) for p in line.split(";")[0].split())


def chosen(group, subgroup, name):
    """Whether an emoji becomes a concept (before the look-alike rule)."""
    if DROPPED_NAMES.search(name):
        return False
    return group in GROUPS or subgroup in EXTRA_SUBGROUPS


def named_colour(name):
    """The colour word in a name such as "green apple", if any."""
    return next((w for w in name.split() if w in sprites.COLOURS), None)


def load_concepts():
    """Returns the list of concepts, always in the same order."""
    font, annotations = sprites.EmojiFont(), read_annotations()
    concepts, likenesses, seen = [], [], set(sprites.SHAPES)
    for group, subgroup, emoji in read_emoji_list():
        name, keywords = annotations.get(emoji.replace("\ufe0f", ""), (None, []))
        if not name or name in seen or any("\U0001f3fb" <= c <= "\U0001f3ff" for c in emoji):
            continue
        if not chosen(group, subgroup, name) or "\u2640" in emoji or "\u2642" in emoji:
            continue
        picture = font.picture(emoji)
        if picture is None:
            continue
        picture = sprites.square(picture)
        likeness = sprites.likeness(picture)
        if likenesses and np.abs(np.stack(likenesses) - likeness).mean(1).min() < LIKENESS_LIMIT:
            continue
        seen.add(name)
        keywords = keywords + [w for w in ADDED_KEYWORDS.get(name, []) if w not in keywords]
        likenesses.append(likeness)
        concepts.append(Concept(len(concepts), name, keywords, sprites.mips(picture),
                                named_colour(name) or sprites.natural_colour(picture), False, bool(RIGID.search(name)), emoji))
    for name in sprites.SHAPES:
        picture = sprites.square(sprites.shape_picture(name))
        concepts.append(Concept(len(concepts), name, [], sprites.mips(picture), None, True))
    attach_phrases(concepts)
    return concepts


def attach_phrases(concepts):
    """Sets every concept's phrases: its name, then the keywords that pass."""
    uses = Counter(w for c in concepts for w in set(c.keywords))
    names = {c.name for c in concepts}
    for c in concepts:
        words = set(c.name.split())
        c.phrases = [c.name]
        for keyword in c.keywords:
            own = keyword in words and keyword not in ("of", "with", "and", "the", "in", "face")
            usable = own and uses[keyword] <= 8 and keyword not in sprites.COLOURS
            usable |= keyword not in GENERIC and uses[keyword] <= 4
            usable |= keyword in ADDED_KEYWORDS.get(c.name, ())
            usable &= len(keyword) > 2 and keyword not in c.phrases and not re.search(r"[0-9]", keyword)
            if usable and (keyword not in sprites.SHAPES) and len(keyword.split()) <= 3:
                c.phrases.append(keyword)


def phrase_table(concepts):
    """Returns `{phrase: frozenset of concept indices it is true of}`."""
    table = {}
    for c in concepts:
        for phrase in c.phrases:
            table.setdefault(phrase, set()).add(c.index)
    return {phrase: frozenset(indices) for phrase, indices in table.items()}


if __name__ == "__main__":
    all_concepts = load_concepts()
    print(len(all_concepts), "concepts,", len(phrase_table(all_concepts)), "phrases,",
          sum(c.colour is not None for c in all_concepts), "with a natural colour")
    for c in all_concepts:
        print(c.index, c.name, c.colour or "-", c.phrases[1:], sep=" | ")
