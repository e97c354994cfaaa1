"""Citations: what is printed, that it can be resolved, and that wrong ones are found."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from forging import add_record, forge, records

from keras_reprise import catalog
from keras_reprise.catalog.documents import documents
from keras_reprise.report.cite.quantities import Quantity
from keras_reprise.report.cite.quoting import differences


def _has_pgf() -> bool:
    finder = shutil.which("kpsewhich")
    return finder is not None and subprocess.run([finder, "pgf.sty"], capture_output=True, check=False).returncode == 0


KEY = "plain/two-is-two"


@pytest.fixture
def clean_store(filled_store):
    """Six replicates of the plain recipe, measured from a clean checkout."""
    forge(
        filled_store,
        record=lambda document: document["code"].update(dirty=False, git_commit="a" * 40, diff_sha256=None),
    )
    return filled_store


@pytest.fixture
def cite(clean_store, reprise):
    def call(*arguments):
        result = reprise("cite", *arguments, "--store", clean_store)
        assert result.exit_code == 0, result.output
        return result.stdout

    return call


@pytest.fixture
def check(clean_store, reprise, tmp_path):
    """Write a document and check it; returns click's result."""

    def call(text, name="text.md", *options):
        (tmp_path / name).write_text(text)
        return reprise("check-citations", tmp_path / name, "--store", clean_store, *options)

    return call


def identifier(text: str) -> str:
    found = re.search(r"reprise:[a-z0-9-]+@\d+/[0-9a-f]{12}(#[a-z0-9/-]+)?", text)
    assert found
    return found[0]


def test_a_sentence_has_the_number_its_interval_n_verdict_and_identifier(cite):
    text = cite(KEY)
    assert re.match(
        r'Two is two: the value of "two" is 2\.0\d+ \(95 % interval \S+ to \S+, n = 6, reproduced; reprise:plain@1/\w{12}#two-is-two\), quick scale',
        text,
    )
    assert "NOT CITABLE" not in text


@pytest.mark.parametrize("what", ["plain", "plain@1", KEY, "plain@1/two-is-two/mean", "plain/arm/two/value"])
@pytest.mark.parametrize("form", ["sentence", "markdown", "bibtex", "biblatex", "csl-json", "cff", "latex"])
def test_every_form_of_everything(cite, what, form):
    text = cite(what, "--format", form)
    assert "reprise:plain@1/" in text
    if form in ("bibtex", "biblatex"):
        assert text.startswith("@dataset{")
        assert text.count("{") == text.count("}")
    if form == "csl-json":
        (item,) = json.loads(text)
        assert (item["type"], item["version"]) == ("dataset", "1")
        assert item["issued"]["date-parts"][0][0] > 2025


def test_csl_json_of_a_title_that_would_steer_a_terminal_is_json_with_that_title(cite, clean_store):
    title = "Two \x9b31m is\u202e two"
    forge(clean_store, card=lambda card: card.update(title=title))
    text = cite("plain", "--format", "csl-json")
    assert all(line.isprintable() for line in text.split("\n"))
    assert title in json.loads(text)[0]["title"]


def test_a_record_is_cited_and_resolved_by_the_start_of_its_id(cite, clean_store, reprise):
    path = records(clean_store)[1]
    text = cite(path.stem.split("-")[1])
    assert "seed 2" in text
    result = reprise("resolve", identifier(text), "--store", clean_store)
    assert result.exit_code == 0
    assert path.name in result.output
    assert re.search(r"reprise run ./plain.py --measurement [0-9a-f]{12} --scale quick --seeds 2,2", result.output)
    assert f"git checkout {'a' * 40}" in result.output


def test_json_says_whether_it_is_citable(cite, clean_store, reprise):
    (facts,) = json.loads(cite(KEY, "--json"))
    assert (facts["citable"], facts["n"], facts["verdict"], len(facts["records"])) == (True, 6, "reproduced", 6)
    forge(clean_store, record=lambda document: document["code"].update(dirty=True))
    result = reprise("cite", KEY, "--store", clean_store)
    assert "NOT CITABLE: 6 of 6 records come from a checkout with uncommitted changes" in result.stdout
    assert "not citable" in result.stderr


def test_a_failed_replicate_makes_it_not_citable(clean_store, reprise, plain_recipe, monkeypatch):
    monkeypatch.setenv("PLAIN_FAILS", "two")
    assert reprise("run", plain_recipe, "--seeds", "7,7", "--store", clean_store).exit_code == 4
    assert "1 of 7 replicates failed" in reprise("cite", "plain", "--store", clean_store).stdout


