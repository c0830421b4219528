"""deploy/kubernetes: Kubernetes takes the manifests; they fit each other, the images and the settings, and hold no secret."""

from typing import Any

import kubernetes_validate
import pytest

from agent.worker.metrics import GAUGES
from tests.deploy.container_file import is_ignored, read_stages
from tests.deploy.manifests import (
    FILES,
    FOLDER,
    KUSTOMIZATION,
    MANIFESTS,
    Manifest,
    all_of,
    container,
    named,
    pod,
    size_bytes,
)
from tests.deploy.setting_names import SECRETS, TOKEN_SERVER, WORKER
from tests.test_architecture import ROOT
from token_server.settings import read_settings

VERSIONS = ("1.30", "1.37")
"""The oldest Kubernetes that has all that the manifests use (`sleep` of preStop), and the newest that has schemas here."""
KNOWN = {"worker": WORKER, "token-server": TOKEN_SERVER, "livekit": WORKER & TOKEN_SERVER}
IMAGES = {"worker": ROOT / "Dockerfile", "token-server": ROOT / "deploy" / "token_server.Dockerfile"}
ENDS_IN_S = 30
"""What a worker may need beyond DRAIN_TIMEOUT_S: the calls that still run are ended, each with a word to its room."""
WORKER_ITSELF_BYTES = 500 * 10**6
KILLED_AT = 1.5
"""The share of JOB_MEMORY_MB at which a call's process is killed."""
SOUND_OF_A_CALL_BYTES = 10**6
"""30 s of 16-bit sound at 16 kHz."""

deployments = pytest.mark.parametrize("name", ["worker", "token-server"])


def label(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def settings_of(kind: str, name: str) -> dict[str, str]:
    found: dict[str, str] = named(kind, name)["data" if kind == "ConfigMap" else "stringData"]
    return found


def problem(manifest: Manifest, version: str) -> str:
    """What Kubernetes' schema says against a manifest; empty if nothing."""
    try:
        kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return str(error.message)
    return ""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", [each for each in MANIFESTS if "keda.sh" not in each["apiVersion"]], ids=label)
def test_kubernetes_takes_it(manifest: Manifest, version: str) -> None:
    assert problem(manifest, version) == ""


def test_a_misspelt_field_is_found() -> None:
    wrong = {**named("Service", "workers"), "specs": {}}
    assert "specs" in problem(wrong, VERSIONS[-1])


def test_keda_takes_the_scaling() -> None:
    """KEDA's names by hand (docs/facts.md L330), and the autoscaler that it makes by Kubernetes' schema."""
    spec = named("ScaledObject", "worker")["spec"]
    assert set(spec) == {"scaleTargetRef", "pollingInterval", "minReplicaCount", "maxReplicaCount", "advanced", "triggers"}
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "worker"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", **spec["scaleTargetRef"]},
            "minReplicas": spec["minReplicaCount"],
            "maxReplicas": spec["maxReplicaCount"],
            **spec["advanced"]["horizontalPodAutoscalerConfig"],
        },
    }
    assert problem(scaler, VERSIONS[-1]) == ""
    assert spec["minReplicaCount"] >= 2, "a call needs a second worker that can go on with it"


@pytest.mark.parametrize(
    "trigger", named("ScaledObject", "worker")["spec"]["triggers"], ids=lambda trigger: str(trigger["name"])
)
def test_keda_asks_every_ready_worker_for_a_figure_that_it_has(trigger: dict[str, Any]) -> None:
    """The namespace stands between two dots: KEDA splits the host with its port (docs/facts.md L331)."""
    metadata = trigger["metadata"]
    service = named("Service", "workers")
    host = f"workers.{KUSTOMIZATION['namespace']}.svc:{service['spec']['ports'][0]['port']}"
    assert (trigger["type"], metadata["url"]) == ("metrics-api", f"http://{host}/metrics")
    assert metadata["aggregateFromKubeServiceEndpoints"] == "true"
    figure = metadata["valueLocation"]
    assert (metadata["format"], figure in {form.name for form in GAUGES.values()}) == ("prometheus", True)
    wanted = {"earshot_calls": ("AverageValue", "sum"), "earshot_worker_load_ratio": ("Value", "average")}[figure]
    assert (trigger["metricType"], metadata["aggregationType"]) == wanted
    most = float(settings_of("ConfigMap", "worker")["CALLS_PER_WORKER"]) if figure == "earshot_calls" else 1.0
    assert 0 < float(metadata["targetValue"]) < most, "there are places for calls that come while a worker starts"


@pytest.mark.parametrize("manifest", [*all_of("ConfigMap"), *all_of("Secret")], ids=label)
def test_its_settings_exist(manifest: Manifest) -> None:
    names = set(settings_of(manifest["kind"], manifest["metadata"]["name"]))
    assert names
    assert names <= KNOWN[manifest["metadata"]["name"]]


