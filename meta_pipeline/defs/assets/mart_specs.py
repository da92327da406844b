"""The assets and checks of dbt's models and tests, as dagster-dbt translates the manifest; stored as JSON beside it.

dagster-dbt imports dbt and sqlglot. This would take 1.5 s of processor time in every process that loads our
definitions, although the result changes only with the project."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
import orjson

from meta_pipeline.defs.assets.keys import OWNERS, SOURCE
from meta_pipeline.node_kinds import INSTAGRAM_ACCOUNT, PAGE

# Folder of the dbt project → source of its models, if that is not ads. Models that combine Pages and ads belong to
# Pages.
SOURCES = {
    "meta_pages": PAGE.source, "pages": PAGE.source, "social": PAGE.source, "instagram": INSTAGRAM_ACCOUNT.source,
    "meta_pipeline": "meta_pipeline", "ops": "meta_pipeline", "shared": "meta_pipeline",
}
UNIQUE_ID = "dagster_dbt/unique_id"
# Objects that dagster-dbt adds for its own selections of assets.
_LIBRARY_METADATA = {"dagster_dbt/manifest", "dagster_dbt/dagster_dbt_translator", "dagster_dbt/project_id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MartSpecs:
    """The assets of the models and seeds, and the checks of the tests."""

    assets: Sequence[dg.AssetSpec]
    checks: Sequence[dg.AssetCheckSpec]


def asset_key_of(node: Mapping[str, Any]) -> dg.AssetKey:
    """Return the asset key of a node of the manifest: a model's is its own name, a source's that of its raw table."""
    if node["resource_type"] == "source":
        return dg.AssetKey([node["source_name"], node["name"]])
    return dg.AssetKey([node["name"]])


def translate(manifest: Mapping[str, Any]) -> str:
    """Return the specs of a manifest as JSON, for `load_specs`."""
    from dagster_dbt import DagsterDbtTranslator, dbt_assets

    class Translator(DagsterDbtTranslator):
        def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
            return asset_key_of(dbt_resource_props)

        def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
            return {"marts": "marts", "fivetran": "compat"}.get(dbt_resource_props["fqn"][1], "staging")

        def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str]:
            return OWNERS

        def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, str]:
            folders = dbt_resource_props["fqn"][1:]
            source = next((SOURCES[folder] for folder in folders if folder in SOURCES), SOURCE)
            return {**super().get_tags(dbt_resource_props), "source": source}

    @dbt_assets(manifest=manifest, dagster_dbt_translator=Translator())
    def translated() -> Iterator[Any]:
        yield from ()

    return json.dumps({
        "assets": [_packed(spec) for spec in translated.specs],
        "checks": [
            {
                "name": spec.name, "asset": spec.asset_key.path, "description": spec.description,
                "blocking": spec.blocking, "deps": [list(dep.asset_key.path) for dep in spec.additional_deps],
                "unique_id": spec.metadata[UNIQUE_ID],
            }
            for spec in translated.check_specs
        ],
    })


def load_specs(packed: bytes) -> MartSpecs:
    """Return the specs that `translate` has packed."""
    read = orjson.loads(packed)
    return MartSpecs(
        assets=[
            dg.AssetSpec(
                spec["key"], deps=[dg.AssetKey(path) for path in spec["deps"]], description=spec["description"],
                group_name=spec["group"], tags=spec["tags"], owners=spec["owners"], code_version=spec["code_version"],
                skippable=True,
                metadata={
                    **spec["metadata"],
                    **({"dagster/column_schema": _schema(spec["columns"])} if spec["columns"] else {}),
                },
            )
            for spec in read["assets"]
        ],
        checks=[
            dg.AssetCheckSpec(
                spec["name"], asset=dg.AssetKey(spec["asset"]), description=spec["description"],
                blocking=spec["blocking"], additional_deps=[dg.AssetKey(path) for path in spec["deps"]],
                metadata={UNIQUE_ID: spec["unique_id"]},
            )
            for spec in read["checks"]
        ],
    )


def _packed(spec: dg.AssetSpec) -> dict[str, Any]:
    metadata = {name: value for name, value in spec.metadata.items() if name not in _LIBRARY_METADATA}
    schema = metadata.pop("dagster/column_schema", None)
    return {
        "key": spec.key.path, "deps": [list(dep.asset_key.path) for dep in spec.deps],
        "description": spec.description, "group": spec.group_name, "tags": dict(spec.tags),
        "owners": list(spec.owners), "code_version": spec.code_version, "metadata": metadata,
        "columns": [[column.name, column.type, column.description] for column in schema.columns] if schema else [],
    }


def _schema(columns: Sequence[Sequence[Any]]) -> dg.TableSchema:
    return dg.TableSchema([dg.TableColumn(name, kind, description=text) for name, kind, text in columns])
