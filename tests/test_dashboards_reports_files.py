"""Every report in every format, opened again and looked into: layout, tables, charts, hostile text, faults."""

import io
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import docx
import pytest
from lxml import etree, html
from matplotlib import font_manager
from openpyxl import load_workbook
from PIL import Image
from test_dashboards_reports_store import NOW, build

from dashboards.reports import figures, pdf, writers
from dashboards.reports.facts import EVENTS, PERIODS
from dashboards.reports.figures import NoChineseFont, drawable, font, png
from dashboards.reports.pdf import NoPdf
from dashboards.reports.tree import (
    Evidence,
    Figure,
    Heading,
    Note,
    Report,
    Table,
    Title,
    clean,
    evidence_of,
    para,
    say,
)
from dashboards.reports.writers import WRITERS, file_name, write

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
INJECTED = (
    "=1+1", "+1", "-1+1|cmd", "@SUM(A1)", "\t=1", "\r=1", "=HYPERLINK(\"http://x\")", "＝1+1", "  =1", "%0A=1",
    "\x00=1", "\u200b=1", "=cmd|' /C calc'!A0",
)  # fmt: skip
SCRIPTS = (
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</style><script>x</script>", "javascript:alert(1)",
    "{{ 7*7 }}", "{% raw %}", "<!-- -->", "&lt;script&gt;", "' onmouseover='x", "]]>", "</title><svg onload=x>",
)  # fmt: skip


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Report]]:
    here, documents, ledger = build(tmp_path_factory.mktemp("files"))
    made = {name: make(here, documents, ledger, NOW) for name, make in PERIODS.items()}
    made |= {name: make("canteen", here, documents, ledger, NOW) for name, make in EVENTS.items()}
    yield made
    documents.close()
    ledger.close()


def written(report: Report, form: str) -> bytes:
    out = io.BytesIO()
    WRITERS[form](report, out)
    return out.getvalue()


def hostile(texts: tuple[str, ...]) -> Report:
    """A report all of whose strings are hostile."""
    pick = [f"{t}" for t in texts]
    return Report(
        kind="special", subject=pick[0], made_at=NOW, base_url="http://127.0.0.1:8000",
        title=Title(text=pick[0], subtitle=pick[1], office=pick[2], number=pick[3]),
        blocks=(
            Heading(text=pick[4]),
            *(para(say(t, Evidence(what="信息", count=1, ids=(t,), where=t))) for t in pick),
            Table(caption=pick[5], columns=tuple(f"{t}{n}" for n, t in enumerate(pick)), rows=(tuple(pick),)),
            Figure(caption=pick[6], kind="bar", labels=tuple(pick), series=((pick[7], (1.0,) * len(pick)),),
                   marks=((0, pick[8]),)),
            Note(text=pick[9]),
        ),
    )  # fmt: skip


@pytest.mark.parametrize("form", ["html", "docx", "xlsx"])
@pytest.mark.parametrize("kind", [*PERIODS, *EVENTS])
def test_every_report_is_written_and_opens_again(reports: dict[str, Report], kind: str, form: str) -> None:
    report = reports[kind]
    data = written(report, form)
    if form == "html":
        text = html.fromstring(data).text_content()
    elif form == "docx":
        text = "\n".join(p.text for p in docx.Document(io.BytesIO(data)).paragraphs)
    else:
        text = "\n".join(str(row[0].value) for row in load_workbook(io.BytesIO(data))["正文"].iter_rows())
    assert report.title.text in text.replace("”\n", "”"), "a long title turns after the name of the event"
    for _, statement in evidence_of(report):
        assert statement.text in text


def part(data: bytes, name: str) -> etree._Element:
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        return etree.fromstring(book.read(name))


def attributes(data: bytes, path: str, name: str = "word/document.xml") -> dict[str, str]:
    found = part(data, name).find(path.replace("w:", W))
    assert found is not None, path
    return {key.removeprefix(W): value for key, value in found.attrib.items()}


