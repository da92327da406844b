"""The first read of many accounts in calls as Meta charges them, compared with a plain script on the official SDK: on
the sandbox, in this process, on a virtual clock.

    python benchmarks/first_read.py [--accounts 20] [--ads 120] [--days 30]

Our flows read `ad_insights`, `account_insights` and every listing, eight accounts at a time, into an empty home. The
script (see `sdk.py`) reads only `ad_insights`: it submits a report run for every account, polls each in turn once a
second, and reads pages of 500. Three servers: report runs complete at once; report runs take 20 to 60 seconds; pages of
more than 100 rows are refused, and the script fails."""

from __future__ import annotations

import argparse

from harness.costs.first_read import MORE_PER_ACCOUNT, SERVERS, ours, script


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=20)
    parser.add_argument("--ads", type=int, default=120)
    parser.add_argument("--days", type=int, default=30)
    options = parser.parse_args()
    size = {"accounts": options.accounts, "ads": options.ads, "days": options.days}
    for title, limits in SERVERS.items():
        reads = {"ours": ours(**size, limits=limits)}
        if "rows_a_page" not in limits:
            reads["script"] = script(**size, limits=limits)
        for name, read in reads.items():
            print(
                f"{title:<30}{name:>8}{read.calls:>7} calls: {read.submitted} submitted, {read.polls} polls, "
                f"{read.pages} pages, {read.others} others; {read.rows} rows, {read.seconds:.0f} s", flush=True,
            )
        if "script" in reads:
            more = (reads["ours"].calls - reads["script"].calls) / options.accounts
            print(f"{'':<30}{more:+.1f} calls per account; at most +{MORE_PER_ACCOUNT} are allowed", flush=True)


if __name__ == "__main__":
    main()
