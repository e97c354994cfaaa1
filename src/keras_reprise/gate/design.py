"""The statistical design of the regression gate: levels, factors and counts. The one place; docs/gate.md says why.

The gate's rule, its settings' defaults, its baselines and its simulation (`benchmarks/simulate_gate.py`) use it. The
verdicts on claims have a design of their own, in `judge/design.py`.
"""

import math

LEVEL = 0.05
"""The largest error rate of a gate as a whole: of Holm-adjusted p over every metric of the run."""

SUSPECT_LEVEL = 0.25
"""Of a metric's own p at a first look, which only says what to measure again."""

SUSPECT_SHARE = 2 / 3
"""Of what counts as a change, from which a first look says what to measure again."""

CONTROL_LEVEL = 0.01
"""Of the run's own controls, whose false alarms make a gate inconclusive."""

FEWEST_FOR_HALVES = 6
"""Processes from which a run is compared with itself, half against half."""

SECOND_LOOK = 2
"""Times as many processes as at first, of what is suspect alone."""

ROUNDS = 6
"""Processes of each benchmark file in a gate, unless the settings say otherwise."""

BASELINE_ROUNDS = 12
"""The same in a baseline, whose numbers serve many gates."""

PASSES = 5
"""Times that each process goes through its benchmarks; ten make what processes scatter hardly less (docs/gate.md)."""

DEFAULT_THRESHOLD = 0.05
"""Share of the baseline that counts as a change where the settings name none."""

NOISE_FACTOR = 3.0
"""Times the noise of this machine that a change must exceed to count."""

BETWEEN_OCCASIONS, WITHIN_AN_OCCASION = 0.03, 0.01
"""The noise of log seconds that is added to what scatters where nothing was calibrated: in imported files and in peaks
against stored numbers, and side by side."""

ASSUMED_BETWEEN, ASSUMED_OCCASIONS = 0.08, 2
"""The noise of times against stored numbers where nothing was calibrated, and how many occasions that is worth; it is
the median of the table of docs/gate.md."""

MOST_GATES_REMEMBERED = 10
"""Finished gates from whose turns one without calibration knows the scatter of processes."""

MOST_ALIKE = math.log(1.2)
"""Beyond which no interval is called the same, however noisy the machine."""

MOST_STEAL = 0.10
"""Of all processor time; a process during which the host took more is not used."""

DRIFT = 0.05
"""Change of the accepted code itself since it was accepted, from which a gate tells of it."""

INTERVAL, INTERVAL_QUANTILE = 0.90, 1.6449
"""Within bounds when two one-sided tests at 5 % say so; and that quantile of the normal distribution."""

POWER, POWER_QUANTILE = 0.8, 0.8416
"""The share of gates in which the smallest visible change is seen; and that quantile of the normal distribution."""

USUAL_SHARE, SHARE_SPREAD, RESIDUAL = 0.8, 0.3, 0.06
"""How much of the machine's slowness benchmarks feel, how benchmarks differ in that, and the deviation that is left of
log seconds; see `noise.share_felt`.
"""

STEADIER = 2 / 3
"""Below this share of the scatter of adjusted medians the fastest rounds tell a metric; not where both are about alike,
since the steadier of two equals is so by chance."""

USUAL_SEEDS = 6
"""Replicates of a recipe in a baseline."""

FEWEST_SEEDS, MOST_SEEDS = 3, 8
"""Replicates of a recipe in a gate, which makes as many as its metrics need."""

LOSS_IN_MARGINS, SHOWN_IN = 3, 0.95
"""A loss of so many margins is to be shown in that share of gates."""

MOST_SEEDS_TRIED = 30
"""Replicates beyond which a loss is told not to be seen."""

DEVIATION_CONFIDENCE = 0.8
"""Of the upper bound of a deviation from which the number of replicates is worked out."""
