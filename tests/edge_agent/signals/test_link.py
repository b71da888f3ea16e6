"""How the device reaches the rest of the world, on made-up tables of routes and interfaces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_agent.signals import Interfaces, Link
from router.signals import LINKS
from tests.builders.kernel import BAD_FILES, bad_file, tree

HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
LOCAL = "{}\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
OUT = "{}\t00000000\t010200C0\t{}\t0\t0\t{}\t00000000\t0\t0\t0\n"
OUT_6 = f"{'0' * 32} 00 {'0' * 32} 00 fd{'0' * 30} {{}} 00000003 00000000 {{}}     {{}}\n"

CARD = {"type": "1\n", "device/vendor": "0x8086\n", "carrier": "1\n", "uevent": "INTERFACE=eth0\nIFINDEX=2\n"}
WIFI = {**CARD, "uevent": "DEVTYPE=wlan\nINTERFACE=wlan0\n", "phy80211": None}
MODEM = {"type": "65534\n", "device/vendor": "x", "uevent": "DEVTYPE=wwan\nINTERFACE=wwan0\n"}


def out(name: str, flags: str = "0003", metric: int | str = 100) -> str:
    return OUT.format(name, flags, metric)


def link(root: Path, routes: str, interfaces: Mapping[str, Mapping[str, str | None]], routes_6: str = "") -> object:
    tree(root, {"proc/net/route": HEAD + routes, "proc/net/ipv6_route": routes_6})
    for name, files in interfaces.items():
        tree(root / "sys/class/net" / name, files)
    return Link(proc=root / "proc", sys=root / "sys").read().get("link")


@pytest.mark.parametrize(
    ("routes", "interfaces", "expected"),
    [
        pytest.param(out("eth0"), {"eth0": CARD}, "ethernet", id="ethernet"),
        pytest.param(out("wlan0"), {"wlan0": WIFI}, "wifi", id="wifi"),
        pytest.param(out("wlan0"), {"wlan0": {**CARD, "wireless": None}}, "wifi", id="wifi_by_its_old_folder"),
        pytest.param(out("wwan0"), {"wwan0": MODEM}, "cellular", id="modem"),
        pytest.param(out("rmnet_data0"), {"rmnet_data0": {"type": "519"}}, "cellular", id="modem_of_a_phone"),
        pytest.param(out("net0"), {"net0": {"type": "519"}}, "cellular", id="raw_ip"),
        pytest.param("", {"eth0": CARD}, "none", id="no_way_out"),
        pytest.param(LOCAL.format("eth0"), {"eth0": CARD}, "none", id="no_further_than_the_neighbours"),
        pytest.param(out("wg0"), {"wg0": {"type": "65534"}}, None, id="tunnel"),
        pytest.param(out("eth0"), {"eth0": {"type": "1"}}, None, id="interface_of_a_container"),
        pytest.param(out("br0"), {"br0": {**CARD, "uevent": "DEVTYPE=bridge\n"}}, None, id="bridge"),
        pytest.param(out("eth9"), {}, None, id="interface_that_is_gone"),
        pytest.param(out("eth0", metric=600) + out("wlan0"), {"eth0": CARD, "wlan0": WIFI}, "wifi", id="least_metric"),
        pytest.param(out("wlan0", flags="0000") + out("eth0"), {"eth0": CARD, "wlan0": WIFI}, "ethernet", id="down"),
        pytest.param(out("wlan0", flags="0201") + out("eth0"), {"eth0": CARD, "wlan0": WIFI}, "ethernet", id="reject"),
        pytest.param(
            out("eth0", metric=1) + out("wlan0"), {"eth0": {**CARD, "carrier": "0"}, "wlan0": WIFI}, "wifi",
            id="cable_pulled",
        ),
        pytest.param(out("../../etc"), {"eth0": CARD}, "none", id="a_name_that_is_a_path"),
        pytest.param(out(".."), {"eth0": CARD}, "none", id="a_name_that_is_the_folder_above"),
        pytest.param(out("eth0", metric="x") + "eth0\n" + "\x01" * 99, {"eth0": CARD}, "none", id="garbage_in_lines"),
    ],
)  # fmt: skip
def test_the_link_is_what_the_default_route_leads_over(
    tmp_path: Path, routes: str, interfaces: Mapping[str, Mapping[str, str | None]], expected: str | None
) -> None:
    assert link(tmp_path, routes, interfaces) == expected


@pytest.mark.parametrize("driver", ["rndis_host", "ipheth"])
def test_a_phone_on_a_cable_looks_like_ethernet_and_is_not(tmp_path: Path, driver: str) -> None:
    (tmp_path / "drivers" / driver).mkdir(parents=True)
    tree(tmp_path / "sys/class/net/usb0", CARD)
    (tmp_path / "sys/class/net/usb0/device/driver").symlink_to(tmp_path / "drivers" / driver)
    assert link(tmp_path, out("usb0"), {}) is None


@pytest.mark.parametrize(
    ("routes_6", "expected"),
    [
        pytest.param(OUT_6.format("00000400", "00000003", "wlan0"), "wifi", id="way_out"),
        pytest.param(OUT_6.format("ffffffff", "00200200", "lo"), "none", id="unreachable"),
        pytest.param(OUT_6.format("00000400", "00000200", "wlan0"), "none", id="rejected"),
        pytest.param(
            OUT_6.format("00000400", "00000003", "wlan0") + OUT_6.format("00000001", "00000003", "eth0"),
            "ethernet",
            id="least_metric",
        ),
        pytest.param("garbage " * 12, "none", id="garbage"),
    ],
)
def test_without_a_way_out_over_ipv4_there_may_be_one_over_ipv6(tmp_path: Path, routes_6: str, expected: str) -> None:
    assert link(tmp_path, "", {"eth0": CARD, "wlan0": WIFI}, routes_6) == expected


@pytest.mark.parametrize("fault", ["missing", "binary", "nul", "huge", "folder", "loop"])
def test_a_table_that_cannot_be_read_is_unknown_and_not_none(tmp_path: Path, fault: str) -> None:
    tree(tmp_path, {"proc/net/route": HEAD})
    bad_file(tmp_path / "proc/net/route", fault)
    assert Link(proc=tmp_path / "proc", sys=tmp_path / "sys").read() == {}


@pytest.mark.parametrize("fault", BAD_FILES)
@pytest.mark.parametrize("file", ["type", "uevent", "carrier"])
def test_whatever_stands_in_a_file_of_an_interface_no_kind_is_made_up(tmp_path: Path, file: str, fault: str) -> None:
    tree(tmp_path / "sys/class/net/eth0", CARD)
    bad_file(tmp_path / "sys/class/net/eth0" / file, fault)
    assert link(tmp_path, out("eth0"), {}) in ((None,) if file == "type" else ("ethernet",))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(routes=st.text(max_size=300) | st.lists(st.text(max_size=12), max_size=30).map("\t".join))
@pytest.mark.wide
def test_no_table_brings_it_down(tmp_path: Path, routes: str) -> None:
    assert link(tmp_path, routes, {"eth0": CARD}) in (None, *LINKS)


# -- without such files ------------------------------------------------------------------------------------------------


class State(NamedTuple):
    isup: bool


@pytest.mark.parametrize(
    ("interfaces", "expected"),
    [
        pytest.param({"lo0": State(True), "en0": State(False)}, "none", id="nothing_is_up"),
        pytest.param({"lo0": State(True), "en0": State(True)}, None, id="something_is"),
        pytest.param({"Loopback Pseudo-Interface 1": State(True), "Wi-Fi": State(False)}, "none", id="windows"),
        pytest.param({"Local Area Connection": State(True)}, None, id="a_cable_of_windows"),
        pytest.param({}, None, id="it_tells_of_no_interface"),
    ],
)
def test_where_no_kind_is_told_it_is_known_only_that_there_is_no_link(
    interfaces: Mapping[str, State], expected: str | None
) -> None:
    """ "Local Area Connection" was taken for a loopback, and a machine on a cable for one without a link."""
    assert Interfaces(sensor=lambda: interfaces).read() == {"link": expected}