def test_the_swhid_is_the_git_tree_that_holds_the_records(clean_store, reprise):
    (before,) = json.loads(reprise("cite", "plain", "--store", clean_store, "--json").stdout)
    assert before["swhid"] is None
    git = ["git", "-C", str(clean_store), "-c", "user.name=t", "-c", "user.email=t@t"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], check=True)
    tree = subprocess.run([*git, "rev-parse", "HEAD^{tree}"], capture_output=True, text=True, check=True).stdout.strip()
    (after,) = json.loads(reprise("cite", "plain", "--store", clean_store, "--json").stdout)
    assert after["swhid"] == f"swh:1:dir:{tree}"
    forge(clean_store, record=lambda document: document.update(duration_s=1.0))
    (changed,) = json.loads(reprise("cite", "plain", "--store", clean_store, "--json").stdout)
    assert changed["swhid"] is None


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("nothing", "holds no record of nothing"),
        ("plain@2", "has no record of plain version 2"),
        ("plain/three", "has no claim 'three'"),
        ("plain/two-is-two/median", "asks for 'median'"),
        ("plain/arm/three/value", "Its arms are one, two"),
        ("plain/arm/two/loss", "Its metrics of two are value"),
        ("reprise:plain@1/000000000000", "is not in this store"),
        ("ffffffffffff", "is not in this store"),
        ("../../etc/passwd", "no record of"),
    ],
)
def test_what_is_not_there_is_said(clean_store, reprise, what, words):
    result = reprise("cite", what, "--store", clean_store)
    assert result.exit_code in (2, 3)
    assert words.replace("has no record", "holds no record") in result.output


@pytest.mark.parametrize("form", ["sentence", "markdown"])
def test_what_cite_prints_passes_the_check(cite, check, form):
    result = check(
        "\n\n".join(
            cite(what, "--format", form) for what in (KEY, "plain/two-is-three", "plain", "plain/arm/two/value")
        )
    )
    assert (result.exit_code, "4 citations checked, 0 wrong" in result.output) == (0, True), result.output


@pytest.mark.parametrize(("form", "name"), [("bibtex", "a.bib"), ("cff", "a.cff"), ("csl-json", "a.json")])
def test_a_bibliography_passes_the_check(cite, check, form, name):
    assert check(cite(KEY, "--format", form), name).exit_code == 0
    assert check(cite(KEY, "--format", form).replace("plain@1/", "plain@1/0000"), name).exit_code == 1


@pytest.mark.parametrize(
    "quote",
    [
        "It is 2.0 ({id}).",
        "It is [2.00]({id}).",
        "It is `2.00 <{id}>`_.",
        "It is 200 % ({id}).",
        "It is \\href{{{id}}}{{2.00}}, hence $2.00$ (\\texttt{{{id}}}).",
        "It is \\num{{2.00}} ({id}).",
        "It is $0.20\\times10^{{1}}$ ({id}).",
        "In 2021 they found it; here it is 2 ({id}).",
        "They found 7. On CIFAR-10 it holds, as Table 3 shows ({id}).",
    ],
)
def test_right_numbers_pass_in_every_markup(cite, check, quote):
    name = "text.tex" if "\\" in quote else "text.md"
    result = check(quote.format(id=identifier(cite(KEY))), name)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("quote", "words"),
    [
        ("It is 2.10 ({id}).", "is quoted as 2.10"),
        ("It is 1.9 ({id}).", "is quoted as 1.9"),
        ("It is 201 % ({id}).", "is quoted as 201 %"),
        ("It is 2.0 (95 % interval 1.80 to 2.01, {id}).", "lower end of the 95 % interval is quoted as 1.80"),
        ("It is 2.0 [1.99, 2.50] ({id}).", "upper end of the 95 % interval is quoted as 2.50"),
        ("It is 2.0 (n = 7, {id}).", "n is quoted as 7"),
        ("It is 2.0, contradicted ({id}).", "verdict is quoted as contradicted"),
        ("It is 0.5 ({id}/sd).", "sd is quoted as 0.5"),
    ],
)
def test_wrong_numbers_are_found(cite, check, quote, words):
    result = check(quote.format(id=identifier(cite(KEY))))
    assert result.exit_code == 1
    assert words in result.output
    assert "text.md:1:" in result.output


