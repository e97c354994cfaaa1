"""The report as its readers see it: in a real Chromium, without a network."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from forging import forge
from hostile import poison, poison_record

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

if CHROMIUM is None:
    pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)", allow_module_level=True)
sync_api = pytest.importorskip(
    "playwright.sync_api", reason="playwright is missing (pip install 'keras-reprise[browser]')"
)


class Reader:
    """A browser page that keeps what goes wrong and what it asks for."""

    def __init__(self, browser: Any, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.trouble: list[str] = []
        self.requests: list[str] = []
        self.page = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | options)).new_page()
        self.page.on("console", lambda message: self.trouble.append(message.text))
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("requestfailed", self._failed)
        self.page.on("request", lambda request: self.requests.append(request.url))

    def _failed(self, request: Any) -> None:
        if request.failure != "net::ERR_ABORTED":  # a picture that was still to come when the next page was opened
            self.trouble.append(f"failed: {request.url}")

    def open(self, name: str) -> Any:
        self.page.goto(f"file://{self.folder}/{name}")
        return self.page

    def visible(self) -> list[str]:
        """The rules that the front page shows."""
        return list(self.page.locator(".card:visible h3").all_inner_texts())


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of two recipes on two machines."""
    from click.testing import CliRunner

    from keras_reprise.cli import main

    recipes = Path(__file__).parents[1] / "data" / "recipes"
    root = tmp_path_factory.mktemp("site")
    text = (recipes / "plain.py").read_text()
    (root / "other.py").write_text(
        text.replace('slug="plain"', 'slug="other"').replace('Source("tests"', 'Source("elsewhere"')
    )
    for recipe in (recipes / "plain.py", root / "other.py"):
        assert (
            CliRunner().invoke(main, ["run", str(recipe), "--seeds", "3", "--store", str(root / "store")]).exit_code
            == 0
        )
    shutil.copytree(root / "store", root / "second")
    forge(root / "second", machine=lambda facts: facts.update(cpu="A second CPU"))
    shutil.copytree(root / "second", root / "store", dirs_exist_ok=True, ignore=shutil.ignore_patterns(".cache"))
    result = CliRunner().invoke(main, ["report", "--store", str(root / "store"), "--output", str(root / "report")])
    assert result.exit_code == 0, result.output
    return root / "report"


def test_every_page_loads_with_its_figures_and_asks_for_nothing_from_elsewhere(browser, site):
    reader = Reader(browser, site)
    pages = sorted(path.name for path in site.glob("*.html"))
    assert len(pages) == 9 + len(list(site.glob("figures/*.svg"))) > 8
    for name in pages:
        page = reader.open(name)
        page.evaluate("document.querySelectorAll('img').forEach(image => { image.loading = 'eager'; })")
        page.wait_for_load_state("networkidle")
        widths = page.evaluate("Promise.all([...document.images].map(i => i.decode().then(() => i.naturalWidth)))")
        assert all(width > 100 for width in widths)
        for link in page.locator("a[href]").all():
            target, _, anchor = (link.get_attribute("href") or "").partition("#")
            assert (site / (target or name)).is_file()
            assert not anchor or target not in ("", name) or page.locator(f"[id='{anchor}']").count() == 1
    assert reader.trouble == []
    assert all(url.startswith((f"file://{site}/", "data:")) for url in reader.requests)


RULES = ("batch-size-ucurve", "momentum-ema", "overfit-20-examples", "softmax-into-logits-floor")
"""Recipes with rules that are reproduced, contradicted and inconclusive, on several machines and backends."""


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of some of the repository's own records."""
    from click.testing import CliRunner

    from keras_reprise.cli import main

    results = Path(__file__).parents[2] / "results"
    store = tmp_path_factory.mktemp("rules") / "store"
    for slug in RULES:
        shutil.copytree(results / "records" / slug, store / "records" / slug)
    for folder in ("cards", "machines", "environments"):
        shutil.copytree(results / folder, store / folder)
    result = CliRunner().invoke(main, ["report", "--store", str(store), "--output", str(store.parent / "report")])
    assert result.exit_code == 0, result.output
    return store.parent / "report"


def test_filters_narrow_the_rules_and_can_be_shared(browser, rules):
    reader = Reader(browser, rules)
    page = reader.open("index.html")
    assert len(reader.visible()) == 4
    page.select_option("select[name=verdict]", "reproduced")
    assert len(reader.visible()) == 2
    assert page.locator("#count").inner_text() == "2 of 4 rules"
    page.fill("input[name=text]", "by HEART")
    assert len(reader.visible()) == 1
    address = page.url
    page.fill("input[name=text]", "nothing like this")
    assert reader.visible() == []
    assert page.locator("#nothing").is_visible()
    page.click("button[type=reset]")
    sync_api.expect(page.locator(".card:visible")).to_have_count(4)
    page.goto("about:blank")
    page.goto(address)
    assert len(reader.visible()) == 1
    assert page.locator("select[name=verdict]").input_value() == "reproduced"
    assert reader.trouble == []


