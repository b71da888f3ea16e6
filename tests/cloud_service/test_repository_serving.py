from __future__ import annotations

from pathlib import Path

import pytest

from cloud_service.errors import UnservableModel
from cloud_service.repository.serving import (
    All,
    Batching,
    Instances,
    Latest,
    Serving,
    Specific,
    Tolerance,
    VersionPolicy,
    parse_serving,
    read_serving,
)


def test_a_model_without_the_file_is_served_as_the_defaults_say(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    assert read_serving(tmp_path / "m") == Serving()


def test_every_key_says_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "serving.toml").write_text(
        """
        [batching]
        enabled = true
        max_batch = 8
        max_queue_delay_s = 0.002
        preferred = [8, 4, 4]
        [instances]
        runs = 2
        threads_per_run = 3
        sessions = 4
        lone_threads = 5
        [versions]
        latest = 2
        [golden]
        absolute = 0.5
        relative = 0
        """
    )
    assert read_serving(tmp_path / "m") == Serving(
        Batching(True, 8, 0.002, (4, 8)), Instances(2, 3, 4, 5), Latest(2), Tolerance(0.5, 0.0)
    )


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        pytest.param("", All(), id="nothing said is all, because a device names the version of its own release"),
        pytest.param("latest = 1", Latest(1), id="latest"),
        pytest.param("specific = [3, 1]", Specific(frozenset({1, 3})), id="specific"),
    ],
)
def test_which_versions(text: str, policy: VersionPolicy) -> None:
    assert parse_serving(f"[versions]\n{text}".encode(), "serving.toml").versions == policy


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[batchin]", 'serving.toml: line 1: unknown key "batchin"; did you mean "batching"?'),
        ("[batching]\nmax_bach = 1", 'batching: unknown key "max_bach"; did you mean "max_batch"?'),
        ("[batching]\nmax_batch = 0", "batching.max_batch: a number of at least 1 is wanted, not 0"),
        ("[batching]\nmax_batch = 2\npreferred = [4]", "preferred has 4, which is above max_batch = 2"),
        ("[batching]\nmax_queue_delay_s = nan", "batching.max_queue_delay_s"),
        ("[versions]\nlatest = 1\nspecific = [1]", "latest and specific contradict each other"),
        ("[versions]\nspecific = []", "versions.specific"),
        ("[golden]\nabsolute = -1", "golden.absolute"),
        ("[golden]\nabsolute = inf", "golden.absolute"),
        ("[instances]\nruns = true", "instances.runs"),
        ("x =", "line 1: not TOML"),
        ("x = '" + "x" * 70_000 + "'", "longer than"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(UnservableModel) as caught:
        parse_serving(text.encode(), "serving.toml")
    assert problem in caught.value.reason