def test_a_wrongly_rounded_number_is_found(cite, check):
    (facts,) = json.loads(cite(KEY, "--json"))
    right, up = f"{facts['mean']:.3f}", f"{facts['mean'] + 0.001:.3f}"
    assert check(f"It is {right} ({identifier(cite(KEY))}).").exit_code == 0
    assert check(f"It is {up} ({identifier(cite(KEY))}).").exit_code == 1


@pytest.mark.parametrize(
    "bad", ["reprise:plain@1/0123456789ab#two-is-two", "reprise:plain@2/0123456789ab", "reprise:gone@1/0123456789ab"]
)
def test_identifiers_that_do_not_exist_are_found(check, bad):
    result = check(f"It is 2.0 ({bad}).")
    assert result.exit_code == 1
    assert "is not in this store" in result.output


def test_an_edited_record_fails_the_check_whatever_the_index_remembers(cite, check, clean_store):
    import os

    text = cite(KEY)
    assert check(text).exit_code == 0
    path = records(clean_store)[2]
    state = path.stat()
    edited = path.read_bytes().replace(b'"seed": 3', b'"seed": 9')
    path.write_bytes(edited)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    result = check(text)
    assert result.exit_code == 1
    assert "was edited" in result.output or "misplaced" in result.output


def test_a_removed_record_fails_the_check(cite, check, clean_store):
    text = cite(KEY)
    records(clean_store)[2].unlink()
    assert check(text).exit_code == 1


def test_later_records_are_noted_and_a_number_they_change_is_found(cite, check, clean_store, reprise):
    text = cite(KEY)
    document = json.loads(records(clean_store)[5].read_bytes())
    document |= {"replicate": {"seed": 7, "repeat": 0}, "finished_at": "2099-01-01T00:00:00Z"}
    add_record(clean_store, document | {"claims": document["claims"] | {"two-is-two": 2.08}})
    result = check(text)
    assert result.exit_code == 1
    assert "it was so when it was cited" in result.output
    assert check(text, "text.md", "--as-cited").exit_code == 0
    result = check(f"It is 2.0 ({identifier(text)}).")
    assert (result.exit_code, "replicates now; cite reprise:plain@1/" in result.output) == (0, True)
    assert "More replicates have joined since" in reprise("resolve", identifier(text), "--store", clean_store).output


def test_an_identifier_that_a_merge_took_away_is_not_said_to_be_edited_alone(cite, clean_store, reprise):
    cited = identifier(cite("plain"))
    document = json.loads(records(clean_store)[5].read_bytes())
    document |= {"replicate": {"seed": 7, "repeat": 0}, "started_at": "2000-01-01T00:00:00Z"}
    add_record(clean_store, document | {"finished_at": "2000-01-01T00:00:01Z"})
    result = reprise("resolve", cited, "--store", clean_store)
    assert result.exit_code == 2
    assert "or a merge brought records that were finished before its last one" in result.output


@pytest.mark.parametrize("other", [["--format", "bibtex"], ["--format", "sentence"], ["--latex"]], ids=" ".join)
def test_two_ways_to_print_a_citation_are_refused(clean_store, reprise, other):
    result = reprise("cite", KEY, "--json", *other, "--store", clean_store)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"--json and {' '.join(other)} are two ways to print what is cited" in result.output


def test_a_verdict_that_changed_is_found(cite, check, clean_store):
    text = f"The claim holds ({identifier(cite(KEY))})."
    assert check(text).exit_code == 0
    document = json.loads(records(clean_store)[5].read_bytes())
    for seed, value in enumerate((5.0, 0.1, 30.0), start=7):
        document |= {"replicate": {"seed": seed, "repeat": 0}, "finished_at": f"2099-01-01T00:00:0{seed}Z"}
        add_record(clean_store, document | {"claims": document["claims"] | {"two-is-two": value}})
    result = check(text)
    assert result.exit_code == 1
    assert "the verdict was reproduced and is now inconclusive" in result.output


def test_a_file_that_cites_nothing_is_not_a_success(check):
    assert check("Nothing here.").exit_code == 3
    assert check("\udcff".encode("utf-8", "surrogatepass").decode("latin-1")).exit_code == 3


def test_a_file_that_is_missing_or_no_text_is_said(clean_store, reprise, tmp_path):
    (tmp_path / "picture").write_bytes(b"\xff\xfe\x00")
    for name in ("picture", "nowhere.md"):
        assert reprise("check-citations", tmp_path / name, "--store", clean_store).exit_code == 2


