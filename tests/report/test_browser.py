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
        self.page.on("requestfailed", lambda request: self.trouble.append(f"failed: {request.url}"))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def open(self, name: str) -> Any:
        self.page.goto(f"file://{self.folder}/{name}")
        return self.page

    def visible(self) -> list[str]:
        """The claims that the front page shows."""
        return [row.inner_text() for row in self.page.locator(".claims tr[data-text]:visible").all()]


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
    assert len(pages) == 6
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


def test_filters_narrow_the_claims_and_can_be_shared(browser, site):
    reader = Reader(browser, site)
    page = reader.open("index.html")
    assert len(reader.visible()) == 4
    page.select_option("select[name=verdict]", "contradicted")
    assert len(reader.visible()) == 2
    assert page.locator("#count").inner_text() == "2 of 4 claims"
    page.select_option("select[name=document]", "elsewhere")
    assert len(reader.visible()) == 1
    address = page.url
    page.fill("input[name=text]", "nothing like this")
    assert reader.visible() == []
    assert page.locator("#nothing").is_visible()
    page.click("button[type=reset]")
    page.wait_for_function("document.querySelectorAll('.claims tr[data-text]:not([hidden])').length === 4")
    page.goto("about:blank")
    page.goto(address)
    assert len(reader.visible()) == 1
    assert page.locator("select[name=verdict]").input_value() == "contradicted"
    assert reader.trouble == []


def test_a_machine_filter_hides_the_results_of_the_others(browser, site):
    reader = Reader(browser, site)
    page = reader.open("index.html")
    assert page.locator(".results > li:visible").count() == 8
    machine = page.locator("select[name=machine] option").nth(1).get_attribute("value")
    page.select_option("select[name=machine]", machine)
    assert page.locator(".results > li:visible").count() == 4
    assert len(reader.visible()) == 4


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


@pytest.mark.parametrize("name", ["index.html", "plain-v1.html", "comparison.html"])
def test_a_telephone_needs_no_sideways_scrolling(browser, site, name):
    page = Reader(browser, site, viewport={"width": 375, "height": 700}).open(name)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_the_keyboard_reaches_the_content_and_the_filters(browser, site):
    page = Reader(browser, site).open("index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.name || document.activeElement.tagName"))
    assert {"text", "family", "document", "verdict", "machine"} <= reached


def test_it_reads_without_scripts(browser, site):
    reader = Reader(browser, site, java_script_enabled=False)
    page = reader.open("index.html")
    assert page.locator(".claims tr[data-text]:visible").count() == 4
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
        assert "<script>alert(1)" in page.locator("main").inner_text() or path.name == "comparison.html"
    assert said == []
    assert reader.trouble == []
    assert all(url.startswith(("file://", "data:")) for url in reader.requests)
