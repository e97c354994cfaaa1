"""Pictures of the report for the documentation: `python tests/support/screenshots.py results/reports docs/screenshots`.

Each is of a first screen, on a desk and on a telephone, in 128 colours so that it stays small.
"""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

RECIPE = "cifar10-lr-drop"
SCREENS = {"desk": (1400, 900), "phone": (390, 844)}
LARGEST = 150_000  # bytes
COLORS = 128


def pages(report: Path) -> dict[str, str]:
    """What is shown, by the name of its picture."""
    return {
        "front": "index.html",
        "document": "document-fleuret-2021.html",
        "recipe": f"{RECIPE}-v1.html",
        "figure": min(path.name for path in report.glob(f"figure-{RECIPE}-v1-full-*-1.html")),
    }


def main(report: Path, folder: Path) -> None:
    """Write the pictures of the `report` to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for screen, (width, height) in SCREENS.items():
            page = browser.new_context(viewport={"width": width, "height": height}, color_scheme="light").new_page()
            for name, file in pages(report).items():
                page.goto(f"file://{(report / file).resolve()}")
                page.wait_for_timeout(500)
                path = folder / f"{name}-{screen}.png"
                few = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(COLORS)
                few.save(path, optimize=True)
                assert path.stat().st_size < LARGEST, f"{path} has {path.stat().st_size} bytes, more than {LARGEST}."
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
