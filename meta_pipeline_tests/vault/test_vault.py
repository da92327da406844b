"""Tokens are stored encrypted, and each is revealed only from its own row."""

from __future__ import annotations

import datetime as dt
import gc
import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_pipeline.records import AccessToken, ConfigError, TokenKind, TokenRef, VaultError
from meta_pipeline.store.connections import access, reveals
from meta_pipeline.store.connections.access import Access
from meta_pipeline.store.engine import open_store
from meta_pipeline.store.schema.connections import tokens
from meta_pipeline.vault.seal import UnsealError, keyring, new_key, seal, unseal
from meta_pipeline.vault.vault import Vault

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    return open_store(f"sqlite:///{tmp_path / 'control.sqlite'}")


def keep(vault: Vault, subject_id: str = "1", value: str = "EAABplain") -> TokenRef:
    return vault.keep(
        AccessToken(kind="user", value=value), subject_id=subject_id, subject_name="Sam", scopes=("ads_read",),
        expires_at=None, data_access_expires_at=None,
    )


def test_a_token_is_revealed_and_never_stored_in_the_clear(engine: sa.Engine, tmp_path: Path) -> None:
    vault = Vault(engine, new_key(), now=lambda: NOW)
    ref = keep(vault)

    assert vault.reveal(ref.id, flow="test").value == "EAABplain"
    assert all(b"EAABplain" not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_a_ciphertext_opens_only_in_its_own_row(engine: sa.Engine) -> None:
    vault = Vault(engine, new_key(), now=lambda: NOW)
    first, second = keep(vault, "1"), keep(vault, "2", "EAABother")
    with engine.begin() as connection:
        text: bytes = connection.execute(sa.select(tokens.c.sealed).where(tokens.c.id == first.id)).scalar_one()
        connection.execute(tokens.update().where(tokens.c.id == second.id).values(sealed=text))

    with pytest.raises(UnsealError):
        vault.reveal(second.id, flow="test")


@pytest.mark.parametrize("spoil", [lambda text: text[:-4], lambda text: text[:20] + (b"B" if text[20:21] == b"A" else b"A") + text[21:], lambda _: b""])
def test_a_damaged_ciphertext_never_opens(engine: sa.Engine, spoil: Callable[[bytes], bytes]) -> None:
    vault = Vault(engine, new_key(), now=lambda: NOW)
    ref = keep(vault)
    with engine.begin() as connection:
        text: bytes = connection.execute(sa.select(tokens.c.sealed)).scalar_one()
        assert spoil(text) != text
        connection.execute(tokens.update().values(sealed=spoil(text)))

    with pytest.raises(UnsealError):
        vault.reveal(ref.id, flow="test")


def test_after_rotation_the_old_key_is_not_needed(engine: sa.Engine) -> None:
    old, new = new_key(), new_key()
    ref = keep(Vault(engine, old, now=lambda: NOW))

    assert Vault(engine, f"{new},{old}", now=lambda: NOW).rotate().count == 1
    assert Vault(engine, new, now=lambda: NOW).reveal(ref.id, flow="test").value == "EAABplain"
    with pytest.raises(UnsealError):
        Vault(engine, old, now=lambda: NOW).reveal(ref.id, flow="test")


def test_the_error_of_a_retired_token_says_what_to_do(engine: sa.Engine) -> None:
    vault = Vault(engine, new_key(), now=lambda: NOW)
    ref = keep(vault)
    vault.retire(ref.id, "password changed")

    with pytest.raises(VaultError, match=r"password changed.*meta-pipeline connect"):
        vault.reveal(ref.id, flow="test")
    assert vault.refs() == []


def files_of(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.rglob("*") if file.is_file())


def ciphertexts(engine: sa.Engine) -> list[bytes]:
    with engine.connect() as connection:
        return list(connection.execute(sa.select(tokens.c.sealed)).scalars())


def test_the_ciphertext_of_a_retired_token_is_gone_from_every_file_of_the_store(engine: sa.Engine, tmp_path: Path) -> None:
    vault = Vault(engine, new_key(), now=lambda: NOW)
    gone, stays = keep(vault), keep(vault, "2", "EAABother")
    (sealed,) = [text for text in ciphertexts(engine) if unseals(vault, text, gone.id)]
    assert sealed in files_of(tmp_path)
    assert vault.retire(gone.id, "password changed")
    vault.erase_retired()

    assert sealed not in files_of(tmp_path) and sealed[:100] not in files_of(tmp_path)
    assert vault.reveal(stays.id, flow="test").value == "EAABother"


def unseals(vault: Vault, text: bytes, ref_id: str) -> bool:
    try:
        return bool(unseal(text, subject=ref_id, keys=vault._keys))
    except UnsealError:
        return False


def test_a_store_of_an_earlier_version_loses_the_ciphertexts_of_retired_tokens(tmp_path: Path) -> None:
    from alembic import command
    from alembic.config import Config

    from meta_pipeline.store.engine import MIGRATIONS

    url = f"sqlite:///{tmp_path / 'control.sqlite'}"
    engine = open_store(url)
    vault = Vault(engine, KEY, now=lambda: NOW)
    retired, used = keep(vault), keep(vault, "2")
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS))
        command.downgrade(config, "0010")
        connection.execute(
            tokens.update().where(tokens.c.id == retired.id).values(retired_at=NOW, retired_because="it expired"))
    engine = open_store(url)

    with engine.connect() as connection:
        sealed = {row.id: row.sealed for row in connection.execute(sa.select(tokens.c.id, tokens.c.sealed))}
    assert sealed[retired.id] == b"" and sealed[used.id] != b""