def test_secrets_are_in_secrets_and_the_example_has_no_values() -> None:
    for manifest in all_of("ConfigMap"):
        assert not set(settings_of("ConfigMap", manifest["metadata"]["name"])) & (SECRETS | {"TOKEN_KEYS", "LIVEKIT_API_KEY"})
    for manifest in all_of("Secret"):
        assert set(settings_of("Secret", manifest["metadata"]["name"]).values()) == {""}
    assert "secrets.example.yaml" not in KUSTOMIZATION["resources"], "it would empty the real ones"
    assert "deploy/kubernetes/secrets.yaml" in (ROOT / ".gitignore").read_text().splitlines()
    assert is_ignored("deploy/kubernetes/secrets.yaml"), "`lk agent create` would upload it"


def test_the_example_is_a_token_server_that_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = {"LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": "s" * 32}
    for variable, value in (settings_of("ConfigMap", "token-server") | pair | {"TOKEN_KEYS": "k" * 16}).items():
        monkeypatch.setenv(variable, value)
    assert read_settings(None).token_mode == "key"


def test_every_file_is_applied() -> None:
    assert set(KUSTOMIZATION["resources"]) == {path.name for path in FILES} - {"secrets.example.yaml"}
    assert all((FOLDER / name).is_file() for name in KUSTOMIZATION["resources"])
    assert {image["name"] for image in KUSTOMIZATION["images"]} == {container(name)["image"] for name in IMAGES}
    assert named("Namespace", KUSTOMIZATION["namespace"])


@deployments
def test_what_it_refers_to_is_there(name: str) -> None:
    for source in container(name)["envFrom"]:
        [(kind, target)] = source.items()
        assert named({"configMapRef": "ConfigMap", "secretRef": "Secret"}[kind], target["name"])
    labels = named("Deployment", name)["spec"]["template"]["metadata"]["labels"]
    selectors = [named("Deployment", name)["spec"]["selector"], named("PodDisruptionBudget", name)["spec"]["selector"]]
    selectors += [
        named("NetworkPolicy", name)["spec"]["podSelector"],
        pod(name)["topologySpreadConstraints"][0]["labelSelector"],
    ]
    assert all(selector["matchLabels"] == labels for selector in selectors)
    service = named("Service", "workers" if name == "worker" else name)
    assert service["spec"]["selector"] == labels
    mounted = {mount["name"] for mount in container(name)["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod(name)["volumes"]}


@deployments
def test_its_port_is_that_of_the_image_and_is_let_in(name: str) -> None:
    [port] = container(name)["ports"]
    assert str(port["containerPort"]) == read_stages(IMAGES[name])[-1].all("EXPOSE")[0].text
    [entrance] = named("NetworkPolicy", name)["spec"]["ingress"]
    assert [each["port"] for each in entrance["ports"]] == [port["containerPort"]]
    probes = [probe["httpGet"] for key, probe in container(name).items() if key.endswith("Probe")]
    assert probes
    assert all(probe["port"] == port["name"] for probe in probes)
    [served] = named("Service", "workers" if name == "worker" else name)["spec"]["ports"]
    assert served["targetPort"] == port["name"]


@deployments
def test_it_runs_without_root_and_writes_only_where_it_must(name: str) -> None:
    user, _, group = read_stages(IMAGES[name])[-1].all("USER")[0].text.partition(":")
    context = pod(name)["securityContext"]
    assert (context["runAsNonRoot"], context["runAsUser"], context["runAsGroup"]) == (True, int(user), int(group))
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod(name)["automountServiceAccountToken"] is False


def test_running_calls_have_their_time_at_a_stop() -> None:
    waits_s = container("worker")["lifecycle"]["preStop"]["sleep"]["seconds"]
    drains_s = float(settings_of("ConfigMap", "worker")["DRAIN_TIMEOUT_S"])
    assert pod("worker")["terminationGracePeriodSeconds"] >= waits_s + drains_s + ENDS_IN_S
    rolling = named("Deployment", "worker")["spec"]["strategy"]["rollingUpdate"]
    assert rolling == {"maxSurge": 1, "maxUnavailable": 0}
    assert named("PodDisruptionBudget", "worker")["spec"]["maxUnavailable"] == 1


def test_calls_reach_their_own_memory_limit_before_the_container_reaches_its_own() -> None:
    """The kernel ends all processes of a container that reaches its limit (docs/facts.md L333)."""
    settings = settings_of("ConfigMap", "worker")
    calls = int(settings["CALLS_PER_WORKER"])
    needed = calls * KILLED_AT * int(settings["JOB_MEMORY_MB"]) * 2**20 + WORKER_ITSELF_BYTES
    assert size_bytes(container("worker")["resources"]["limits"]["memory"]) >= needed
    [shm] = [volume["emptyDir"] for volume in pod("worker")["volumes"] if volume["name"] == "shm"]
    assert shm["medium"] == "Memory"
    assert size_bytes(shm["sizeLimit"]) >= calls * SOUND_OF_A_CALL_BYTES


def test_the_names_are_the_same_everywhere() -> None:
    settings = settings_of("ConfigMap", "token-server")
    [rule] = named("Ingress", "token-server")["spec"]["rules"]
    assert rule["host"] == settings["TOKEN_HOSTS"]
    assert settings["LIVEKIT_URL"] == settings_of("ConfigMap", "worker")["LIVEKIT_URL"]
    port = named("Service", "workers")["spec"]["ports"][0]["port"]
    assert settings["TOKEN_WORKERS_URL"] == f"http://workers:{port}"
