"""The migrations make the tables that the code declares, on each kind of database."""

import asyncio
import hashlib
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from deskward.core.connections import sqlite_engine
from deskward.core.database import metadata
from deskward.core.settings import Settings
from deskward.features import SLICES
from deskward.hub.pins import hub_tools
from deskward.migrations import VERSIONS, configuration, upgrade
from deskward.migrations.versions import __name__ as versions

_SUMS = """
84c9fbc268a403e2ff092a3391af6bde1f2c6980ac56948322b4e296cdf2aa73 0001_spine.py
23e45e8f9d9f92703bbe7ab253db0485ac4a889b918aea4f4036aef339572d71 0002_orders_and_complaints.py
d3e48ed61e1e2052c41933387b47d6c4c2ebf35d713460837438eec872f879d5 0003_service.py
68f7cc04a0ccd424a4afd5915e12a366fab9b99263c8561a61d9fbad3d123c33 0004_accountable.py
cf3880533d40a6219361844a3f74342232fd74e56013ad95a800e8c6752e4187 0005_firm_jobs.py
5ea02123a5e6dd31b48bad5c5cd5ad93aeb1d7b7920f0eaf77bee28dd45d79be 0006_hostile_hands.py
26aef586db065fc3b0e0df6d7bbeb7de5d7bee77818a8feafa729883b363d041 0007_events.py
040809ea0c505f59a88b8d4d95b1d6b399691428ea391ba5c1444296e79662ab 0008_people.py
512224795e9167d8762995a412b8e26afb74706b4d1dae6235e2f7c3dc523aed 0009_webhooks.py
c85cc5d50db7b67889ff12e4707678bd65af2d279c1f4718309b4ff4c22a1689 0010_threads.py
71da84bbf311b98780b87e9ec7af79eee460356926d21ea8c887c25477ca807d 0011_articles.py
3731be90e03b375ab8cae3824f0fbe6cd015c60ca92347ab7f21d581147b769e 0012_inbox.py
bd313c8a17d7217e9dd677f367a1c539067eec24bc4d4fc0cd9a7038a78d4eb8 0013_answers_by_mail.py
ec87d513f199755c40f5138bacc72ac6ba60e2c51c8d5f7fc504244a1736ce3c 0014_notices.py
7aed14429cb3bf412fb9d578615f7820101e6f0d7ba5a6919ad460f9ac459903 0015_told.py
1dadd5b2807b16938b56591853fecf2dd83a0f290f5d5b8781f71112c3cf1779 0016_takeover.py
80da1d244f33bc7cc5516c5ea209c0d880a7c5bb5277a158c44347f21c81ac27 0017_names.py
900567c2824c77f4a6a53adeb64552d9deaa6c9801574222b26b483c902e4130 0018_tenants.py
150b95d349e9940009b88982aac8f32cced054a18a2809823e99d4f79602d0d7 0019_payments.py
7aa835e71bf8fff092bf79a4fd19e710de6f891c7c1af9ef6c64704aa111fedb  0020_ticket_words.py
a734f5fb4f4e88882b50c9db3fd900919b60c99f65c1182633124f611c3126ed 0021_documents.py
adf27cceb6415058677fe8bd9d0dd71ba3cfb020d52418f8bab993bd289cb449 0022_mail_boxes.py
4853b2940b57c69b7f8eb98e82de0379b7b6e5358b127cfd7558047fb514672d 0023_words_in_batches.py
6eff1a1ac0cde47ba2d518b5dfb059c8a9bdd886ce369d799cf61e9fe1aa8f74  0024_handovers.py
c5af11de9503b7c8fda9ac1118601b3fa26e71eb865a25dcca7c828b3fa50f26 0025_search.py
30c70f666ab5bd76eb7fbdf5bf6f3e22a523e15d5ba7c907ce3d02b0036e86d6  0026_handover_notes.py
3e24cc24782e32a2bdf792496770c01908788d06a2288908229a256c7fe5b269  0027_ticket_sources.py
6edd187351c35084695605608973dafd022f00501ad71038214f61c5a7f6229a  0028_bulk_changes.py
54734b456bbe5cb386c061a37f0b7a00fe630770513ea02ce857790cba8b7e83  0029_ticket_views.py
421f444e212141dd3973b4432ca81a8b939f17dc776fdc51653368b16fe85062  0030_knowledge_outcomes.py
c85789fd370eddaea85b1b4d058e4b39f06b1fd3836cbf5cc5b6bba3bcb795f7  0031_article_sources.py
e568269e31c6ecdee143d1f0cab91236cc92193da95d6962c04c465dfc752798  0032_one_search.py
7bd033da6aac079d752c083d751aedcc74e21ae6ee7e47d0e5851ea512a35ba9  0033_diagnoses.py
2c72179d687fb13b9557fda8cd7bceef8ca227cac1453c08b7c89985f3baa1f3  0034_service_levels.py
2bb9793fad7c876fafe2415274281783cd1002c78fe6b7cb1cc10429a531d526  0035_test_runs.py
fcfca3d506588629128a5ec2461394cbe00c89ee1509a85c2370d44426df1867  0036_search_by_tenant.py
5228ca24f2615be7bddbe32df1a5cf41a819fdcd1828a6a6281f8b754a00e276  0037_customer_products.py
76b4a5c6e7b6354fcabcf56c509bda6fcf8a2506846c327e93e819cf4a7790ff  0038_queues.py
115fccffd48103164065e167fa02c444eb3d759e8765e466ee313ac0eafc5e53  0039_environment_facts.py
8cd33a634ff7cc11958e009635a1a59e50d8fc3c7fe84921fcec7ccba4ffb271  0040_incidents.py
45704f37a88e82c7897ef0e03ecf5941d7326eeb120ac00753376cde1a5a32ca  0042_collectors.py
fc00094e3698b2c5e46f4e163ef3854fd300ea52c89ae073d2e354929bbf9a3e 0043_autonomy.py
0e2249813f1838bba2eaa9cf8943f97fb4dd3e17ecd10679516b55890c4c580e 0044_order.py
23784e760b2ee6c7980906bbe40fed68138bcbc63734f35af5c24335f3f44a94 0045_incident_news.py
ba770be7b5c2bfb0f1d0e612abe88a97d24e6f8c766f0cb9f078ed61805065a1 0046_partial_indexes.py
34f3512a301bc8a3eafff335e951a15359eb8da828426765830595fc699ff8b0 0047_accepted_tools.py
a993a169ce4036ca463032bb6702a82f4184b6902c84d005309306ee6dd7e293 0048_registered_queries.py
85ae1cf4b646452006ecd82b7e89c74a051df03698b8e21336da39f2e0253561  0049_interactions.py
d3f2a66702f207b6ba4bc9014dcd599f0e1067d757ebcee849b37ca402b00cce  0050_reconciling.py
704ac32e12cbaae821e4e61fa3f95442e2cac5b2fa128054fa7afbb4f9099a36  0051_topic_messages.py
"""  # as `sha256sum` writes them
RELEASED = {name: digest for digest, name in map(str.split, _SUMS.strip().splitlines())}
"""Migrations that databases were made with → their SHA-256."""
OURS = {
    "search",
    "ix_ticket_words_search",
    "ix_tickets_marks",
    "ix_tickets_all",
}
LATE = (hub_tools,)
"""Tables whose modules the desk imports only where they are used."""


