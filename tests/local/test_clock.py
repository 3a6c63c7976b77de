import math
import time

import pytest

from keyless.errors import ConfigurationError
from keyless.local.clock import Clock


def test_a_new_clock_tells_real_time() -> None:
    assert Clock().now() == pytest.approx(time.time(), abs=5)


def test_advancing_adds_up_every_unit() -> None:
    clock = Clock()
    clock.advance(seconds=1, minutes=1, hours=1, days=1)
    assert clock.now() == pytest.approx(time.time() + 90_061, abs=5)


@pytest.mark.parametrize("seconds", [-1, math.nan, math.inf])
def test_the_clock_never_goes_back_nor_to_the_end_of_time(seconds: float) -> None:
    with pytest.raises(ConfigurationError, match="cannot be advanced"):
        Clock().advance(seconds=seconds)
