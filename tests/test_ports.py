"""Two processes never have one band of ports, however many runs of pytest go on at once."""

from tests.ports import free_port, take_band


def test_a_band_has_one_owner() -> None:
    one, other = take_band(), take_band()
    assert one is not None
    assert other is not None
    with one, other:
        assert one.getsockname() != other.getsockname()


def test_a_process_stays_in_its_band() -> None:
    bands = {(free_port() - 10_000) // 600 for _ in range(50)}
    assert len(bands) == 1