def test_one_token_without_its_key_does_not_stop_the_rotation(engine: sa.Engine) -> None:
    lost, old, new = new_key(), new_key(), new_key()
    keep(Vault(engine, lost, now=lambda: NOW), "0")
    others = [keep(Vault(engine, old, now=lambda: NOW), str(n), f"EAAB{n}") for n in range(1, 9)]
    done = Vault(engine, f"{new},{old}", now=lambda: NOW).rotate()

    assert done.count == 8
    (named,) = done.unreadable
    assert "user token of Sam" in named
    only_new = Vault(engine, new, now=lambda: NOW)
    assert [only_new.reveal(ref.id, flow="test").value for ref in others] == [f"EAAB{n}" for n in range(1, 9)]


def test_a_retired_token_without_its_key_does_not_affect_the_rotation(engine: sa.Engine) -> None:
    lost, new = new_key(), new_key()
    before = Vault(engine, lost, now=lambda: NOW)
    before.retire(keep(before).id, "it expired")

    assert Vault(engine, new, now=lambda: NOW).rotate().unreadable == ()


def test_an_invalid_key_is_reported_in_a_sentence() -> None:
    with pytest.raises(ConfigError, match="vault new-key"):
        Vault(sa.create_engine("sqlite://"), "not-a-key", now=lambda: NOW)


KEY, OTHER = new_key(), new_key()
SEALED = seal(AccessToken(kind="user", value="EAABplain"), subject="row", keys=keyring(KEY), sealed_at=NOW)


@settings(max_examples=1000)
@given(at=st.integers(0, len(SEALED) - 1), bit=st.integers(0, 7), cut=st.integers(0, len(SEALED) - 1), is_cut=st.booleans())
def test_no_generated_damage_opens_as_another_token(at: int, bit: int, cut: int, is_cut: bool) -> None:
    spoiled = bytearray(SEALED)
    spoiled[at] ^= 1 << bit
    text = SEALED[:cut] if is_cut else bytes(spoiled)

    try:
        opened = unseal(text, subject="row", keys=keyring(KEY))
    except UnsealError:
        return
    # Base64 has unused bits: a changed ciphertext that still opens is the same token of the same row.
    assert opened.value == "EAABplain" and not is_cut
    with pytest.raises(UnsealError):
        unseal(text, subject="another row", keys=keyring(KEY))


def test_the_key_is_never_stored(engine: sa.Engine, tmp_path: Path) -> None:
    vault = Vault(engine, f"{KEY},{OTHER}", now=lambda: NOW)
    keep(vault)
    vault.rotate()
    stored = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())

    for key in (KEY, OTHER):
        assert key.encode() not in stored and key.rstrip("=").encode() not in stored


def test_the_vault_leaves_no_plain_token_in_memory(engine: sa.Engine) -> None:
    vault = Vault(engine, KEY, now=lambda: NOW)
    ref = keep(vault, value="EAAB" + "only here")
    token = vault.reveal(ref.id, flow="test")
    assert token.value == "EAABonly here" and "EAAB" not in repr(token)
    del token
    gc.collect()

    assert not [each for each in gc.get_objects() if isinstance(each, AccessToken) and each.value == "EAABonly here"]
    seen, todo = set(), [vault]
    while todo:  # every object that the vault refers to, directly or not
        each = todo.pop()
        assert not (isinstance(each, str | bytes) and "EAABonly here" in str(each))
        if id(each) not in seen and not isinstance(each, sa.Engine | type):
            seen.add(id(each))
            todo.extend(getattr(each, "__dict__", {}).values())
            todo.extend(each if isinstance(each, list | tuple | set) else each.values() if isinstance(each, dict) else ())


