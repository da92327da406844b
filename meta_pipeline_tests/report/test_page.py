"""The report page is safe with any names from Meta, needs no network, and can be written from any published file."""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path

import duckdb
import pytest

from meta_pipeline.publish.readers.query import QueryError, connected
from meta_pipeline.records import ConfigError
from meta_pipeline.report.page import render
from meta_pipeline.report.picture import preview
from meta_pipeline.report.read import read_document
from meta_pipeline.report.write import write_page, write_report
from meta_pipeline_tests.fakes.published_marts import publish_marts
from meta_pipeline_tests.fakes.report_page import ReportPage

MANY = 200


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    published = publish_marts(tmp_path_factory.mktemp("published") / "warehouse.duckdb")
    return render(read_document(published), title="Report", pictures={"thumbnails/k4-1.png": "data:image/png;base64,AA=="})


def empty(file: Path, *statements: str) -> str:
    """Create a published file with the schema of marts and the tables of these statements."""
    with contextlib.closing(duckdb.connect(str(file))) as connection:
        connection.execute("create schema marts;" + ";".join(statements))
    return str(file)


def test_names_from_meta_are_text_of_bounded_length(html: str) -> None:
    page = ReportPage(html)

    assert not {"script", "b", "iframe", "object", "form", "link"} & page.tags
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html and "&lt;img src=x onerror=alert(1)&gt;" in html
    assert "x" * 100 not in html and "\u202e" not in html and "\\u202e" in html
    assert "متجر الشمال" in html and "<bdi>" in html
    assert max(map(len, page.alts)) < 300


def test_nothing_is_fetched(html: str) -> None:
    page = ReportPage(html)

    assert {address.partition(":")[0] for address in page.addresses if not address.startswith("#")} == {"data"}
    assert "default-src 'none'" in html and "url(" not in html and "@import" not in html
    assert "http" not in html.replace("http-equiv", "")


def test_every_picture_has_an_alternative_text(html: str) -> None:
    alts = ReportPage(html).alts

    assert all(alts) and any("Spend and ROAS by day" in alt and "USD in all" in alt for alt in alts)
    assert any("Thumbnail of <img src=x" in alt for alt in alts)


def test_the_head_says_when_it_was_built_what_it_covers_and_what_is_provisional(html: str) -> None:
    text = " ".join(html.split())

    assert "<dt>Covers until</dt> <dd>Thu 26 Nov 2026</dd>" in text
    assert "<dt>Provisional days</dt> <dd>1</dd>" in text and "26 Nov (<bdi>Northwind US</bdi>)" in text
    assert "<small>provisional</small>" in text and "provisional: the day had not ended" in text