def test_the_counts_of_the_verdicts_lead_to_their_rules(browser, rules):
    reader = Reader(browser, rules)
    page = reader.open("index.html")
    counts = {}
    for word in ("reproduced", "contradicted", "inconclusive", "surprising"):
        link = page.locator(f".tally .{word} a")
        link.click()
        counts[word] = int(link.locator("b").inner_text())
        sync_api.expect(page.locator(".card:visible")).to_have_count(counts[word])  # the page filters after the click
        assert link.get_attribute("aria-current") == "true"
    assert counts == {"reproduced": 2, "contradicted": 1, "inconclusive": 1, "surprising": 1}
    assert page.locator(".card .answer:visible .chip.surprising").is_visible()


def test_a_place_that_is_asked_for_answers_instead_of_the_one_that_stands(browser, rules):
    reader = Reader(browser, rules)
    page = reader.open("index.html")
    assert page.locator(".card .answer:visible").count() == 4
    page.select_option("select[name=backend]", "torch")
    shown = page.locator(".card .answer:visible")
    assert shown.count() == len(reader.visible()) > 0
    assert all("PyTorch" in one.inner_text() for one in shown.all())
    page.select_option("select[name=device]", "GPU")
    assert all("NVIDIA" in one.inner_text() for one in page.locator(".card .answer:visible").all())


def test_the_first_screen_has_the_question_the_counts_and_six_rules(browser):
    committed = Path(__file__).parents[2] / "results" / "reports"
    page = Reader(browser, committed, viewport={"width": 1400, "height": 900}).open("index.html")
    screen = page.evaluate(
        "[...document.querySelectorAll('h1, .tally, .card')].map(x => x.getBoundingClientRect().bottom)"
    )
    assert len([bottom for bottom in screen if bottom <= 900]) == 2 + 6
    rows = -(-page.locator(".card").count() // 3)
    top = page.evaluate("document.querySelector('.card').getBoundingClientRect().top")
    assert page.evaluate("document.documentElement.scrollHeight") < 250 * rows + top


@pytest.mark.parametrize("width", [1400, 390])
def test_a_card_is_low_and_loses_no_word_of_its_rule(browser, width):
    committed = Path(__file__).parents[2] / "results" / "reports"
    page = Reader(browser, committed, viewport={"width": width, "height": 900}).open("index.html")
    assert max(page.evaluate("[...document.querySelectorAll('.card')].map(x => x.offsetHeight)")) <= 250
    whole = "[...document.querySelectorAll('.card h3, .card .number')].filter(x => x.scrollHeight > x.clientHeight + 1)"
    assert page.evaluate(f"{whole}.map(x => x.innerText)") == []
    cut = "[...document.querySelectorAll('.card')].filter(x => x.scrollHeight > x.clientHeight + 1)"
    assert page.evaluate(f"{cut}.map(x => x.innerText)") == []


def test_a_recipes_page_begins_with_the_answer_and_its_figure(browser, rules):
    page = Reader(browser, rules, viewport={"width": 1400, "height": 900}).open("softmax-into-logits-floor-v1.html")
    box = page.locator("section.verdict").bounding_box()
    assert box["y"] + box["height"] < 900
    assert "contradicted" in page.locator("section.verdict .decision").inner_text()
    assert page.locator("section.verdict img").is_visible()
    first = page.locator(".results > li").first
    assert first.locator(".zero").count() == 1
    assert page.locator(".ruler text").count() > 3


def test_what_is_folded_opens_where_an_address_leads_into_it(browser, rules):
    reader = Reader(browser, rules)
    page = reader.open("overfit-20-examples-v1.html")
    key = page.locator(".group", has=page.locator("> details:not([open])")).first.get_attribute("id")
    assert not page.locator(f"[id='{key}'] pre").is_visible()
    reader.open(f"overfit-20-examples-v1.html#{key}")
    sync_api.expect(page.locator(f"[id='{key}'] pre")).to_be_visible()


def test_a_reason_stands_beside_a_verdict_that_is_open_although_the_interval_lies_inside(browser, rules):
    page = Reader(browser, rules).open("batch-size-ucurve-v1.html")
    rows = page.locator("#claims ~ section .results > li[data-verdict=inconclusive]")
    assert rows.count()
    assert all("not clearly" in row.inner_text() for row in rows.all())


KINDS_OF_ELEMENTS = """() => [...document.querySelectorAll('body *')].map(one =>
    [one, one.parentElement].map(x => x.tagName + ' ' + x.getAttribute('class')).join(' in '))"""


def test_no_page_breaks_a_rule_of_accessibility(browser, rules):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is missing").Axe()
    reader, seen = Reader(browser, rules), set[str]()

    def broken(options: dict[str, list[str]] | None = None) -> list[tuple[str, list[str]]]:
        found = axe.run(reader.page, options=options).response["violations"]
        return [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found]

    figures = {figure_of(rules, slug) for slug in RULES}  # those of other places have the same words and controls
    for path in sorted(rules.glob("*.html")):
        if path.name.startswith("figure-") and path.name not in figures:
            continue
        reader.page.emulate_media(color_scheme="light")
        kinds = set(reader.open(path.name).evaluate(KINDS_OF_ELEMENTS))
        assert broken() == [], path.name
        if kinds - seen:  # in the dark nothing but the colours is different, and those go by the kind of element
            reader.page.emulate_media(color_scheme="dark")
            assert broken({"runOnly": ["color-contrast"]}) == [], (path.name, "in the dark")
        seen |= kinds


def test_the_theme_turns_pages_and_figures(browser, site):
    reader = Reader(browser, site, color_scheme="light")
    page = reader.open("plain-v1.html")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    figure = page.locator("figure img").first
    figure.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    before = figure.screenshot()
    page.click("#theme")
    page.click("#theme")
    assert page.locator("#theme").inner_text() == "Theme: dark"
    assert page.evaluate(background) != light
    figure.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    assert figure.screenshot() != before
    assert reader.open("index.html").locator("#theme").inner_text() == "Theme: dark"


@pytest.mark.parametrize(
    "name", ["index.html", "momentum-ema-v1.html", "comparison.html", "history.html", "gate.html", "glossary.html", "document-cs231n-slides.html",
     "figure"],
)  # fmt: skip
def test_a_telephone_needs_no_sideways_scrolling(browser, rules, name):
    name = figure_of(rules, "momentum-ema") if name == "figure" else name
    page = Reader(browser, rules, viewport={"width": 375, "height": 700}).open(name)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_the_keyboard_reaches_the_content_and_the_filters(browser, site):
    page = Reader(browser, site).open("index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(26):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.name || document.activeElement.tagName"))
    assert {"text", "family", "document", "verdict", "machine", "backend", "device"} <= reached


