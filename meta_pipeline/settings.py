"""The only reader of the environment: one frozen object, secrets never printed."""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from meta_pipeline.records import ConfigError


class Settings(BaseSettings):
    """Settings named `META_PIPELINE_*`, from the environment or a `.env` in the working directory."""

    model_config = SettingsConfigDict(
        env_prefix="META_PIPELINE_", env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    home: Path = Field(Path(".meta_pipeline"), description="folder for everything local")
    graph_url: str = Field("https://graph.facebook.com", description="base of the Graph API")
    upload_url: str | None = Field(
        None, description="host for resumable uploads; default: Meta's own, or the base of another Graph API"
    )
    dialog_url: str = Field("https://www.facebook.com", description="base of the login dialog")
    app_id: str | None = Field(None, description="the Meta app's id")
    app_secret: SecretStr | None = Field(None, description="the Meta app's secret")
    vault_keys: SecretStr | None = Field(None, description="Fernet keys, newest first, comma separated")
    graph_version: str = Field("v24.0", description="pin of the Graph surfaces")
    marketing_version: str = Field("v26.0", description="pin of the Marketing API")
    publishing_rules: Path | None = Field(
        None, description="TOML file: other limits of publishing than the built-in"
    )
    versions: Path | None = Field(None, description="TOML file: newer facts about Meta's versions than the built-in")
    store_url: SecretStr | None = Field(None, description="control store, SQLAlchemy URL; default SQLite under HOME")
    dagster_postgres_url: SecretStr | None = Field(
        None, description="Dagster's storage on Postgres, SQLAlchemy URL; default SQLite under HOME"
    )
    landing_url: str | None = Field(None, description="folder where Parquet lands; default under HOME")
    hot_days: int = Field(
        35, ge=1, description="age from which landed days are compacted by month, days; younger ones have a file each"
    )
    warehouse: Path | None = Field(None, description="the DuckDB file that the pipeline writes; default under HOME")
    publish_url: str | None = Field(None, description="where readers find the published warehouse")
    tenants: Path | None = Field(None, description="TOML file, the intake: our business, customers, people")
    exchange_rates: Path | None = Field(
        None, description="CSV file date,currency,rate: units of the reporting currency for one unit of a currency"
    )
    reporting_currency: str | None = Field(None, description="currency into which reports convert money, ISO 4217")
    hold_failed_accounts: bool = Field(
        False, description="publish the last good rows of a node while a check of it fails with an error"
    )
    public_url: str = Field("http://localhost:8600", description="where browsers and Meta reach `serve`")
    login_config_id: str | None = Field(None, description="Login for Business configuration; default: classic dialog")
    webhook_verify_token: SecretStr | None = Field(
        None, description="text of the webhooks' handshake: webhooks are received once it is set"
    )
    operator_password: SecretStr | None = Field(None, description="sign-in to `serve`: required once others reach it")
    alert_url: SecretStr | None = Field(None, description="webhook for alerts, JSON in Slack's format")
    smtp_url: SecretStr | None = Field(
        None, description="mail for alerts: smtps://user:password@host:465/?from=…&to=…,…"
    )
    # Meta does not document the URLs of its settings pages.
    business_url: str = Field("https://business.facebook.com", description="base of Meta's business settings")

    longest_wait_s: float = Field(
        30.0, ge=0, description="longest wait for a limit of Meta inside a run, seconds; beyond it the worker is freed"
    )
    # Meta publishes no bound (docs/graph-api.md §15.5); this one limits our memory.
    largest_page: int = Field(5000, ge=25, description="longest page of insights that is tried, rows")
    restatement: str = Field(
        "3:1,7:2,14:4,28:7", description="age:every pairs: how stale a day of that age may be, days"
    )
    snapshot_ages: str = Field(
        "7:1,90:7,730:30", description="age:every pairs: how often posts and media of that age are read again, days"
    )
    reports: Path | None = Field(None, description="TOML file: which reports are switched on, and your own")
    ads_facts: Path | None = Field(None, description="TOML file: newer facts about what Meta accepts in Reels ads")
    metrics: Path | None = Field(None, description="TOML file: new, retired and switched metrics of Pages, Instagram")
    sweep_days: int = Field(
        7, ge=1, description="how long an account's listings may go without being read whole, days"
    )
    lost_grace_days: int = Field(
        7, ge=0, description="how long a node that no token reaches is still tried every day, days"
    )
    thumbnails: bool = Field(True, description="store the thumbnails of creatives with the landed files")
    features: str = Field("", description="what is switched on, comma separated: ads_creation, publishing, …")
    audit_days: int = Field(90, ge=1, description="how long the audit keeps a call, days")
    leads_days: int = Field(90, ge=1, description="how long the answers of leads are kept, days; their count stays")
    conversations_days: int = Field(
        90, ge=1, description="how long the messages of conversations are kept, days; their count stays"
    )
    samples: int = Field(0, ge=0, description="how many requests and answers are kept for debugging, redacted")

    @property
    def root(self) -> Path:
        """Return HOME as an absolute path."""
        return self.home.expanduser().resolve()

    @property
    def store(self) -> str:
        """Return the SQLAlchemy URL of the control store."""
        if self.store_url:
            return self.store_url.get_secret_value()
        self.root.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{self.root / 'control.sqlite'}"

    @property
    def landing_root(self) -> str:
        """Return the location of the landed Parquet files."""
        return _folder(self.landing_url, self.root / "landing", "META_PIPELINE_LANDING_URL")

    @property
    def warehouse_file(self) -> Path:
        """Return the DuckDB file that only the loader and dbt open."""
        return (self.warehouse or self.root / "warehouse.duckdb").resolve()

    @property
    def published_file(self) -> str:
        """Return the location of the DuckDB snapshot that readers open."""
        return f"{_folder(self.publish_url, self.root / 'published', 'META_PIPELINE_PUBLISH_URL')}/warehouse.duckdb"

    @property
    def audit_for(self) -> dt.timedelta:
        """Return how long the audit and the vault's access log keep an entry."""
        return dt.timedelta(days=self.audit_days)

    @property
    def pins(self) -> dict[Literal["graph", "marketing"], str]:
        """Return the pinned version of each surface."""
        return {"graph": self.graph_version, "marketing": self.marketing_version}

    @property
    def switched_on(self) -> frozenset[str]:
        """Return the features that are switched on."""
        return frozenset(name for name in (part.strip() for part in self.features.split(",")) if name)

    @property
    def is_exposed(self) -> bool:
        """Return whether browsers reach `serve` from other machines."""
        return not is_loopback(urlsplit(self.public_url).hostname or "")

    def require(self, name: str) -> str:
        """Return the value of a setting in plain text; raise ConfigError, which names it, if it is not set."""
        value = getattr(self, name)
        if value is None:
            raise ConfigError(
                f"META_PIPELINE_{name.upper()} is not set: put it into the environment or a .env in {Path.cwd()}"
            )
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def is_loopback(host: str) -> bool:
    """Return whether a host name or address means this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def read_settings_file(path: Path, name: str) -> str:
    """Return the text of the file that the setting `name` points to. Raise ConfigError if it can't be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"META_PIPELINE_{name}: {path} can't be read: {error}") from error


def _folder(url: str | None, default: Path, name: str) -> str:
    if url is None:
        return str(default)
    if url.startswith("file://"):
        return str(Path(url.removeprefix("file://")))
    if "://" in url:
        raise ConfigError(f"{name} must be a folder or file:// URL in this version, not {url.split('://')[0]}://")
    return str(Path(url).resolve())
