"""The words of the captions: how each fact about a picture may be said, the vocabulary, and synonyms for it."""

from __future__ import annotations

import re

# (article, noun phrase); an article of "" means a plural or a mass noun.
SCENES: dict[str, list[tuple[str, str]]] = {
    "lake": [
        ("a", "mountain lake"),
        ("a", "lake"),
        ("an", "alpine lake"),
        ("a", "lake in the mountains"),
        ("a", "lake below snowy peaks"),
    ],
    "beach": [
        ("a", "beach"),
        ("a", "sandy beach"),
        ("the", "sea shore"),
        ("a", "beach by the ocean"),
        ("the", "coast"),
    ],
    "desert": [("a", "desert"), ("", "sand dunes"), ("a", "desert with dunes"), ("", "desert dunes")],
    "forest": [("a", "forest"), ("a", "pine forest"), ("the", "woods"), ("", "tall trees in a forest")],
    "city": [
        ("a", "city skyline"),
        ("a", "city by the water"),
        ("", "skyscrapers by a river"),
        ("a", "city"),
        ("the", "skyline of a big city"),
    ],
    "meadow": [
        ("a", "meadow"),
        ("", "green hills"),
        ("a", "field of flowers"),
        ("a", "flower meadow"),
        ("", "rolling hills"),
    ],
    "arctic": [("an", "arctic landscape"), ("a", "frozen sea with icebergs"), ("", "snow and ice"), ("the", "arctic")],
    "islands": [
        ("", "islands in the sea"),
        ("", "small islands"),
        ("a", "rocky coast with islands"),
        ("", "islands in the ocean"),
        ("", "islands"),
    ],
    "canyon": [("a", "canyon"), ("", "red cliffs"), ("a", "deep canyon"), ("a", "red rock canyon")],
    "village": [("a", "village"), ("a", "small village"), ("a", "village in the hills"), ("", "houses in a valley")],
}
NEAR: dict[str, list[str]] = {
    "lake": ["by a mountain lake", "by a lake", "near an alpine lake", "at a lake in the mountains"],
    "beach": ["on the beach", "by the sea", "on a sandy beach", "at the coast"],
    "desert": ["in the desert", "on the dunes", "among sand dunes"],
    "forest": ["in a forest", "in the woods", "among pine trees"],
    "city": ["by a city", "in front of a city skyline", "near skyscrapers"],
    "meadow": ["in a meadow", "on a green hill", "among flowers", "in the hills"],
    "arctic": ["in the arctic", "on the snow", "near icebergs"],
    "islands": ["near islands", "by rocky islands", "at a rocky coast"],
    "canyon": ["in a canyon", "near red cliffs", "in a red rock canyon"],
    "village": ["in a village", "near a village", "by a small village"],
}
TAGS: dict[str, list[str]] = {
    "lake": ["lake", "mountain lake", "mountains and lake"],
    "beach": ["beach", "sea", "sandy beach"],
    "desert": ["desert", "dunes"],
    "forest": ["forest", "woods", "pine forest"],
    "city": ["city", "skyline", "city skyline"],
    "meadow": ["meadow", "hills", "flower meadow"],
    "arctic": ["arctic", "ice", "icebergs"],
    "islands": ["islands", "rocky coast"],
    "canyon": ["canyon", "red cliffs"],
    "village": ["village", "small village"],
}
TIMES: dict[str, list[str]] = {
    "dawn": ["at dawn", "at sunrise", "in the early morning", "in the morning"],
    "noon": ["at noon", "in daylight", "during the day", "by day"],
    "sunset": ["at sunset", "in the evening", "under an orange sky"],
    "dusk": ["at dusk", "at twilight", "after sunset"],
    "night": ["at night", "in the dark night", "at midnight"],
}
TIME_NOUNS: dict[str, list[str]] = {
    "dawn": ["dawn", "sunrise", "morning"],
    "noon": ["noon", "day", "daylight"],
    "sunset": ["sunset", "evening"],
    "dusk": ["dusk", "twilight"],
    "night": ["night", "midnight"],
}
EXTRAS: dict[str, list[str]] = {
    "stars": ["under the stars", "with a starry sky", "with stars"],
    "full": ["with a full moon", "under the moon", "in moonlight", "under a full moon"],
    "crescent": ["with a crescent moon", "under the moon", "with a moon"],
    "sun": ["with the sun in the sky", "with a bright sun", "with a low sun"],
    "aurora": ["with an aurora", "under northern lights"],
    "blue": ["under a blue sky", "on a sunny day", "with a clear blue sky"],
}
WEATHER: dict[str, list[str]] = {
    "clear": ["under a clear sky", "in clear weather"],
    "cloudy": ["with clouds", "under a cloudy sky", "with clouds in the sky"],
    "foggy": ["in fog", "in the mist", "in thick fog"],
    "rainy": ["in the rain", "on a rainy day", "while it rains"],
    "snowing": ["while it snows", "in falling snow", "with snow falling"],
}
WEATHER_ADJECTIVES: dict[str, list[str]] = {
    "clear": ["clear"],
    "cloudy": ["cloudy"],
    "foggy": ["foggy", "misty"],
    "rainy": ["rainy"],
    "snowing": ["snowing"],
}
WEATHER_TAGS: dict[str, list[str]] = {
    "clear": ["clear sky"],
    "cloudy": ["clouds", "cloudy"],
    "foggy": ["fog", "foggy", "mist"],
    "rainy": ["rain", "rainy"],
    "snowing": ["snowing", "falling snow", "snowfall"],
}
SEASONS: dict[str, list[str]] = {
    "spring": ["in spring"],
    "summer": ["in summer"],
    "autumn": ["in autumn", "in the fall"],
    "winter": ["in winter", "covered with snow"],
}
SEASON_ADJECTIVES: dict[str, list[str]] = {
    "spring": ["spring"],
    "summer": ["summer"],
    "autumn": ["autumn"],
    "winter": ["winter", "snowy", "snow covered"],
}
STYLES = ["a painting of", "a poster of", "an illustration of", "a picture of", "a drawing of", "a view of"]
POSITIONS: dict[str, list[str]] = {
    "left": ["on the left", "at the left side"],
    "right": ["on the right", "at the right side"],
    "middle": ["in the middle", "in the center"],
}
COUNTS: dict[int, list[str]] = {
    1: ["a"],
    2: ["two", "two", "a pair of"],
    3: ["three"],
    4: ["four", "four", "several"],
    5: ["five", "five", "many"],
    6: ["six", "six", "many"],
}
NOUNS: dict[str, list[tuple[str, str]]] = {
    "tent": [("tent", "tents")],
    "house": [("house", "houses"), ("house", "houses"), ("home", "homes")],
    "cabin": [("cabin", "cabins"), ("cabin", "cabins"), ("hut", "huts"), ("wooden cabin", "wooden cabins")],
    "boat": [("boat", "boats")],
    "sailboat": [("sailboat", "sailboats"), ("sailboat", "sailboats"), ("sailing boat", "sailing boats")],
    "lighthouse": [("lighthouse", "lighthouses")],
    "castle": [("castle", "castles")],
    "balloon": [("hot air balloon", "hot air balloons"), ("balloon", "balloons")],
    "windmill": [("windmill", "windmills")],
    "church": [("church", "churches")],
    "bird": [("bird", "birds"), ("flying bird", "flying birds")],
    "tree": [("tree", "trees")],
    "palm": [("palm tree", "palm trees"), ("palm", "palms")],
    "cactus": [("cactus", "cacti")],
    "umbrella": [("umbrella", "umbrellas"), ("beach umbrella", "beach umbrellas")],
    "igloo": [("igloo", "igloos")],
    "sheep": [("sheep", "sheep")],
    "bridge": [("bridge", "bridge")],
    "campfire": [("campfire", "campfires")],
}
BRIGHT = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "white"]
PAINT: dict[str, list[str]] = {
    "tent": BRIGHT,
    "house": ["white", "red", "yellow", "blue", "brown", "pink"],
    "cabin": ["brown", "red"],
    "boat": ["red", "white", "blue", "yellow", "green", "brown"],
    "sailboat": ["white", "red", "orange", "blue", "yellow"],
    "lighthouse": ["red", "white", "blue", "black"],
    "balloon": BRIGHT,
    "umbrella": BRIGHT,
    "windmill": ["white", "brown", "red"],
    "tree": ["green", "orange", "red", "yellow", "pink", "white"],
}
GLUE = [
    "a",
    "an",
    "the",
    "and",
    "with",
    "of",
    "in",
    "on",
    "at",
    "by",
    "near",
    "over",
    "there",
    "is",
    "are",
    "while",
    ",",
    ".",
]