ARTICLE = r"""\documentclass{article}
\input{results}
\begin{document}
Two is \reprise{plain/two-is-two}, short \reprise{plain/two-is-two/mean}; three is \reprise{plain/two-is-three/mean}
(\reprise{plain/two-is-three/verdict}). \reprisetable{plain}
\end{document}
"""


@pytest.fixture
def article(clean_store, reprise, tmp_path):
    """An article with its file of macros."""
    folder = tmp_path / "article"
    folder.mkdir()
    (folder / "article.tex").write_text(ARTICLE)
    (folder / "results.tex").write_text(reprise("cite", "--latex", "--store", clean_store).stdout)
    return folder / "article.tex"


def test_numbers_that_are_not_reproduced_carry_a_mark(article):
    macros = (article.parent / "results.tex").read_text()
    assert re.search(r"\{plain/two-is-three/mean\}\{\$2\.0\d+\$\\reprisemark\{contradicted\}\}", macros)
    assert re.search(r"\{plain/two-is-two/mean\}\{\$2\.0\d+\$\}%", macros)


def test_macros_and_their_definitions_are_checked(article, clean_store, reprise):
    result = reprise("check-citations", article, "--store", clean_store)
    assert result.exit_code == 0, result.output
    macros = article.parent / "results.tex"
    macros.write_text(macros.read_text().replace("{plain/two-is-two/mean}{$2", "{plain/two-is-two/mean}{$3"))
    result = reprise("check-citations", article, "--store", clean_store)
    assert (result.exit_code, "results.tex" in result.output, "the store $2" in result.output) == (1, True, True)
    article.write_text(article.read_text().replace("two-is-two}", "two-is-four}"))
    assert "no claim 'two-is-four'" in reprise("check-citations", article, "--store", clean_store).output


def test_macros_of_an_identifier_have_the_group_in_their_keys(cite, clean_store):
    text = cite(identifier(cite("plain")), "--latex")
    (folder,) = {path.parent.name for path in records(clean_store)}
    assert f"\\reprisedefine{{plain@1:quick-{folder}/two-is-two/mean}}" in text
    assert cite("plain/two-is-two", "plain/two-is-three", "--latex").count("reprisedefinetable{plain}") == 1


def test_stale_macros_are_found(article, clean_store, reprise):
    forge(
        clean_store,
        record=lambda document: document["claims"].update({"two-is-two": document["claims"]["two-is-two"] + 0.01}),
    )
    result = reprise("check-citations", article, "--store", clean_store)
    assert result.exit_code == 1
    assert "the file says" in result.output


def test_macros_are_of_the_records_that_their_comments_name_whatever_stands_now(
    article, clean_store, reprise, tmp_path
):
    second = tmp_path / "second"
    shutil.copytree(clean_store, second)

    def newer(card):
        card["version"] = 2
        card["claims"].pop()

    def measured(document):
        document["recipe"]["version"] = 2
        document["claims"] = {"two-is-two": document["claims"]["two-is-two"] + 0.01}

    forge(second, card=newer, record=measured)
    shutil.copytree(second, clean_store, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".cache"))
    result = reprise("check-citations", article, "--store", clean_store)
    assert result.exit_code == 0, result.output
    assert "plain/two-is-two/mean: it would be of reprise:plain@2/" in result.stdout


def test_macros_that_were_right_when_cited_may_be_accepted(article, clean_store, reprise):
    document = json.loads(records(clean_store)[5].read_bytes())
    document |= {"replicate": {"seed": 7, "repeat": 0}, "finished_at": "2099-01-01T00:00:00Z"}
    add_record(clean_store, document | {"claims": document["claims"] | {"two-is-two": 2.08}})
    result = reprise("check-citations", article, "--store", clean_store)
    assert (result.exit_code, "plain/two-is-two/n: the file says $6$" in result.stdout) == (1, True), result.output
    result = reprise("check-citations", article, "--store", clean_store, "--as-cited")
    assert result.exit_code == 0, result.output


def test_a_macro_of_another_number_than_its_comment_names_is_found(article, clean_store, reprise):
    macros = article.parent / "results.tex"
    macros.write_text(macros.read_text().replace("#two-is-two/mean", "#two-is-three/mean"))
    result = reprise("check-citations", article, "--store", clean_store)
    assert result.exit_code == 1
    assert "plain/two-is-two/mean: its records are told to be those of reprise:plain@1/" in result.stdout


