"""Reads the Kubernetes manifests of deploy/kubernetes."""

from pathlib import Path
from typing import Any

import yaml

from tests.test_architecture import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
_BYTES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}

Manifest = dict[str, Any]


def read_all(path: Path) -> list[Manifest]:
    """The manifests of one file."""
    return [document for document in yaml.safe_load_all(path.read_text()) if document is not None]


FILES = sorted(path for path in FOLDER.glob("*.yaml") if path.name not in {"kustomization.yaml", "secrets.yaml"})
MANIFESTS = [manifest for path in FILES for manifest in read_all(path)]


def named(kind: str, name: str) -> Manifest:
    """The manifest of a kind and a name. There is one."""
    [found] = [each for each in MANIFESTS if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def all_of(kind: str) -> list[Manifest]:
    return [each for each in MANIFESTS if each["kind"] == kind]


def pod(deployment: str) -> Manifest:
    """The pod's spec of a Deployment."""
    spec: Manifest = named("Deployment", deployment)["spec"]["template"]["spec"]
    return spec


def container(deployment: str) -> Manifest:
    """The one container of a Deployment's pod."""
    [only] = pod(deployment)["containers"]
    found: Manifest = only
    return found


def size_bytes(quantity: str) -> int:
    """A size in Kubernetes' notation, such as `64Mi`."""
    return int(quantity[:-2]) * _BYTES[quantity[-2:]]


def merged(base: Any, patch: Any) -> Any:
    """A manifest with a strategic merge patch: lists of objects are merged by their name, or the path of a mount."""
    if isinstance(base, dict) and isinstance(patch, dict):
        return base | {key: merged(base[key], value) if key in base else value for key, value in patch.items()}
    if isinstance(base, list) and isinstance(patch, list):
        by_key = {each.get("mountPath", each["name"]): each for each in base}
        for each in patch:
            key = each.get("mountPath", each["name"])
            by_key[key] = merged(by_key.get(key, {}), each)
        return [*by_key.values()]
    return patch