def differences(connection: sa.Connection) -> list[object]:
    def include(_object: object, name: str | None, *_: object) -> bool:
        return not (name or "").startswith("ticket_words_fts") and name not in OURS

    options = {"include_object": include, "compare_type": True}
    return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


async def test_the_database_is_what_the_code_declares(settings: Settings) -> None:
    await upgrade(settings.database_location)
    if settings.database_location.get_backend_name() == "sqlite":
        engine = sqlite_engine(settings.database_location)
        with engine.connect() as connection:
            assert differences(connection) == []
        engine.dispose()
    else:
        remote = create_async_engine(settings.database_location)
        async with remote.connect() as connection:
            assert await connection.run_sync(differences) == []
        await remote.dispose()


async def test_processes_that_start_together_migrate_once(tmp_path: Path) -> None:
    url = sa.make_url(f"sqlite:///{tmp_path}/new/desk.db")
    await asyncio.gather(*(asyncio.to_thread(lambda: asyncio.run(upgrade(url))) for _ in range(4)))
    engine = sqlite_engine(url)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM alembic_version")).scalar() == 1
    engine.dispose()


def test_later_revisions_can_be_taken_back(tmp_path: Path) -> None:
    engine = sqlite_engine(sa.make_url(f"sqlite:///{tmp_path}/desk.db"))
    with engine.connect() as connection:
        command.upgrade(configuration(connection), "head")
        command.downgrade(configuration(connection), "0001")
        assert "orders" not in sa.inspect(connection).get_table_names()
        command.upgrade(configuration(connection), "head")
        assert differences(connection) == []
    engine.dispose()


