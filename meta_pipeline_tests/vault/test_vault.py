"""Tokens go in once and come out only where they belong."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from meta_pipeline.records import AccessToken, ConfigError, VaultError
from meta_pipeline.store.engine import open_store
from meta_pipeline.store.schema import tokens
from meta_pipeline.vault.seal import UnsealError, new_key
from meta_pipeline.vault.vault import Vault

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    return open_store(f"sqlite:///{tmp_path / 'control.sqlite'}")


def keep(vault: Vault, subject_id: str = "1", value: str = "EAABplain"):
    return vault.keep(
        AccessToken("user", value), subject_id=subject_id, subject_name="Sam", scopes=("ads_read",), expires_at=None,
        data_access_expires_at=None, now=NOW,
    )


def test_what_was_kept_is_revealed_and_never_stored_in_the_clear(engine: sa.Engine, tmp_path: Path):
    vault = Vault(engine, new_key())
    ref = keep(vault)

    assert vault.reveal(ref.id).value == "EAABplain"
    assert all(b"EAABplain" not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_a_ciphertext_opens_only_in_its_own_row(engine: sa.Engine):
    vault = Vault(engine, new_key())
    one, two = keep(vault, "1"), keep(vault, "2", "EAABother")
    with engine.begin() as connection:
        text = connection.execute(sa.select(tokens.c.sealed).where(tokens.c.id == one.id)).scalar_one()
        connection.execute(tokens.update().where(tokens.c.id == two.id).values(sealed=text))

    with pytest.raises(UnsealError):
        vault.reveal(two.id)


@pytest.mark.parametrize("spoil", [lambda text: text[:-4], lambda text: text[:20] + b"A" + text[21:], lambda _: b""])
def test_a_spoiled_ciphertext_never_opens(engine: sa.Engine, spoil):
    vault = Vault(engine, new_key())
    ref = keep(vault)
    with engine.begin() as connection:
        text = connection.execute(sa.select(tokens.c.sealed)).scalar_one()
        assert spoil(text) != text
        connection.execute(tokens.update().values(sealed=spoil(text)))

    with pytest.raises(UnsealError):
        vault.reveal(ref.id)


def test_after_rotation_the_old_key_is_not_needed(engine: sa.Engine):
    old, new = new_key(), new_key()
    ref = keep(Vault(engine, old))

    assert Vault(engine, f"{new},{old}").rotate() == 1
    assert Vault(engine, new).reveal(ref.id).value == "EAABplain"
    with pytest.raises(UnsealError):
        Vault(engine, old).reveal(ref.id)


def test_a_retired_token_says_what_to_do(engine: sa.Engine):
    vault = Vault(engine, new_key())
    ref = keep(vault)
    vault.retire(ref.id, "password changed", NOW)

    with pytest.raises(VaultError, match=r"password changed.*meta-pipeline connect"):
        vault.reveal(ref.id)
    assert vault.refs() == []


def test_a_wrong_key_is_a_sentence():
    with pytest.raises(ConfigError, match="vault new-key"):
        Vault(sa.create_engine("sqlite://"), "not-a-key")