def test_the_page_is_that_of_the_standard(reports: dict[str, Report]) -> None:
    data = written(reports["daily"], "docx")
    size, margins = attributes(data, ".//w:sectPr/w:pgSz"), attributes(data, ".//w:sectPr/w:pgMar")
    millimetres = {key: round(int(value) * 25.4 / 1440) for key, value in (size | margins).items() if value.isdigit()}
    assert {k: millimetres[k] for k in ("w", "h", "top", "bottom", "left", "right")} == {
        "w": 210, "h": 297, "top": 37, "bottom": 35, "left": 28, "right": 26,
    }  # fmt: skip
    grid = attributes(data, ".//w:sectPr/w:docGrid")
    assert grid["type"] == "linesAndChars"
    assert 225 / 25.4 * 1440 // int(grid["linePitch"]) == 22
    assert 156 / 25.4 * 72 // (16 + int(grid["charSpace"]) / 4096) == 28


def test_lines_and_characters_fill_the_page_without_the_grid(reports: dict[str, Report]) -> None:
    styles = part(written(reports["daily"], "docx"), "word/styles.xml")
    normal = styles.find(f".//{W}style[@{W}styleId='Normal']")
    assert normal is not None
    get = {e.tag.removeprefix(W): e.attrib for e in normal.iter() if isinstance(e.tag, str)}
    assert get["rFonts"][f"{W}eastAsia"] == "仿宋_GB2312"
    assert get["sz"][f"{W}val"] == "32"
    spacing = normal.find(f"{W}pPr/{W}spacing")
    tight = normal.find(f"{W}rPr/{W}spacing")
    assert spacing is not None and tight is not None  # noqa: PT018 - one condition for mypy
    assert spacing.get(f"{W}lineRule") == "exact"
    assert 225 / 25.4 * 72 // (int(spacing.get(f"{W}line", "0")) / 20) == 22
    assert 28 <= int(spacing.get(f"{W}line", "0")) / 20 <= 29
    assert 156 / 25.4 * 72 // (16 + int(tight.get(f"{W}val", "0")) / 20) == 28


def test_headings_title_and_page_numbers(reports: dict[str, Report]) -> None:
    data = written(reports["daily"], "docx")
    book = docx.Document(io.BytesIO(data))
    faces = {}
    for level in (1, 2):
        style = book.styles[f"Heading {level}"].element
        fonts = style.find(f".//{W}rFonts")
        faces[level] = fonts.get(f"{W}eastAsia")
        assert style.find(f".//{W}keepNext") is not None
        assert style.find(f".//{W}ind").get(f"{W}firstLineChars") == "200"
    assert faces == {1: "黑体", 2: "楷体_GB2312"}
    heads = [p.text for p in book.paragraphs if p.style is not None and p.style.name == "Heading 1"]
    assert heads[:3] == ["一、总体情况", "二、重点事件", "三、专题与诉求"]
    title = next(p for p in book.paragraphs if p.text == "舆情日报")
    assert title.runs[0].font.size is not None
    assert title.runs[0].font.size.pt == 22
    assert "方正小标宋简体" in etree.tostring(title._p, encoding="unicode")
    section = book.sections[0]
    assert book.settings.odd_and_even_pages_header_footer
    for footer, side in ((section.footer, "right"), (section.even_page_footer, "left")):
        xml = etree.tostring(footer._element, encoding="unicode")
        assert "PAGE" in xml
        assert f'w:jc w:val="{side}"' in xml
        assert xml.count("—") == 2
    alternatives = etree.tostring(part(data, "word/fontTable.xml"), encoding="unicode")
    assert alternatives.count("altName") >= 4