def test_the_places_page_has_every_rule_in_every_place_and_its_number_there(browser, rules):
    page = Reader(browser, rules).open("comparison.html")
    rows = page.locator(".matrix tbody tr")
    assert rows.count() == len(RULES)
    asked = rows.filter(has=page.locator("a[href='softmax-into-logits-floor-v1.html']"))
    assert asked.locator(".cell").count() == len({*asked.locator(".cell").evaluate_all("x => x.map(y => y.href)")}) > 2
    assert asked.locator(".cell").first.inner_text().strip()
    for row in rows.all():
        assert row.locator("td").count() == page.locator(".matrix thead th").count() - 1
    forest = page.locator("#places-softmax-into-logits-floor")
    forest.locator("summary").click()
    assert forest.locator(".results > li .bar:visible").count() > 2


def test_the_history_page_orders_a_rules_numbers_by_day(browser, rules):
    page = Reader(browser, rules).open("history.html")
    for one in page.locator(".dated").all():
        days = [day.get_attribute("datetime") for day in one.locator("time").all()]
        assert len(days) > 1
        assert days == sorted(days)
    assert page.locator(".dated").count() > 1


def figure_of(rules: Path, slug: str) -> str:
    """The page of the recipe's first figure at quick scale, of six replicates or so."""
    return min(path.name for path in rules.glob(f"figure-{slug}-*-quick-*-1.html"))


def test_a_figure_leads_to_its_page_which_says_values_and_turns_series_off(browser, rules):
    reader = Reader(browser, rules, viewport={"width": 1400, "height": 900})
    page = reader.open("softmax-into-logits-floor-v1.html")
    page.locator("section.verdict figure a").first.click()
    page.wait_for_selector("#live .u-over")
    assert not page.locator("#still").is_visible()
    area = page.locator(".u-over").first
    box = area.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    said = page.locator(".panel").first.locator("output").first
    sync_api.expect(said).to_contain_text(" to ")
    assert float(said.inner_text().split(" ")[0]) > 0
    assert "epoch: " in page.locator(".legend .at").first.inner_text()
    button = page.locator(".legend button").first
    before = area.screenshot()
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "false"
    page.mouse.move(0, 0)
    page.wait_for_timeout(100)
    assert area.screenshot() != before
    assert reader.trouble == []
    assert all(url.startswith((f"file://{rules}/", "data:")) for url in reader.requests)


