"""Trouble to order: by request header, scenario file or control call (graph-api.md §14, fault plan)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from meta_pipeline.sandbox.answers import REDUCE, Answer, Ask, Refused, split_fields, too_much
from meta_pipeline.sandbox.tokens import DEAD

_BUC = (
    "There have been too many calls to this ad-account. Wait a bit and try again. For more info, please refer to "
    "https://developers.facebook.com/docs/graph-api/overview/rate-limiting#ads-insights."
)
FATES = ("job_failed", "job_skipped", "job_stuck", "job_late", "33_race")
_HTML = b"<!DOCTYPE html><html><head><title>Error</title></head><body>Sorry, something went wrong.</body></html>"


def _buc_headers(account: str, minutes: int) -> dict[str, str]:
    return {
        "X-Business-Use-Case-Usage": f'{{"{account}":[{{"type":"ads_insights","call_count":100,"total_cputime":20,'
        f'"total_time":20,"estimated_time_to_regain_access":{minutes},"ads_api_access_tier":"standard_access"}}]}}'
    }


def trouble(name: str, ask: Ask) -> Answer | None:
    """The answer of a fault; raises Refused for one that has an envelope. None for what is no answer."""
    if name.startswith("190_"):
        code = int(name[4:])
        raise Refused(DEAD.get(code, "Error validating access token"), 190, subcode=code)
    if name.startswith("100_nonexisting_"):  # a field that this version does not know
        field = name.removeprefix("100_nonexisting_")
        if field not in {one.partition("{")[0] for one in split_fields(ask.params.get("fields", ""))}:
            return None
        raise Refused(f"(#100) Tried accessing nonexisting field ({field}) on node type (AdsPixel)", 100)
    account = re.search(r"act_(\d+)", ask.path)
    match name:
        case "code1_reduce":
            raise Refused(REDUCE, 1, status=500)
        case "100_1487534":
            raise too_much()
        case "17_2446079":
            raise Refused("User request limit reached", 17, subcode=2446079, is_transient=True)
        case "613_1487742":
            raise Refused("(#613) Calls to this api have exceeded the rate limit.", 613, subcode=1487742)
        case "4":
            raise Refused("(#4) Application request limit reached", 4, status=403, is_transient=True)
        case "80000":
            headers = _buc_headers(account[1] if account else "1000000001", 1)
            raise Refused(f"(#80000) {_BUC}", 80000, subcode=2446079, headers=headers)
        case "2_503":
            raise Refused(
                "An unexpected error has occurred. Please retry your request later.", 2, status=503, is_transient=True
            )
        case "200_missing":
            raise Refused(
                "(#200) Ad account owner has NOT grant ads_management or ads_read permission", 200, status=403
            )
        case "dead_metric":
            raise Refused("(#100) The value must be a valid insights metric", 100)
        case "500":
            return Answer({}, 500, raw=b"")
        case "html_502":
            return Answer({}, 502, {"content-type": "text/html; charset=UTF-8"}, raw=_HTML)
        case "empty_200":
            return Answer({"data": []})
        case "empty_page":  # nothing on it, and more to come from the same place
            after = ask.params.get("after", "MAZDZD")
            following = f"{ask.base_url}/{ask.version}/{ask.path}?after={after}"
            return Answer({"data": [], "paging": {"cursors": {"before": after, "after": after}, "next": following}})
        case "success_false":
            return Answer({"success": False})
        case "truncated":
            return Answer({}, raw=b'{"data":[{"impressions":"1')
        case "timeout":
            return Answer({}, 504, {"x-sandbox-hang": "1"}, raw=b"")
    return None


@dataclass
class Fault:
    """One planned fault: which requests it meets (a regular expression over `METHOD path`) and how often."""

    name: str
    path: str = ""
    times: int = 1


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self.planned: list[Fault] = []

    def plan(self, items: list[dict[str, Any]]) -> None:
        """Add faults, from a scenario file or a control call."""
        self.planned += [Fault(str(i["fault"]), str(i.get("path", "")), int(i.get("times", 1))) for i in items]

    def _next(self, ask: Ask, wanted: set[str] | None) -> str | None:
        for fault in self.planned:
            fits = fault.name in wanted if wanted is not None else fault.name not in (*FATES, "batch_null")
            if fits and fault.times and re.search(fault.path, f"{ask.method} {ask.path}"):
                fault.times -= 1
                return fault.name
        return None

    def take(self, ask: Ask) -> Answer | None:
        """The fault that meets this request, if one does."""
        name = ask.headers.get("x-sandbox-fault") or self._next(ask, None)
        return trouble(name, ask) if name else None

    def fate(self, ask: Ask) -> str | None:
        """How a report run that is submitted now will end."""
        header = ask.headers.get("x-sandbox-fault")
        return header if header in FATES else self._next(ask, set(FATES))

    def is_null(self, ask: Ask) -> bool:
        """An operation of a batch that is not answered."""
        return self._next(ask, {"batch_null"}) is not None
