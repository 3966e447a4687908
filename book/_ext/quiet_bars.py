"""Keeps progress bars out of the built pages; a reader who runs a chapter sees them."""

import os
from typing import Any


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls this once, before any chapter's kernel starts and inherits the environment."""
    os.environ["TQDM_DISABLE"] = "1"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
