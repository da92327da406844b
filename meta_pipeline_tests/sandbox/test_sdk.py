"""The official SDK works with the sandbox as it does with Meta."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adcreative import AdCreative
from facebook_business.adobjects.adreportrun import AdReportRun
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

from harness.sandbox import Sandbox
from meta_pipeline.extract.ads.activities import FIELDS
from meta_pipeline.extract.ads.catalogue.reports import REPORTS

DAYS = {"since": "2026-11-01", "until": "2026-11-07"}
EVERY_STATUS = [
    "ACTIVE", "ADSET_PAUSED", "ARCHIVED", "CAMPAIGN_PAUSED", "DELETED", "DISAPPROVED", "IN_PROCESS", "PAUSED",
    "PENDING_BILLING_INFO", "PENDING_REVIEW", "PREAPPROVED", "WITH_ISSUES",
]


@pytest.fixture
def api(shared_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[FacebookAdsApi]:
    monkeypatch.setattr(FacebookSession, "GRAPH", shared_sandbox.url)
    app = shared_sandbox.app
    yield FacebookAdsApi.init(
        app["app_id"], app["app_secret"], app["system_user_token"], api_version="v26.0", crash_log=False
    )
    FacebookAdsApi.set_default_api(None)


def test_it_lists_the_accounts(api: FacebookAdsApi) -> None:
    accounts = list(User("me", api=api).get_ad_accounts(fields=["name", "currency", "timezone_name"]))

    assert len(accounts) == 6
    assert {"USD", "EUR", "GBP", "JPY", "NZD", "BRL"} == {account["currency"] for account in accounts}


def test_it_lists_ads_page_by_page_without_deleted_and_archived_ones(api: FacebookAdsApi) -> None:
    ads = list(AdAccount("act_1000000001", api=api).get_ads(fields=["name", "effective_status"], params={"limit": 7}))

    assert len({ad["id"] for ad in ads}) == len(ads) > 20
    assert not {"DELETED", "ARCHIVED"} & {ad["effective_status"] for ad in ads}


def test_synchronous_insights_are_strings_and_add_up(api: FacebookAdsApi) -> None:
    account = AdAccount("act_1000000001", api=api)
    total = list(account.get_insights(fields=["spend", "impressions"], params={"time_range": DAYS, "level": "account"}))
    ads = list(
        account.get_insights(
            fields=["ad_id", "spend", "impressions"],
            params={
                "time_range": DAYS, "level": "ad", "limit": 500,
                "filtering": [{"field": "ad.effective_status", "operator": "IN", "value": EVERY_STATUS}],
            },
        )
    )

    assert isinstance(total[0]["spend"], str)
    assert Decimal(total[0]["spend"]) == sum(Decimal(ad["spend"]) for ad in ads)


def test_a_report_run_ends_and_returns_the_same_rows(api: FacebookAdsApi) -> None:
    account = AdAccount("act_1000000002", api=api)
    params = {"time_range": DAYS, "level": "ad", "time_increment": 1}
    run: AdReportRun = account.get_insights(fields=["ad_id", "spend"], params=params, is_async=True)
    for _ in range(10):
        run = run.api_get()
        if run["async_status"] == "Job Completed" and run["async_percent_completion"] == 100:
            break
    later = list(run.get_insights(params={"limit": 500}))
    at_once = list(account.get_insights(fields=["ad_id", "spend"], params={**params, "limit": 500}))

    assert run["async_status"] == "Job Completed"
    assert [dict(row) for row in at_once] == [dict(row) for row in later]


def test_an_error_has_code_and_subcode(api: FacebookAdsApi) -> None:
    with pytest.raises(FacebookRequestError) as caught:
        AdAccount("act_42", api=api).api_get(fields=["name"])

    assert (caught.value.api_error_code(), caught.value.api_error_subcode()) == (100, 33)


def test_an_unknown_field_is_refused_by_name(api: FacebookAdsApi) -> None:
    with pytest.raises(FacebookRequestError) as caught:
        AdAccount("act_1000000001", api=api).get_insights(fields=["page_impressions"])

    assert "page_impressions is not valid for fields param" in caught.value.api_error_message()


def test_a_batch_answers_in_order(api: FacebookAdsApi) -> None:
    account_ids: list[str] = []
    batch = api.new_batch()
    for account_id in ("act_1000000003", "act_1000000001"):
        AdAccount(account_id, api=api).api_get(
            fields=["account_id"], batch=batch, success=lambda response: account_ids.append(response.json()["account_id"])
        )
    batch.execute()

    assert account_ids == ["1000000003", "1000000001"]


def test_creatives_are_listed_page_by_page_and_read_by_id(api: FacebookAdsApi) -> None:
    fields = [
        "name", "status", "title", "body", "object_type", "thumbnail_url", "image_hash", "image_url", "video_id",
        "object_story_id", "object_story_spec", "effective_object_story_id", "url_tags", "call_to_action_type",
        "instagram_permalink_url", "account_id",
    ]
    creatives = list(AdAccount("act_1000000001", api=api).get_ad_creatives(fields=fields, params={"limit": 25}))
    creative = AdCreative(creatives[30]["id"], api=api).api_get(fields=fields)

    assert len({listed["id"] for listed in creatives}) == 60
    assert dict(creative.export_all_data()) == dict(creatives[30].export_all_data())


def test_several_ranges_are_several_rows(api: FacebookAdsApi) -> None:
    ranges = [DAYS, {"since": "2026-11-03", "until": "2026-11-12"}]
    rows = list(AdAccount("act_1000000001", api=api).get_insights(
        fields=["impressions", "reach"], params={"time_ranges": ranges, "level": "account"}))

    assert [(row["date_start"], row["date_stop"]) for row in rows] == [(r["since"], r["until"]) for r in ranges]


def test_the_impression_device_needs_a_report_run_and_an_account_that_opted_in(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FacebookSession, "GRAPH", sandbox.url)
    app = sandbox.app
    api = FacebookAdsApi.init(app["app_id"], app["app_secret"], app["system_user_token"], api_version="v26.0", crash_log=False)
    account = AdAccount("act_1000000001", api=api)
    params = {"time_range": DAYS, "level": "account", "breakdowns": ["publisher_platform", "impression_device"]}

    def fetch_by_report_run() -> list[dict[str, Any]]:
        run: AdReportRun = account.get_insights(fields=["impressions"], params=params, is_async=True)
        for _ in range(10):
            run = run.api_get()
        assert run["async_status"] == "Job Completed"
        return [dict(row) for row in run.get_insights(params={"limit": 500})]

    assert fetch_by_report_run() == []
    sandbox.control("world", {"opted_in": ["act_1000000001"]})
    rows, whole = fetch_by_report_run(), list(account.get_insights(fields=["impressions"], params={"time_range": DAYS, "level": "account"}))
    assert {"iphone", "desktop"} < {row["impression_device"] for row in rows}
    assert sum(int(row["impressions"]) for row in rows) == int(whole[0]["impressions"])
    assert list(account.get_insights(fields=["impressions"], params=params)) == []
    FacebookAdsApi.set_default_api(None)


def test_the_wider_fields_the_activity_log_and_custom_conversions_are_read(api: FacebookAdsApi) -> None:
    account = AdAccount("act_1000000001", api=api)
    fields = [name for name in REPORTS["ad_insights"].fields if name not in ("date_start", "date_stop")]
    rows = list(account.get_insights(fields=fields, params={"time_range": DAYS, "level": "ad", "limit": 500}))
    activities = list(account.get_activities(fields=list(FIELDS), params={"since": DAYS["since"], "until": DAYS["until"]}))
    conversions = list(account.get_custom_conversions(fields=["name", "rule"]))

    assert {name for row in rows for name in row.export_all_data()} >= set(fields)
    assert {activity["actor_name"] for activity in activities} > {"Meta"}
    assert [conversion["name"] for conversion in conversions] == ["Checkout over 50", "Newsletter sign-up"]
    custom = f"offsite_conversion.custom.{conversions[0]['id']}"
    assert any(action["action_type"] == custom for row in rows for action in row.get("actions", ()))


def test_rates_are_metas_own_to_six_decimals(api: FacebookAdsApi) -> None:
    fields = ["clicks", "impressions", "spend", "reach", "ctr", "cpc", "cpm", "cpp", "frequency"]
    rows = list(AdAccount("act_1000000001", api=api).get_insights(
        fields=fields, params={"time_range": DAYS, "level": "ad", "time_increment": 1, "limit": 500}))

    for row in rows:
        clicks, impressions, spend, reach = (Decimal(row[name]) for name in fields[:4])
        exact = (clicks / impressions * 100, spend / clicks if clicks else None, spend / impressions * 1000,
                 spend / reach * 1000, impressions / reach)
        for name, value in zip(fields[4:], exact, strict=True):
            assert (name in row) == (value is not None)
            assert value is None or row[name] == str(value.quantize(Decimal("0.000001"), "ROUND_HALF_UP"))