def test_the_time_of_the_build_is_that_of_the_publication(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    publish_marts(file)
    with contextlib.closing(duckdb.connect(str(file))) as connection:
        connection.execute("create table marts.publication as select timestamptz '2026-11-27 06:05:00+01' as built_at, "
                           "'b7' as build_id")
    html = render(read_document(str(file)), title="Report", pictures={})

    assert "2026-11-27 05:05 UTC" in html and "Build b7." in html


def test_accounts_that_are_held_back_or_fail_a_check_are_named_on_top(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    publish_marts(file)
    with contextlib.closing(duckdb.connect(str(file))) as connection:
        connection.execute("""create table marts.account_status as select * from (values
            ('act_1', 'Northwind <b>', 0, true, 'spend differs', timestamptz '2026-11-25 06:00:00+00'),
            ('act_2', 'New', 0, true, null, null), ('act_3', 'Checked', 2, false, null, null), ('act_4', 'Fine', 0, false, null, null)
        ) as rows(node_id, node_name, failed_checks, is_held_back, held_back_reason, last_good_at)""")
    head = " ".join(render(read_document(str(file)), title="Report", pictures={}).split()).partition("<main>")[0]

    assert "Northwind &lt;b&gt;</bdi>: shown as published at 2026-11-25 06:00 UTC, because" in head and "(<bdi>spend differs</bdi>)" in head
    assert "New</bdi>: left out" in head and "Checked</bdi>: 2 checks of its days fail" in head and "Fine" not in head


@pytest.mark.parametrize("statement", ["", "create table marts.facebook_ads__account_report (account_id varchar, date_day date)"])
def test_a_file_without_figures_becomes_a_page_that_says_so(tmp_path: Path, statement: str) -> None:
    published = empty(tmp_path / "warehouse.duckdb", statement)

    assert "Nothing has been read yet" in render(read_document(published), title="Report", pictures={})
    assert preview(published) is None
    with pytest.raises(QueryError, match="no delivery yet"):
        write_report(read_document(published), str(tmp_path / "report.png"), picture_folders=[])


def test_a_missing_file_is_reported_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="nothing is published yet"):
        read_document(str(tmp_path / "warehouse.duckdb"))


def test_one_day_of_an_earlier_release_can_be_rendered(tmp_path: Path) -> None:
    published = empty(tmp_path / "warehouse.duckdb", """create table marts.facebook_ads__ad_report as select
        date '2026-11-26' as date_day, '1' as account_id, 'Shop' as account_name, 'EUR' as currency, 'a' as ad_id,
        2::bigint as impressions, 3.5::decimal(18, 6) as spend""")
    page = ReportPage(render(read_document(published), title="Report", pictures={}))

    assert page.tiles["s1"] == {"Spend, EUR": 3.5, "Impressions": 2}


def test_an_account_of_which_only_ads_were_read_has_their_sums(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    publish_marts(file)
    before = [section.total.totals for section in read_document(str(file)).sections]
    with contextlib.closing(duckdb.connect(str(file))) as connection:
        connection.execute("delete from marts.facebook_ads__account_report where account_id <> '1'")

    assert [section.total.totals for section in read_document(str(file)).sections] == before


def test_a_page_of_many_accounts_stays_small_and_names_each(tmp_path: Path) -> None:
    currencies = ("USD", "EUR", "JPY", "GBP", "BRL", "NZD")
    accounts = [(str(n), f"Account {n}", currencies[n % len(currencies)]) for n in range(MANY)]
    published = publish_marts(tmp_path / "warehouse.duckdb", accounts=accounts)
    target = write_page(read_document(published), str(tmp_path / "report.html"))
    html = Path(target).read_text()

    assert all(f"<bdi>Account {n}</bdi>" in html for n in range(MANY))
    assert len(html) < 5_000_000


def test_a_report_in_one_build_is_not_mixed_with_the_next(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    publish_marts(file)
    with connected(str(file)) as connection:
        publish_marts(tmp_path / "next.duckdb", accounts=[("9", "Other", "GBP")])
        (tmp_path / "next.duckdb").rename(file)
        seen = connection.execute("select distinct currency from marts.facebook_ads__account_report").fetchall()

    assert ("GBP",) not in seen and [section.currency for section in read_document(str(file)).sections] == ["GBP"]


@pytest.mark.parametrize(("since", "until"), [("2026-11-26", "2026-11-25"), ("2024-01-01", "2026-11-26")])
def test_a_period_that_ends_before_it_begins_or_is_too_long_is_refused(tmp_path: Path, since: str, until: str) -> None:
    published = publish_marts(tmp_path / "warehouse.duckdb", accounts=[("1", "Shop", "USD")])

    with pytest.raises(ConfigError, match="1 to 400 days"):
        read_document(published, since=dt.date.fromisoformat(since), until=dt.date.fromisoformat(until))


def test_a_path_that_cannot_be_written_is_reported_in_one_sentence(tmp_path: Path) -> None:
    published = publish_marts(tmp_path / "warehouse.duckdb", accounts=[])
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match=r"can't write .*report\.html"):
        write_report(read_document(published), str(tmp_path / "file" / "report.html"), picture_folders=[])