def test_a_figures_numbers_and_picture_can_be_taken_along(browser, rules, tmp_path):
    reader = Reader(browser, rules, accept_downloads=True)
    page = reader.open(figure_of(rules, "softmax-into-logits-floor"))
    with page.expect_download() as found:
        page.click("#csv")
    found.value.save_as(tmp_path / "numbers.csv")
    rows = (tmp_path / "numbers.csv").read_text().splitlines()
    assert rows[0] == "panel,arm,curve,epoch,middle,low,high"
    assert rows[1].startswith("1,logits,train loss,1,")
    assert len(rows) == 1 + 2 * 3 * 10
    with page.expect_download() as found:
        page.click("#png")
    found.value.save_as(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    page.click("[data-copy=citation]")
    sync_api.expect(page.locator("#said")).to_have_text("Copied.")
    assert "(reprise:softmax-into-logits-floor@1/" in page.locator("#citation").inner_text()


def test_a_figures_page_shows_the_picture_without_scripts_and_on_paper(browser, rules):
    name = figure_of(rules, "softmax-into-logits-floor")
    still = Reader(browser, rules, java_script_enabled=False).open(name).locator("#still")
    assert still.bounding_box()["width"] > 900
    page = Reader(browser, rules).open(name)
    page.emulate_media(media="print")
    assert page.locator("#still").is_visible()
    assert not page.locator("#live").is_visible()


def drawn_texts(browser: Any, folder: Path, name: str, width: int, height: int) -> list[dict[str, Any]]:
    """What a figure's page writes on its canvas, in which size (pixels) and with which alignment."""
    reader = Reader(browser, folder, viewport={"width": width, "height": height}, bypass_csp=True)  # to be waited for
    reader.page.add_init_script(
        "const say = CanvasRenderingContext2D.prototype.fillText; window.texts = [];"
        "CanvasRenderingContext2D.prototype.fillText = function (...given) {"
        " window.texts.push({ text: given[0], size: parseFloat(this.font), align: this.textAlign });"
        " return say.apply(this, given); };"
    )
    page = reader.open(name)
    page.wait_for_function("window.texts.length > 10")
    found: list[dict[str, Any]] = page.evaluate("window.texts")
    return found


def test_a_figures_text_is_a_thirtieth_of_the_screen(browser, rules):
    texts = drawn_texts(browser, rules, figure_of(rules, "batch-size-ucurve"), 1400, 900)
    assert min(one["size"] for one in texts) >= 900 / 30


def test_between_whole_epochs_stands_no_tick(browser, rules):
    texts = drawn_texts(browser, rules, figure_of(rules, "softmax-into-logits-floor"), 4000, 600)
    ticks = {one["text"] for one in texts if one["align"] == "center" and one["text"][0].isdigit()}
    assert ticks == {str(epoch) for epoch in range(1, 11)}


def test_it_reads_without_scripts(browser, rules):
    reader = Reader(browser, rules, java_script_enabled=False)
    page = reader.open("index.html")
    assert page.locator(".card:visible").count() == 4
    assert page.locator(".card .answer:visible").count() == 4
    assert page.locator("#filters:visible").count() == 0


def test_hostile_records_run_nothing(browser, tmp_path, site):
    from click.testing import CliRunner

    from keras_reprise.cli import main

    store = tmp_path / "store"
    shutil.copytree(site.parent / "store", store)
    forge(store, card=poison, record=poison_record, machine=poison)
    assert CliRunner().invoke(main, ["report", "--store", str(store)]).exit_code == 0
    reader = Reader(browser, store / "reports")
    said: list[str] = []

    def hear(dialog: Any) -> None:
        said.append(dialog.message)
        dialog.dismiss()

    reader.page.on("dialog", hear)
    for path in (store / "reports").glob("*.html"):
        page = reader.open(path.name)
        assert page.locator("img[onerror]").count() == 0
        plain = path.name in ("comparison.html", "gate.html", "glossary.html", "history.html")
        assert plain or "<script>alert(1)" in page.locator("main").inner_text()
    assert said == []
    assert reader.trouble == []
    assert all(url.startswith(("file://", "data:")) for url in reader.requests)
