"""Recorded calls reach the token server: one folder, which the workers write and it reads, and one user for all of them."""

from pathlib import Path

import pytest
import yaml

from tests.deploy.container_file import CONTAINER_FILES, read_stages
from tests.deploy.manifests import FOLDER as KUBERNETES
from tests.deploy.manifests import KUSTOMIZATION, Manifest, merged, named, read_all
from tests.deploy.setting_names import TOKEN_SERVER, WORKER
from tests.deploy.test_compose import COMPOSE, SERVICES, WORKERS
from tests.deploy.test_kubernetes import VERSIONS, problem
from tests.deploy.test_units import TOKEN_UNIT
from tests.deploy.unit_file import WORKER_UNIT, read_unit
from tests.test_architecture import ROOT

FOLDER = "/records"
"""RECORD_DIR of containers."""
COMPONENT = KUBERNETES / "recordings"
PATCHES = [name["path"] for name in yaml.safe_load((COMPONENT / "kustomization.yaml").read_text())["patches"]]


@pytest.mark.parametrize("path", CONTAINER_FILES, ids=lambda path: path.name)
def test_both_images_have_the_folder_for_the_user_of_both(path: Path) -> None:
    """A volume that is empty gets the owner and the mode of the image's folder."""
    last = read_stages(path)[-1]
    owner = last.all("USER")[0].text.split(":")
    [made] = [step.text for step in last.all("RUN") if "install -d" in step.text]
    words = made.partition("install -d")[2].split()
    assert words[:6] == ["-o", owner[0], "-g", owner[1], "-m", "0700"]
    assert FOLDER in words


def test_in_compose_the_workers_write_the_volume_that_the_token_server_reads() -> None:
    for name in (*WORKERS, "token_server"):
        reads_only = ":ro" if name == "token_server" else ""
        assert f"records:{FOLDER}{reads_only}" in SERVICES[name]["volumes"]
        assert SERVICES[name]["environment"]["RECORD_DIR"] == FOLDER
    assert "records" in COMPOSE["volumes"]


def test_with_systemd_the_token_server_is_the_workers_user_and_can_write_nothing() -> None:
    worker, server = read_unit(WORKER_UNIT), read_unit(TOKEN_UNIT)
    assert server["User"] == worker["User"]
    assert server["ProtectSystem"] == ["strict"]
    assert not {"InaccessiblePaths", "TemporaryFileSystem", "StateDirectory", "ReadWritePaths"} & set(server)
    [state] = worker["StateDirectory"]
    for name in ("worker", "token_server"):
        example = (ROOT / "deploy" / "env" / f"{name}.env.example").read_text()
        assert f"# RECORD_DIR=/var/lib/{state}/records\n" in example


def test_the_component_of_kubernetes_is_named_and_changes_what_is_there() -> None:
    assert "components" not in KUSTOMIZATION, "not every cluster has volumes for many nodes"
    assert f"# components:\n#   - {COMPONENT.name}\n" in (KUBERNETES / "kustomization.yaml").read_text()
    assert {path.name for path in COMPONENT.iterdir()} == {"kustomization.yaml", "claim.yaml", *PATCHES}
    for patch in (each for path in PATCHES for each in read_all(COMPONENT / path)):
        assert named(patch["kind"], patch["metadata"]["name"])


def patched(kind: str, name: str) -> Manifest:
    [patch] = [
        each
        for path in PATCHES
        for each in read_all(COMPONENT / path)
        if (each["kind"], each["metadata"]["name"]) == (kind, name)
    ]
    found: Manifest = merged(named(kind, name), patch)
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_the_component(version: str) -> None:
    [claim] = read_all(COMPONENT / "claim.yaml")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for manifest in (claim, *(patched("Deployment", name) for name in ("worker", "token-server"))):
        assert problem(manifest, version) == ""


@pytest.mark.parametrize(("name", "reads_only", "known"), [("worker", False, WORKER), ("token-server", True, TOKEN_SERVER)])
def test_in_kubernetes_the_workers_write_the_volume_that_the_token_server_reads(
    name: str, *, reads_only: bool, known: set[str]
) -> None:
    settings = patched("ConfigMap", name)["data"]
    assert settings["RECORD_DIR"] == FOLDER
    assert set(settings) <= known
    spec = patched("Deployment", name)["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsUser"] == 10001
    [container] = spec["containers"]
    [mount] = [each for each in container["volumeMounts"] if each["mountPath"] == FOLDER]
    assert mount.get("readOnly", False) is reads_only
    [volume] = [each for each in spec["volumes"] if each["name"] == mount["name"]]
    [claim] = read_all(COMPONENT / "claim.yaml")
    assert volume["persistentVolumeClaim"] == {"claimName": claim["metadata"]["name"]}
    assert len(container["volumeMounts"]) == len(spec["volumes"]) > 1, "the others are still there"
    assert "OPERATOR_KEY" in named("Secret", "token-server")["stringData"]
