from __future__ import annotations

import pytest

from edge_agent.config import DeviceConfig
from edge_agent.demo.release import DemoRelease, judge
from edge_agent.demo.trade_off import Verdict, trade_off
from edge_agent.releases import load_release
from nearfar_wire.digest import digest_of
from nearfar_wire.manifest import Manifest, parse_manifest

pytestmark = pytest.mark.wide


@pytest.fixture(scope="module")
def verdicts(made: DemoRelease) -> list[Verdict]:
    return judge(made, made.digits.held_out)


@pytest.fixture(scope="module")
def manifest(made: DemoRelease) -> Manifest:
    return parse_manifest((made.release / "manifest.toml").read_bytes(), "manifest.toml")


def test_device_and_cloud_hold_the_same_manifest(made: DemoRelease) -> None:
    cloud = made.models / "digits" / "1" / "manifest.toml"
    assert cloud.read_bytes() == (made.release / "manifest.toml").read_bytes()


def test_the_manifest_promises_the_files_that_lie_there(made: DemoRelease, manifest: Manifest) -> None:
    assert manifest.device is not None and manifest.remote is not None
    assert manifest.device.digest == digest_of((made.release / manifest.device.file).read_bytes())
    assert manifest.remote.digest == digest_of((made.models / "digits" / "1" / "model.onnx").read_bytes())


def test_the_agent_can_load_the_release(made: DemoRelease) -> None:
    release = load_release("digits", made.release, DeviceConfig())
    assert release.runtime is not None, release.why_no_runtime


def test_an_image_crosses_the_wire_as_the_app_has_it(manifest: Manifest) -> None:
    assert manifest.remote is not None and manifest.remote.send == "app"
    assert [(i.name, i.datatype, i.shape) for i in manifest.inputs] == [("pixels", "UINT8", [-1, 8, 8])]


def test_each_side_prepares_its_own_way(manifest: Manifest) -> None:
    assert manifest.device is not None and manifest.remote is not None
    assert manifest.device.feeds.keys().isdisjoint(manifest.remote.feeds.keys())


def test_the_evaluation_is_of_the_calibration_images(made: DemoRelease, manifest: Manifest) -> None:
    of = judge(made, made.digits.calibrate)
    assert manifest.evaluation is not None and manifest.evaluation.n == len(of)
    assert manifest.evaluation.device_wrong == pytest.approx(sum(not v.device_right for v in of) / len(of), abs=1e-4)
    assert manifest.evaluation.remote_wrong == pytest.approx(sum(not v.cloud_right for v in of) / len(of), abs=1e-4)


def test_the_full_model_is_good_and_the_small_one_clearly_weaker(verdicts: list[Verdict]) -> None:
    device, cloud = (row.accuracy for row in trade_off(verdicts, (-1.0, 1.0)))
    assert cloud >= 0.975
    assert 0.88 <= device <= 0.94


def test_the_margin_gives_up_less_than_a_point_for_less_than_half_of_the_traffic(
    made: DemoRelease, verdicts: list[Verdict]
) -> None:
    chosen, cloud = trade_off(verdicts, (made.margin, 1.0))
    assert chosen.accuracy >= cloud.accuracy - 0.01
    assert 0.2 <= chosen.escalated <= 0.35
