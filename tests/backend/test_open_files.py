import subprocess
import sys

import pytest

_PROBE = """
import resource
from backend.open_files import allow_many_files
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {most}))
allow_many_files()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(("soft", "most", "then"), [(256, 1024, 1024), (512, 512, 512)])
def test_a_low_limit_of_open_files_is_raised_as_far_as_it_may_be(
    soft: int, most: int, then: int
) -> None:
    probe = _PROBE.format(soft=soft, most=most)
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert done.stdout.split() == [str(then), str(most)]