def test_what_a_mail_server_refused_becomes_data(tmp_path: Path) -> None:
    engine = sqlite_engine(sa.make_url(f"sqlite:///{tmp_path}/desk.db"))
    old = {
        "sent": "gone@example.com: 550 no; left@example.com: 551 moved",
        "failed": "The server took no recipient: gone@example.com: 550 no",
    }
    with engine.connect() as connection:
        command.upgrade(configuration(connection), "0004")
        for status, detail in old.items():
            values = {"status": status, "detail": detail}
            connection.execute(
                sa.text(
                    "INSERT INTO emails VALUES ('default', :status, 'staff:anna', '{}', 's', 't', "
                    "NULL, '[]', :status, :detail, '2026-01-01', '2026-01-01')"
                ),
                values,
            )
        command.upgrade(configuration(connection), "head")
        emails = metadata.tables["emails"]
        columns = (emails.c.status, emails.c.detail, emails.c.refused)
        rows = connection.execute(sa.select(*columns).order_by(emails.c.status.desc())).all()
    engine.dispose()
    refused = {"gone@example.com": "550 no", "left@example.com": "551 moved"}
    assert [tuple(row) for row in rows] == [
        ("sent", None, refused),
        ("failed", old["failed"], None),
    ]


def test_there_is_no_way_back_from_the_first_revision() -> None:
    import importlib

    with pytest.raises(RuntimeError, match="drop the database"):
        importlib.import_module(f"{versions}.0001_spine").downgrade()


SPINE = {
    "api_keys", "approvals", "autonomy_levels", "confirmations", "counters", "desk_secret",
    "effects", "events", "hub_tools", "jobs", "ledger", "ledger_heads", "listeners", "members",
    "messages", "policy_changes", "policy_versions", "provenance", "session_news", "sessions",
    "subject_keys", "tenants", "turns",
}  # fmt: skip


def test_every_table_is_declared_by_one_slice_or_is_the_spines() -> None:
    declared = [table.name for part in SLICES for table in part.tables]
    assert len(declared) == len(set(declared))
    assert set(declared) | SPINE == set(metadata.tables)
    assert SPINE.isdisjoint(declared)


@pytest.mark.parametrize("name", RELEASED)
def test_a_released_migration_is_never_edited(name: str) -> None:
    """Databases out there were made by it: what is to change is a new revision's work."""
    file = VERSIONS / name
    assert hashlib.sha256(file.read_bytes()).hexdigest() == RELEASED[name]


def test_every_migration_but_the_newest_is_released() -> None:
    """Whoever adds one puts the hash of the one before into the list."""
    assert sorted(file.name for file in VERSIONS.glob("0*.py"))[: len(RELEASED)] == list(RELEASED)
    assert len(list(VERSIONS.glob("0*.py"))) - len(RELEASED) <= 1
