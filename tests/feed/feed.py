"""What `cargo xtask feed` wrote, and the document that says how to read it."""

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).parents[2] / "docs" / "guides" / "query-datasets.md"
FOLDER = Path(os.environ["FEED"])

# What the rows of each table are sorted by, which is what a manifest's smallest and greatest keys are of.
KEYS = {
    "resource_types": ["resource_type_id"],
    "resources": ["resource_type_id", "resource_id"],
    "users": ["resource_type_id", "user_id"],
    "entitlements": ["entitlement_id"],
    "grants": ["entitlement_id", "principal_type_id", "principal_id"],
    "syncs": ["sync_id"],
    "left_out": ["number"],
}
TABLES = list(KEYS)


@cache
def documented(language: str) -> dict[str, str]:
    """The document's queries in a language by what they are about, with the folders of this run in them."""
    blocks = re.findall(r"```(?:sql|python)\n(?:--|#) (\w+): (.*)\n(.*)\n```", DOCUMENT.read_text("utf-8"))
    queries = {about: query for named, about, query in blocks if named == language}
    return {about: query.replace("/feed/", f"{FOLDER}/") for about, query in queries.items()}


def read_json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def latest(form: str) -> dict[str, Any]:
    """The manifest that the pointer of a dataset leads to."""
    pointer = read_json(FOLDER / form / "latest.json")
    manifest = read_json(FOLDER / form / pointer["manifest"])
    assert manifest["sync"]["id"] == pointer["sync_id"]
    return manifest


def manifests(form: str) -> list[dict[str, Any]]:
    """All of a dataset, oldest first."""
    found = [read_json(path) for path in (FOLDER / form / "_manifests").glob("*.json")]
    return sorted(found, key=lambda manifest: manifest["sync"]["started_at"])


def holders(role: str) -> list[str]:
    """Sorted ids of a role's members, as the tenant was told to have them."""
    roles = read_json(FOLDER / "tenant" / "roles.json")
    return sorted(str(member["id"]) for each in roles if each["name"] == role for member in each["members"])


def holders_before(role: str) -> list[str]:
    """The same, as it was at the first sync."""
    roles = read_json(FOLDER / "before.json")
    return sorted(str(member["id"]) for each in roles if each["name"] == role for member in each["members"])


def unprotected() -> list[str]:
    """Sorted ids of the administrators without a second factor, as the tenant was told to have them."""
    technicians = read_json(FOLDER / "tenant" / "technicians.json")
    return sorted(str(each["id"]) for each in technicians if each["administrator"] and each["mfaConfigured"] is False)