def test_the_red_line_stands_only_above_a_registered_issue(reports: dict[str, Report]) -> None:
    plain = reports["event"]
    issue = replace(plain, title=replace(plain.title, number="〔2026〕第3期"))
    red = 'w:color="CC0000"'
    assert red not in etree.tostring(part(written(plain, "docx"), "word/document.xml"), encoding="unicode")
    assert red in etree.tostring(part(written(issue, "docx"), "word/document.xml"), encoding="unicode")


def test_tables_of_the_docx_repeat_their_head_and_keep_their_rows(reports: dict[str, Report]) -> None:
    document = part(written(reports["ledger"], "docx"), "word/document.xml")
    tables = document.findall(f".//{W}tbl")
    assert len(tables) >= 4
    for table in tables:
        rows = table.findall(f"{W}tr")
        assert rows[0].find(f".//{W}tblHeader") is not None
        assert all(row.find(f".//{W}cantSplit") is not None for row in rows)
        assert all(p.find(f"{W}pPr/{W}keepNext") is not None for p in rows[0].iter(f"{W}p"))


def test_the_xlsx_has_real_tables_and_native_charts(reports: dict[str, Report]) -> None:
    book = load_workbook(io.BytesIO(written(reports["event"], "xlsx")))
    sheets = [s for s in book if s.title != "正文"]
    assert len(sheets) == sum(isinstance(b, Table | Figure) for b in reports["event"].blocks) + 1
    names = [table.displayName for sheet in sheets for table in sheet.tables.values()]
    assert len(set(names)) == len(sheets)
    for sheet in sheets:
        assert sheet.freeze_panes == "A2"
        table = next(iter(sheet.tables.values()))
        assert [c.value for c in sheet[1]][: len(table.tableColumns)] == [c.name for c in table.tableColumns]
    assert sum(len(sheet._charts) for sheet in sheets) == 1
    chart = next(sheet._charts[0] for sheet in sheets if sheet._charts)
    assert len(chart.series) == 2, "one series for each column, not for each row"
    volume = next(s for s in sheets if s.title.endswith("信息来源分布"))
    assert [type(cell.value) for cell in volume[2]][:3] == [str, int, int]


def test_no_cell_of_an_xlsx_starts_a_formula() -> None:
    book = load_workbook(io.BytesIO(written(hostile(INJECTED), "xlsx")))
    for sheet in book:
        for cell in (cell for row in sheet.iter_rows() for cell in row if cell.value is not None):
            assert cell.data_type in ("s", "n")
            if isinstance(cell.value, str):
                assert not re.match(r"[\s\u200b\x00]*[=+\-@＝＋－＠|%\t\r]", cell.value), cell.value


def test_no_text_becomes_markup() -> None:
    data = written(hostile(SCRIPTS), "html")
    page = html.fromstring(data)
    assert not page.xpath("//script | //svg | //iframe | //object | //embed | //link | //base | //form")
    assert not [a for e in page.iter() if isinstance(e.tag, str) for a in e.attrib if a.startswith("on")]
    addresses = page.xpath("//@href | //@src")
    assert addresses
    assert all(a.startswith(("#", "data:image/png;base64,", "http://127.0.0.1:8000/document/")) for a in addresses)
    assert "<script>alert(1)</script>" in page.text_content()
    assert "{{ 7*7 }}" in page.text_content()
    assert b"default-src 'none'" in data


def test_the_page_needs_nothing_else(reports: dict[str, Report]) -> None:
    data = written(reports["daily"], "html").decode()
    assert not re.search(r'(?:src|href)="(?!data:image/png|#|http://127\.0\.0\.1:8000/)', data)
    assert "url(" not in data
    assert "@import" not in data
    assert "size: 210mm 297mm; margin: 37mm 26mm 35mm 28mm" in data


@pytest.mark.parametrize("form", ["html", "docx", "xlsx"])
@pytest.mark.parametrize(
    "texts", [INJECTED, SCRIPTS, ("\ud800坏\x0b\ufffe", "\u202e倒", "😀", "", " ", "a" * 5000) * 3]
)
def test_hostile_text_breaks_no_format(form: str, texts: tuple[str, ...]) -> None:
    assert written(hostile(texts), form)


