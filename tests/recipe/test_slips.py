"""The usual slips of a recipe's author, each told in a sentence that names what there is."""

import pytest

from keras_reprise.base.errors import RecipeError
from keras_reprise.recipe.loading import load

TWO = 'arms=(Arm("one", "one <b>bold</b>", value=1.0), Arm("two", "two", value=2.0)),'


@pytest.fixture
def edited(tmp_path, plain_recipe):
    """The plain recipe with one piece of its text otherwise."""

    def edit(old: str, new: str):
        text = plain_recipe.read_text()
        assert old in text
        path = tmp_path / "mine.py"
        path.write_text(text.replace(old, new, 1))
        return path

    return edit


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    claims=", "    claim=", "did you mean `claims`\\? Recipe takes slug, version, question, sources, arms"),
        ("above=1.9", "abov=1.9", "did you mean `above`\\? Claim takes id, says, where"),
        (', "value", log=True)', ', lable="value", log=True)', "did you mean `label`\\? Panel takes y, label"),
        ("measure=measure,", "measure=mesure,", "NameError: name 'mesure' is not defined; did you mean `measure`\\?"),
        ("import Arm,", "import Amr, Arm,", "cannot import name 'Amr'.*did you mean `Arm`\\?"),
        ("    measure=measure,\n", "", "missing 1 required positional argument: 'measure'"),
        ("version=1", "version=(1", "mine.py does not import: line 32: SyntaxError: '\\(' was never closed"),
    ],
)
def test_a_name_that_is_not_there_is_told_with_the_one_that_was_meant(edited, old, new, said):
    with pytest.raises(RecipeError, match=f"mine.py does not import: line [0-9]+: .*{said.split('line 32: ')[-1]}"):
        load(edited(old, new))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('Scale("full"', 'Scale("ful"', "plain lacks the scale full.\nEvery recipe has quick and full; this one has quick, ful"),
        ('Scale("quick")', 'Scale("quick", n_trian=9)', "The scale 'quick' has the setting 'n_trian'.*did you mean n_train"),
        ('Scale("quick")', 'Scale("quick", seed=9)', "did you mean seeds"),
        (TWO, 'arms=(Arm("two", value=2.0)),', "arms of plain is one Arm, where several can stand.\nWrite .*comma"),
        ("    measure=measure,", "    measure=measure, suites=('gate'),", "suites of plain is one str.*\nWrite \\('gate',\\)"),
        (TWO, TWO.replace("Arm(\"two\"", "Scale(\"two\""), "arms of plain holds Scale\\('two', .*, which is no Arm"),
        ("    measure=measure,", "    measure=measure(1, 2) if False else 3,", "measure of plain is no function: 3"),
        ("def measure(arm, replicate)", "def measure(arm)", r"measure of plain takes \(arm\), and is called with \(arm, replicate\)"),
        ("def value(arms, scale)", "def value(arms)", r"statistic of the claim 'two-is-two' takes \(arms\).*\(arms, scale\)"),
        ("    measure=measure,", "    measure=measure, summarise=lambda arms: {},", r"summarise of plain takes \(arms\)"),
        ("version=1", "version='1'", "plain has version '1'"),
        ('slug="plain"', "slug=3", "The slug 3 is not lower-case"),
        ('"two-is-two"', '"Two_is"', "The claim 'Two_is' is not lower-case words"),
        ("above=1.9", "above='1.9'", "Claim 'two-is-two' has '1.9' where a number stands"),
        ('printed={"rising": {"one"', 'printed={"rising": {"onne"', "'Rising' asks for the arm `onne`.\n.*there are `one`, `two`"),
        ('("noise",), "value")', '("noise",), "value", arms=("tow",))', "'Noise' asks for the arm `tow`.\n.*`two`, `one`"),
    ],
)  # fmt: skip
def test_what_a_recipe_cannot_be_is_told_before_anything_is_measured(edited, old, new, said):
    with pytest.raises(RecipeError, match=f"(?s)^mine.py: .*{said}"):
        load(edited(old, new))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('metrics["value"]', 'metrics["valu"]', "the arm 'two' has no metric 'valu'; it has value"),
        ('metrics["value"]', 'metrics["rising"]', "the arm 'two' has no metric 'rising'; rising is a curve of it"),
        ('arms["two"]', 'arms["tow"]', "there is no arm 'tow'; there are two, one"),
        ("metrics={", "metric={", "'metric'; did you mean `metrics`? Measurement takes metrics, curves, histograms"),
        ("replicate.seeds", "replicate.seed_s", "has no attribute 'seed_s'; did you mean `seeds`?"),
        ('generator("data"', 'generator("dat"', "There is no random stream 'dat'. There are data, weights"),
        ("arm.value", "arm.valu", "Arm 'one' has no setting 'valu'; it has value"),
    ],
)
def test_a_name_that_is_not_there_when_it_is_asked_for_is_told_with_those_that_are(
    edited, reprise, store_path, old, new, said
):
    result = reprise("run", edited(old, new), "--seeds", 1, "--store", store_path)
    assert said in result.stderr, result.stderr


def test_a_setting_of_a_scale_that_is_like_no_other_is_its_own(edited):
    loaded = load(edited('Scale("quick")', 'Scale("quick", tests=9, trials=3)'))
    assert loaded.recipe.scale("quick").tests == 9