def test_an_article_inputs_only_from_its_own_folder(article, clean_store, reprise, tmp_path):
    (tmp_path / "outside.tex").write_text("reprise:gone@1/0123456789ab")
    article.write_text(article.read_text() + "\\input{../outside}\n")
    assert reprise("check-citations", article, "--store", clean_store).exit_code == 0


@pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="no LaTeX on this machine (Debian: texlive-latex-recommended)"
)
@pytest.mark.parametrize("hostile", [False, True], ids=["plain", "hostile"])
def test_an_article_builds_with_the_macros(article, clean_store, reprise, hostile):
    if hostile:
        from hostile import poison

        forge(clean_store, card=poison)
        (article.parent / "results.tex").write_text(reprise("cite", "--latex", "--store", clean_store).stdout)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", article.name],
        cwd=article.parent,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert (article.parent / "article.pdf").stat().st_size > 10_000


@pytest.mark.skipif(not _has_pgf(), reason="no LaTeX with pgf on this machine (Debian: texlive-pictures)")
def test_pgf_figures_for_latex(clean_store, reprise, tmp_path):
    result = reprise(
        "cite", "plain", "--figures", tmp_path / "figures", "--figure-format", "pgf", "--store", clean_store
    )
    assert result.exit_code == 0, result.output
    assert "\\begin{pgfpicture}" in next((tmp_path / "figures").glob("*.pgf")).read_text()


@pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="no LaTeX on this machine (Debian: texlive-latex-recommended)"
)
def test_the_example_article_builds_from_the_project_s_results(tmp_path, reprise, monkeypatch):
    top = Path(__file__).parents[3]
    shutil.copy(top / "examples" / "article" / "article.tex", tmp_path)
    monkeypatch.chdir(tmp_path)
    result = reprise("cite", "--latex", "--figures", "figures", "cifar10-lr-drop", "--store", top / "results")
    assert result.exit_code == 0, result.output
    (tmp_path / "results.tex").write_text(result.stdout)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "article"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert reprise("check-citations", "article.tex", "--store", top / "results").exit_code == 0


def test_figures_for_latex(clean_store, reprise, tmp_path):
    result = reprise("cite", "--latex", "--figures", tmp_path / "figures", "--store", clean_store)
    assert result.exit_code == 0, result.output
    files = sorted((tmp_path / "figures").glob("*.pdf"))
    assert len(files) == 2
    assert all(path.read_bytes().startswith(b"%PDF") for path in files)
    assert (
        f"\\reprisedefinefigure{{plain/1}}{{\\includegraphics[width=\\linewidth]{{{files[0].as_posix()}}}}}"
        in result.stdout
    )


def test_citing_loads_nothing_heavy(cite, clean_store, reprise_process, tmp_path: Path):
    text = cite(KEY)
    (tmp_path / "text.md").write_text(text)
    for arguments in (
        ["cite", "plain"],
        ["check-citations", tmp_path / "text.md"],
        ["resolve", identifier(text)],
        ["compare", "backend:tensorflow", "backend:tensorflow"],
    ):
        done = reprise_process(*arguments, "--store", clean_store, PYTHONPROFILEIMPORTTIME="1")
        assert done.returncode == 0, done.stderr
        loaded = {
            line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")
        }
        assert loaded
        assert not loaded & {"keras", "tensorflow", "pandas", "seaborn", "matplotlib", "sklearn"}


ODD_NAMES = (
    "größe",
    "rate_β_1",
    "学習率",
    "log_above_1e-4",
    "x.y",
    "1st",
    "a+b",
    "p(x|y) %",
    "tab\there",
    "a/b",
    "ends-",
    "",
)