def test_clean_drops_what_xml_forbids_and_what_turns_text() -> None:
    assert clean("甲\x00\x0b\u202e乙\r\n丙\ud800\u200b丁\t戊") == "甲 乙 丙丁 戊"


def test_a_figure_is_drawn_in_chinese_at_full_width() -> None:
    figure = Figure(caption="图", kind="bar", labels=("甲", "乙"), series=(("负面", (1.0, 2.0)), ("其他", (0.0, 3.0))))
    with Image.open(io.BytesIO(png(figure))) as picture:
        assert picture.size == (round(figures.WIDTH * figures.DPI), round(figures.HEIGHT * figures.DPI))
        assert len(picture.convert("L").getcolors(256) or []) > 10
    empty = Figure(caption="空", kind="line", labels=(), series=(("负面", ()),))
    assert png(empty).startswith(b"\x89PNG")


def test_a_font_that_was_installed_after_the_first_start_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    font.cache_clear()
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
    assert font().get_family()
    font.cache_clear()


def test_what_the_font_lacks_becomes_a_question_mark() -> None:
    assert drawable("食堂\U000f0000", font()) == "食堂?"


def test_without_a_chinese_font_nothing_is_drawn() -> None:
    figure = Figure(caption="图", kind="bar", labels=("甲",), series=(("负面", (1.0,)),))
    with pytest.raises(NoChineseFont, match="没有中文字体"):
        png(figure, ("No Such Family",))


def test_without_a_program_pdf_says_what_is_missing(reports: dict[str, Report]) -> None:
    with pytest.raises(NoPdf, match="请安装 Chromium"):
        pdf.write(reports["monthly"], io.BytesIO(), lambda _: None)


@pytest.mark.parametrize("behaviour", ["exit 3", "exit 0", "not executable"])
def test_a_failing_program_is_named(tmp_path: Path, reports: dict[str, Report], behaviour: str) -> None:
    program = tmp_path / "chromium"
    program.write_text(f"#!/bin/sh\n{behaviour}\n", encoding="utf-8")
    if behaviour != "not executable":
        program.chmod(0o755)
    with pytest.raises(NoPdf, match="chromium"):
        pdf.write(reports["monthly"], io.BytesIO(), lambda name: str(program) if name == "chromium" else None)


@pytest.mark.browser
def test_a_pdf_is_made(tmp_path: Path, reports: dict[str, Report]) -> None:
    if not any(shutil.which(name) for name in (*pdf.BROWSERS, *pdf.OFFICES)):
        pytest.skip("neither Chromium nor LibreOffice is installed")
    path = tmp_path / "日报.pdf"
    write(reports["daily"], path, "pdf")
    assert path.read_bytes().startswith(b"%PDF-")


def test_a_file_is_whole_or_the_old_one(
    tmp_path: Path, reports: dict[str, Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")

    def broken(report: Report, out: io.BytesIO) -> None:
        out.write(b"half")
        raise NoChineseFont("没有字体")

    monkeypatch.setattr(writers, "WRITERS", {"html": broken})
    with pytest.raises(NoChineseFont):
        write(reports["daily"], path, "html")
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    "title", ["../../etc/passwd", "a/b\\c:d*e?", "CON", "." * 9, "", "\x00\x1f", "长" * 300, "x\u202egnp.exe"]
)
def test_file_names_are_safe(title: str) -> None:
    report = Report(kind="special", subject="x", title=Title(text=title), blocks=(), made_at=NOW)
    name = file_name(report, "docx")
    assert not re.search(r'[<>:"/\\|?*\x00-\x1f\u202e]', name)
    assert len(name.encode()) <= 200
    assert name.endswith(".docx")
    assert not name.startswith(".")
    assert name.lower() != "con.docx"
