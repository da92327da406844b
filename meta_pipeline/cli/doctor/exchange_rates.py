"""Check of the reporting currency: the operator's exchange rates against the currencies of the linked accounts."""

from __future__ import annotations

from collections.abc import Iterator

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.doctor.check_result import CheckResult, list_first
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.records import ConfigError
from meta_pipeline.store.connections.node_links import list_links

_NAME = "exchange rates"


def check_exchange_rates(runtime: Runtime) -> Iterator[CheckResult]:
    """Yield the result; yield nothing without a reporting currency."""
    try:
        rates = runtime.warehouse.rates.read()
    except ConfigError as error:
        yield CheckResult(_NAME, False, str(error))
        return
    if not rates:
        return
    target = next(rate.reporting_currency for rate in rates)
    covered = {rate.currency for rate in rates}
    missing = sorted({link.currency for link in list_links(runtime.engine) if link.currency} - covered)
    newest = max((rate.day for rate in rates if rate.currency != target), default=None)
    message = f"{counted(len(covered) - 1, 'currency', 'currencies')} into {target}"
    if newest is not None:
        message += f", the newest rate is from {newest}"
    if missing:
        message += f"; no rates for {list_first(missing)}: add them to META_PIPELINE_EXCHANGE_RATES"
    yield CheckResult(_NAME, not missing, message)