@pytest.fixture
def oddly_named(filled_store):
    """A store from elsewhere, whose records hold metrics of any name."""

    def add(document):
        document["arms"]["one"]["metrics"] |= {name: 0.25 for name in ODD_NAMES}

    forge(filled_store, record=add)
    return filled_store


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_metric_of_any_name_is_carried_everywhere_or_refused(oddly_named, reprise, tmp_path, name):
    carried = name in ODD_NAMES[:7]
    result = reprise("cite", f"plain/arm/one/{name}", "--store", oddly_named)
    assert result.exit_code == (0 if carried else 2), result.output
    if not carried:
        assert "reprise:plain@1" not in result.stdout
        return
    for form in ("sentence", "markdown", "bibtex", "csl-json"):
        text = tmp_path / ("text." + {"bibtex": "bib", "csl-json": "json"}.get(form, "md"))
        text.write_text(reprise("cite", f"plain/arm/one/{name}", "--store", oddly_named, "--format", form).stdout)
        checked = reprise("check-citations", text, "--store", oddly_named)
        assert checked.exit_code == 0, checked.output
    text = tmp_path / "text.md"
    text.write_text(
        f"Es ist 0,25 ({reprise('cite', f'plain/arm/one/{name}', '--store', oddly_named).stdout.split('; ')[1].split(')')[0]}である。"
    )
    assert reprise("check-citations", text, "--store", oddly_named).exit_code == 0
    text.write_text(text.read_text().replace("0,25", "0,26"))
    assert reprise("check-citations", text, "--store", oddly_named).exit_code == 1


def test_macros_are_there_for_every_name_that_can_be_carried_and_the_others_are_named(oddly_named, reprise, tmp_path):
    result = reprise("cite", "--latex", "--store", oddly_named)
    for name in ODD_NAMES[:7]:
        assert f"\\reprisedefine{{plain/arm/one/{name}/mean}}" in result.stdout
    for name in ODD_NAMES[7:]:
        assert f"reprise: left out: plain/arm/one/{name!r}"[:-1].replace("'", "").split("\\")[0] in result.stderr
        assert f"reprisedefine{{plain/arm/one/{name}/mean}}" not in result.stdout
    assert result.stdout.count("% LEFT OUT: ") == len(ODD_NAMES) - 7
    (tmp_path / "results.tex").write_text(result.stdout)
    checked = reprise("check-citations", tmp_path / "results.tex", "--store", oddly_named)
    assert checked.exit_code == 0, checked.output


@pytest.mark.parametrize(
    ("quote", "code"),
    [
        ("Der Wert ist 2,0 ({id}).", 0),
        ("Der Wert ist 2,1 ({id}).", 1),
        ("Der Wert ist $2{{,}}00$ ({id}).", 0),
        ("Der Wert ist 2,00 (95-%-Konfidenzintervall 1,99 bis 2,01; {id}).", 0),
        ("Der Wert ist 2,00 (95-%-Konfidenzintervall 1,80 bis 2,01; {id}).", 1),
        ("La valeur est 2,00 [1,99 ; 2,01] ({id}).", 0),
        ("La valeur est 2,00 [1,99 ; 2,50] ({id}).", 1),
        ("Der Wert ist 200 % oder 200,1 % ({id}).", 0),
        ("Der Wert ist 2,0e0 ({id}).", 0),
        ("It is 1,234 ({id}).", 1),
        ("It is 1,000,000 ({id}).", 1),
        ("Of 10,000 images it is 2.00 ({id}).", 0),
    ],
)
def test_decimal_commas_are_read_as_such(cite, check, quote, code):
    result = check(quote.format(id=identifier(cite(KEY))), "text.tex" if "$" in quote else "text.md")
    assert result.exit_code == code, result.output


def test_a_comma_that_can_mean_both_is_said(cite, check):
    (facts,) = json.loads(cite(KEY, "--json"))
    quoted = f"{facts['mean']:.3f}".replace(".", ",")
    result = check(f"It is {quoted} ({identifier(cite(KEY))}).")
    assert result.exit_code == 0
    assert f"note: {identifier(cite(KEY))}: {quoted} is right if its comma is a decimal one" in result.output


def test_thousands_are_read_with_commas(filled_store, reprise, tmp_path):
    forge(filled_store, record=lambda document: document["arms"]["one"]["metrics"].update(count=12345.0))
    text = tmp_path / "text.md"
    cited = identifier(reprise("cite", "plain/arm/one/count", "--store", filled_store).stdout)
    text.write_text(f"It is 12,345 ({cited}).")
    result = reprise("check-citations", text, "--store", filled_store)
    assert (result.exit_code, "note" in result.output) == (0, False)


def test_a_number_that_is_none_is_cited_as_none(filled_store, reprise, tmp_path):
    forge(filled_store, record=lambda document: document["arms"]["one"]["metrics"].update(none="nan", inf="inf"))
    cited = [reprise("cite", f"plain/arm/one/{name}", "--store", filled_store).stdout for name in ("none", "inf")]
    (tmp_path / "text.md").write_text("".join(cited))
    result = reprise("check-citations", tmp_path / "text.md", "--store", filled_store)
    assert result.exit_code == 0, result.output
    (tmp_path / "text.md").write_text(cited[0].replace(": -", ": 0.5"))
    assert reprise("check-citations", tmp_path / "text.md", "--store", filled_store).exit_code == 1


