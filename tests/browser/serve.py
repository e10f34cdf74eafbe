"""Started by conftest.py as a program: the real server with the models of one folder on its shelf.

serve.py MODELS OUTPUTS [USER:PASS]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from app.models import Shelf
from app.settings import Settings
from ui.server import serve

models, outputs, *auth = sys.argv[1:]
settings = Settings(port=0, browser=False, outputs=Path(outputs), models=Path(models) / "none", auth="".join(auth))
serve(settings, Shelf(settings, embedded=Path(models)))
