cd /tmp/w/tests-before
time PYTHONPATH=/tmp/w/tests-before /work/main/.venv/bin/python -m pytest tests --ignore tests/book --ignore tests/test_plots.py -p no:xdist -p no:cacheprovider --durations=120 -q