def test_every_reveal_is_recorded_with_its_purpose(engine: sa.Engine) -> None:
    vault = Vault(engine, KEY, now=lambda: NOW)
    ref = keep(vault)
    access.replace(engine, ref.id, [Access(
        node_id="act_1", token_ref=ref.id, through_ref=ref.id, tasks=("ANALYZE",),
    )], now=NOW)
    vault.reveal(ref.id, flow="doctor")
    vault.reveal_for("act_1", flow="land")

    revealed = [(row["token_ref"], row["flow"], row["node_id"]) for row in reveals.find(engine, limit=9)]
    assert revealed == [(ref.id, "land", "act_1"), (ref.id, "doctor", None)]


def test_another_token_with_access_replaces_a_retired_one(engine: sa.Engine) -> None:
    vault = Vault(engine, KEY, now=lambda: NOW)

    def keep_as(kind: TokenKind, value: str, expires_at: dt.datetime | None) -> TokenRef:
        return vault.keep(
            AccessToken(kind=kind, value=value), subject_id=value, subject_name=value.upper(), scopes=("ads_read",),
            expires_at=expires_at, data_access_expires_at=None)

    soon, later = NOW + dt.timedelta(days=5), NOW + dt.timedelta(days=50)
    system, early = keep_as("system_user", "s", None), keep_as("user", "e", soon)
    late, blind = keep_as("user", "l", later), keep_as("user", "b", None)
    for ref, tasks in ((early, ("ANALYZE",)), (late, ()), (system, ("ANALYZE", "MANAGE")), (blind, ("DRAFT",))):
        access.replace(engine, ref.id, [Access(node_id="act_1", token_ref=ref.id, through_ref=ref.id, tasks=tasks)], now=NOW)
    with pytest.raises(VaultError, match="no token reads act_1"):  # none of the tokens that reach it is retired
        vault.reveal_for("act_1", flow="test", without={system.id, early.id, late.id, blind.id})
    order = []
    while True:
        try:
            token = vault.reveal_for("act_1", flow="test")
        except VaultError as error:
            assert "was retired (190/460)" in str(error)
            break
        order.append(token.value)
        assert token.ref and vault.retire(token.ref, "190/460", subcode=460)
        assert not vault.retire(token.ref, "190/460", subcode=460)
    assert order == ["s", "l", "e", "b"]

    access.replace(engine, late.id, [], now=NOW)
    with pytest.raises(VaultError, match="no token reads act_2"):
        vault.reveal_for("act_2", flow="test")


def work(url: str, keys: str, number: int, rounds: int, outcomes: multiprocessing.Queue[str]) -> None:
    """Store and reveal tokens repeatedly, and check that each reveal returns what was stored last."""
    try:
        vault = Vault(open_store(url), keys, now=lambda: NOW)
        for n in range(rounds):
            mine = keep(vault, f"own {number}", f"EAAB{number}:{n}")
            assert vault.reveal(mine.id, flow="test").value == f"EAAB{number}:{n}"
            shared = keep(vault, "shared", f"EAABshared:{number}:{n}")
            assert vault.reveal(shared.id, flow="test").value.startswith("EAABshared:")
            if number == 0 and n % 10 == 0:
                vault.rotate()
        outcomes.put("done")
    except BaseException as error:
        outcomes.put(f"{type(error).__name__}: {error}")


def test_rotation_while_four_processes_read_and_write_loses_nothing(tmp_path: Path) -> None:
    url, old, new, rounds = f"sqlite:///{tmp_path / 'control.sqlite'}", new_key(), new_key(), 60
    before = Vault(open_store(url), old, now=lambda: NOW)
    stays = [keep(before, f"stays {n}", f"EAABstays:{n}") for n in range(20)]
    spawn = multiprocessing.get_context("spawn")
    outcomes = spawn.Queue()
    # Two processes already write with the new key; the two others can read it, and still write with the old one.
    keys = [f"{new},{old}", f"{new},{old}", f"{old},{new}", f"{old},{new}"]
    processes = [spawn.Process(target=work, args=(url, keys[n], n, rounds, outcomes)) for n in range(4)]
    for process in processes:
        process.start()
    assert [outcomes.get(timeout=120) for _ in processes] == ["done"] * 4
    for process in processes:
        process.join(30)
    after = Vault(open_store(url), f"{new},{old}", now=lambda: NOW)
    after.rotate()
    only_new = Vault(open_store(url), new, now=lambda: NOW)

    assert [only_new.reveal(ref.id, flow="test").value for ref in stays] == [f"EAABstays:{n}" for n in range(20)]
    own = {ref.subject_id: only_new.reveal(ref.id, flow="test").value for ref in only_new.refs()}
    assert {own[f"own {n}"] for n in range(4)} == {f"EAAB{n}:{rounds - 1}" for n in range(4)}
    assert own["shared"].endswith(f":{rounds - 1}")
