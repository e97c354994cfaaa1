"""Text that means something to HTML, Markdown, TeX, Jinja and terminals, and where a stranger may put it."""

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>`|[x](javascript:alert(3))\x1b[31m\u202e$\\input{x}${{7*7}}{%raw%}"


def poison(document):
    """Hostile text wherever a card or machine has free text."""
    for key in ("title", "question", "cpu", "os"):
        if key in document:
            document[key] = HOSTILE
    for claim in document.get("claims", ()):
        claim |= {"says": HOSTILE, "where": HOSTILE, "statistic": HOSTILE, "unit": HOSTILE, "erratum": HOSTILE}
    for source in document.get("sources", ()):
        source |= {"key": HOSTILE, "where": HOSTILE}
    if "arms" in document:
        document["arms"] = dict.fromkeys([*document["arms"], HOSTILE], HOSTILE)
    for figure in document.get("figures", ()):
        figure["title"] = HOSTILE
        figure["x_label"] = HOSTILE


def poison_record(document):
    document["data"] = {
        "name": "../../../" + HOSTILE,
        "fingerprint": "0" * 64,
        "n_train": 1,
        "n_test": 1,
        "substitute": False,
    }
    document["arms"][HOSTILE] = document["arms"]["one"] | {
        "metrics": {HOSTILE: 1.0},
        "error": {"type": HOSTILE, "message": HOSTILE},
    }
    document["code"] |= {"git_commit": HOSTILE}
