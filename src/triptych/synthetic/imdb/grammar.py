"""The grammar of the made-up reviews: one for both labels, so that only the order of the words tells them apart.

A rule is a tuple of templates, all equally likely; `<name>` in a template stands for a text of the rule of that name.
A text is on a side, positive or negative: `<+name>` is a text, or a word of an opinion, on the same side, `<-name>` on
the other. In capitals, a word of an opinion is written in capitals.

A verdict is expected to use each kind of opinion as often on its own side as on the other, so each word is as frequent
in positive reviews as in negative ones. A `tail` stands between most opinions and the next word that matters, so pairs
of words tell little.
"""

OPINIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "adjective": (
        ("good", "great", "brilliant", "wonderful", "superb", "clever", "charming", "moving"),
        ("bad", "awful", "terrible", "boring", "dull", "weak", "stupid", "horrible"),
    ),
    "liked": (("loved", "enjoyed", "liked", "admired"), ("hated", "disliked", "despised", "loathed")),
    "like": (("love", "enjoy", "like", "admire"), ("hate", "dislike", "despise", "loathe")),
    "noun": (("joy", "treat", "delight", "triumph"), ("bore", "mess", "disaster", "failure")),
}
"""Positive and negative words of each kind; both have the same number."""

RULES: dict[str, tuple[str, ...]] = {
    "review": (
        "<opening> <+verdict> <+verdict>",
        "<opening> <+verdict><break><plot> <+verdict>",
        "<+verdict> <plot> <+verdict>",
        "<+verdict> <+verdict><break><closing>",
        "<opening><break><+verdict> <+verdict> <closing>",
    ),
    "verdict": ("<+plain or negated>", "<+contrast>", "<+whose>"),
    "plain or negated": ("<+plain>", "<+negated>"),
    "plain": (
        "There is no doubt that <+claim>!",
        "I must admit that <+claim>, <hedge>.",
        "You will <+like> the <part>, believe me.",
        "The <part> was <+adjective>.",
        "I <+LIKED> the <part>, <hedge>.",
    ),
    "negated": (
        "Nobody could say that <-claim>!",
        "I don't think that <-claim>, <hedge>.",
        "You won't <-like> the <part>, believe me.",
        "The <part> wasn't <-adjective>.",
        "I never <-LIKED> the <part>, <hedge>.",
    ),
    "contrast": (
        "OK, <-claim>, but <+claim>.",
        "Although <-claim>, <+claim>.",
        "In the end <+claim>, although <-claim>.",
        "Yes, <-claim>. Still, <+claim>.",
    ),
    "whose": (
        "My <person> said that <-claim>. I say that <+claim>.",
        "I say that <+claim>; my <person> said that <-claim>.",
        "The critics wrote that <-claim>... WRONG!",
        "The critics wrote that <+claim>... RIGHT!",
    ),
    "claim": (
        "the <part> was <very> <+adjective><tail>",
        "the <part> was a <+noun><tail>",
    ),
    "opening": (
        "I saw this film <when>.",
        "We watched \"The <title>\" <when>.",
        "My <person> and I rented this movie <when>.",
        "I didn't know anything about \"The <title>\" (<year>) before I saw it <when>.",
        "OK, so this is the film that everybody talks about.",
        "A few words about \"The <title>\" (<year>), which I saw <when>.",
        "BEWARE, there are small spoilers below.",
    ),
    "plot": (
        "It's about a <hero> who <finds> a <find> in <place>.",
        "A <hero> and a <hero> meet in <place>, and then one of them <finds> a <find>.",
        "The hero is a <hero> who doesn't know that he <finds> a <find>.",
        "It's set in <place>, where a <hero> <finds> a <find> and can't tell anyone.",
    ),
    "closing": (
        "That's all I've got to say.",
        "It runs for <minutes> minutes.",
        "It was shot in <place>  in <year>, they say.",
        "By the way, the DVD doesn't have any extras.",
        "Now I'm going to read the book.",
        "See for yourself...",
    ),
    "break": (" ", " ", "<br /><br />"),
    "very": ("really", "very", "so", "sooooo", "very very very", "quite", "rather", "truly"),
    "hedge": ("I guess", "I think", "in my opinion", "to be honest", "more or less", "if you ask me"),
    "tail": ("", "", " this time", " for once", " from the start", " in every scene"),
    "part": (
        "acting", "story", "ending", "music", "dialogue", "script", "plot", "cast", "humour", "camera work",
        "first half", "second half", "sound", "main character",
    ),
    "person": ("wife", "husband", "brother", "sister", "mother", "neighbour", "boss", "best friend"),
    "when": (
        "last night", "on TV", "on DVD", "yesterday", "at the cinema", "on a rainy Sunday", "with friends",
        "on a long flight", "two weeks ago",
    ),
    "title": ("Lighthouse", "Last Train", "Red Door", "Island", "Night Shift", "Winter Road", "Long Bridge"),
    "year": ("1968", "1974", "1987", "1995", "1999", "2004"),
    "minutes": ("80", "95", "110", "125"),
    "hero": (
        "young teacher", "retired policeman", "doctor", "fisherman", "pianist", "girl", "soldier", "taxi driver",
        "lawyer", "nurse", "detective", "farmer",
    ),
    "finds": ("finds", "loses", "steals", "inherits", "hides", "buys"),
    "find": ("map", "letter", "suitcase", "farm", "diary", "boat", "secret", "painting", "ring", "dog"),
    "place": ("Paris", "London", "New York", "a small town", "the mountains", "Texas", "Rome", "the desert", "space"),
}  # fmt: skip