def words_of(text: str) -> list[str]:
    """A caption as the words that the vocabulary counts; a comma or a full stop is a word."""
    return re.findall(r"[a-z]+|[,.]", text.lower())


def mirror(text: str) -> str:
    """The caption of the mirrored picture: left and right change places."""
    swap = {"left": "right", "right": "left"}
    return re.sub(r"\b(left|right)\b", lambda found: swap[found[0]], text)


def _vocabulary() -> list[str]:
    said: list[str] = [*GLUE, *STYLES, *BRIGHT, "black", "brown"]
    for table in (
        NEAR,
        TAGS,
        TIMES,
        TIME_NOUNS,
        EXTRAS,
        WEATHER,
        WEATHER_ADJECTIVES,
        WEATHER_TAGS,
        SEASONS,
        SEASON_ADJECTIVES,
        POSITIONS,
    ):
        said += [text for texts in table.values() for text in texts]
    said += [text for texts in COUNTS.values() for text in texts]
    said += [text for pairs in (*SCENES.values(), *NOUNS.values()) for pair in pairs for text in pair]
    return ["<pad>", "<start>", *sorted({word for text in said for word in words_of(text)})]


VOCABULARY: list[str] = _vocabulary()

# What people type for a word of the vocabulary.
_TYPED: dict[str, str] = {
    "a": "one single",
    "arctic": "polar antarctic",
    "aurora": "auroras borealis",
    "autumn": "autumnal",
    "beach": "seaside",
    "bird": "seagull",
    "birds": "seagulls gulls",
    "blue": "bluesky azure navy turquoise",
    "boat": "ship canoe rowboat",
    "boats": "ships",
    "bridge": "bridges",
    "brown": "beige tan",
    "by": "beside",
    "cabin": "cottage lodge",
    "cacti": "cactuses",
    "campfire": "bonfire fire",
    "canyon": "gorge ravine",
    "castle": "fortress palace",
    "center": "centre",
    "church": "chapel cathedral",
    "city": "downtown metropolis",
    "cliffs": "cliff",
    "clouds": "cloud",
    "cloudy": "overcast",
    "dawn": "daybreak",
    "daylight": "daytime",
    "desert": "sahara",
    "drawing": "sketch",
    "dunes": "dune",
    "dusk": "nightfall",
    "field": "fields",
    "flowers": "flowery blossom blossoms wildflowers",
    "forest": "woodland jungle wooded",
    "green": "teal",
    "house": "farmhouse",
    "hut": "shack",
    "ice": "icy",
    "icebergs": "iceberg",
    "in": "into",
    "islands": "island isle isles",
    "lake": "lakes pond lakeside",
    "landscape": "scenery",
    "meadow": "meadows prairie grassland pasture",
    "middle": "central",
    "mist": "haze",
    "misty": "hazy",
    "moonlight": "moonlit",
    "mountain": "mount",
    "mountains": "alps",
    "near": "next",
    "night": "nighttime nocturnal",
    "noon": "midday afternoon",
    "ocean": "oceans",
    "on": "onto",
    "over": "above",
    "painting": "artwork",
    "pair": "couple",
    "peaks": "peak summit",
    "picture": "photo photograph image",
    "pine": "fir firs pines conifers",
    "pink": "magenta",
    "purple": "violet",
    "rain": "raining drizzle shower showers storm",
    "rainy": "stormy",
    "red": "crimson scarlet",
    "sailboat": "yacht",
    "sea": "seas",
    "several": "few",
    "sheep": "lamb lambs",
    "shore": "shoreline seashore waterside",
    "skyscrapers": "skyscraper towers buildings",
    "snowing": "snowstorm blizzard",
    "spring": "springtime",
    "starry": "starlit",
    "stars": "starlight star",
    "summer": "summertime",
    "sunny": "sunlight sunshine",
    "sunrise": "sunup",
    "sunset": "sundown",
    "tent": "teepee tipi camp",
    "umbrella": "parasol",
    "umbrellas": "parasols",
    "village": "town hamlet",
    "white": "grey gray",
    "windmill": "mill",
    "winter": "wintry",
    "woods": "wood",
    "yellow": "golden gold",
}
SYNONYMS: dict[str, str] = {typed: known for known, words in _TYPED.items() for typed in words.split()}
