from __future__ import annotations

import pytest

from cloud_service.http.routes import find


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/v2", ("ServerMetadata", "", "")),
        ("/v2/", ("ServerMetadata", "", "")),
        ("/v2/health/live", ("ServerLive", "", "")),
        ("/v2/health/ready", ("ServerReady", "", "")),
        ("/v2/models/m", ("ModelMetadata", "m", "")),
        ("/v2/models/m/versions/3", ("ModelMetadata", "m", "3")),
        ("/v2/models/m/ready", ("ModelReady", "m", "")),
        ("/v2/models/m/versions/3/ready", ("ModelReady", "m", "3")),
        ("/v2/models/m/infer", ("ModelInfer", "m", "")),
        ("/v2/models/m/versions/3/infer", ("ModelInfer", "m", "3")),
        ("/v2/models/a%2Fb/infer", ("ModelInfer", "a/b", "")),
        ("/v2/models/m/config", ("ModelConfig", "m", "")),
        ("/v2/models/m/versions/3/config", ("ModelConfig", "m", "3")),
        ("/v2/models/m/stats", ("ModelStatistics", "m", "")),
        ("/v2/models/m/versions/3/stats", ("ModelStatistics", "m", "3")),
        ("/v2/models/stats", ("ModelStatistics", "", "")),
        ("/v2/models/stats/stats", ("ModelStatistics", "stats", "")),
        ("/v2/models/stats/versions/1", ("ModelMetadata", "stats", "1")),
        ("/v2/repository/index", ("RepositoryIndex", "", "")),
        ("/v2/repository/models/m/load", ("RepositoryModelLoad", "m", "")),
        ("/v2/repository/models/m/unload", ("RepositoryModelUnload", "m", "")),
        ("/", None),
        ("", None),
        ("/v1", None),
        ("/V2", None),
        ("//v2", None),
        ("/v2/models", None),
        ("/v2/models/m/versions", None),
        ("/v2/models//infer", None),
        ("/v2/models//stats", None),
        ("/v2/models/m/versions//infer", None),
        ("/v2/models/m/infer/more", None),
        ("/v2/models/../health/live", None),
        ("v2/health/live", None),
    ],
)
def test_a_path_names_one_endpoint_or_none(path: str, found: tuple[str, str, str] | None) -> None:
    """A version that was left empty was the highest there is, whichever its sender had meant to put there."""
    route = find(path)
    assert (route and (route.endpoint.name, route.model, route.version)) == found