@pytest.mark.parametrize(
    ("quote", "right"),
    [
        ("lower than it was by 2.1 points ({id})", True),
        ("lower than it was by 2.2 points ({id})", False),
        ("higher than it was by 2.1 points ({id})", False),
        ("lower than it was by 2.1 points (95 % interval 1.5 to 2.7, {id})", True),
        ("lower than it was by 2.1 points (95 % interval -2.7 to -1.5, {id})", False),
        ("changed by -2.1 points (95 % interval -2.7 to -1.5, {id})", True),
        ("the lower loss is -2.1 ({id})", True),
    ],
)
def test_a_difference_may_be_told_by_its_direction(quote, right):
    assert (not list(differences(quote, "", quantity_of(-2.1, -2.7, -1.5, "points")))) == right


@pytest.mark.parametrize(
    ("quote", "unit", "right"),
    [
        ("in 94 % of them (95 % interval 93 % to 95 %, {id})", "share", True),
        ("in 94 % of them (95 % interval 92 % to 95 %, {id})", "share", False),
        ("in 0.94 of them (95 % interval 0.93 to 0.95, {id})", "share", True),
        ("higher than it was by 94 points (95 % interval 93 to 95, {id})", "fraction", True),
        ("higher than it was by 94 points ({id})", "points", False),
        ("it is 0.94 % (95 % interval 0.93 % to 0.95 %, {id})", "percent", True),
        ("it is 94 % ({id})", "percent", False),
    ],
)
def test_shares_may_be_told_in_percent_and_their_differences_in_points(quote, unit, right):
    assert (not list(differences(quote, "", quantity_of(0.94, 0.93, 0.95, unit)))) == right


def quantity_of(mean, low, high, unit):
    return Quantity(None, "c", "", unit, mean, 0.01, low, high, 6, 0)  # type: ignore[arg-type]


RESULTS = Path(__file__).parents[3] / "results"


@pytest.fixture(scope="module")
def of_ours(tmp_path_factory):
    """A store with the records of one recipe of the project."""
    store = tmp_path_factory.mktemp("ours") / "store"
    for folder in ("cards", "machines", "environments"):
        shutil.copytree(RESULTS / folder, store / folder)
    shutil.copytree(RESULTS / "records" / "l1-l2-toy", store / "records" / "l1-l2-toy")
    return store


@pytest.mark.parametrize("form", ["sentence", "markdown", "bibtex", "biblatex", "csl-json", "cff"])
def test_the_documented_source_is_cited_beside_the_results_once(of_ours, reprise, form):
    what = ("l1-l2-toy", "l1-l2-toy/l1-ignores-features")
    text = reprise("cite", *what, "--format", form, "--store", of_ours).stdout
    key = catalog.find("l1-l2-toy").card.sources[0].key
    title = documents()[key].title
    assert title in text
    if form in ("bibtex", "biblatex"):
        assert text.count(f"@misc{{{key},") == 1
        assert text.count(f"related = {{{key}}}") == 2
        assert text.count("{") == text.count("}")
    if form == "csl-json":
        items = json.loads(text)
        assert [item["type"] for item in items] == ["dataset", "dataset", "document"]
    if form == "cff":
        assert text.count("references:") == 1
        assert text.count(f"title: {json.dumps(title, ensure_ascii=False)}") == 1
    if form in ("sentence", "markdown"):
        assert "Documented in " in text


def test_json_has_the_sources_with_their_places(of_ours, reprise):
    (facts,) = json.loads(reprise("cite", "l1-l2-toy", "--json", "--store", of_ours).stdout)
    assert {"key", "where", "title", "author", "url"} == set(facts["sources"][0])


def test_a_recipe_s_sentence_says_the_verdict_of_its_rule_and_counts_its_claims(of_ours, cite, reprise):
    assert re.search(
        r": (reproduced|contradicted|inconclusive) over n = \d+ replicates?",
        reprise("cite", "l1-l2-toy", "--store", of_ours).stdout,
    )
    assert "of 2 claims 1 reproduced and 1 contradicted over n = 6 replicates (reprise:plain@1/" in cite("plain")
