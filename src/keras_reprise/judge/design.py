"""The statistical design: from how many replicates, at what level and after which looks anything is said.

The judge, `compare` and `--seeds auto` use it; docs/statistics.md says why each number is what it is, and a simulation
of the rule measures the error rates that they give (docs/verdict-errors.md). Who changes one raises `verdicts.RULE`,
too. The regression gate has a design of its own, in `gate/design.py`.
"""

LEVEL = 0.05
"""The largest error rate within a recipe: of all its claims and looks together, and of its claims in a comparison."""

LOOKS = (6, 12, 30)
"""The numbers of replicates at which somebody may look at the verdicts and go on measuring; `--seeds auto` does."""

LEVEL_OF_A_LOOK = LEVEL / len(LOOKS)
"""The largest adjusted p on which a verdict rests: the level, shared by the looks."""

MOST_SEEDS = LOOKS[-1]
"""The replicates that `--seeds auto` makes at most."""

SMALLEST_N = 3
"""Replicates that a verdict, or an interval of a difference, needs: with two, Student's t is 12.7 or more."""

EXACT_FROM_N = 6
"""Replicates from which exact tests can say something: the sign-flip p is told, skewed samples are tested by signs."""

SKEWED = 1.5
"""The sample skewness beyond which the sign test must agree with the t test."""

TIED = 0.5
"""The share of replicates with one and the same value beyond which a statistic is discrete, whatever was declared."""

EQUAL = 1e-6
"""Relative spread of all replicates that is none: what rounding in single precision makes of one number."""

SAME = 1e-12
"""Relative difference of two numbers, or of one from a bound, that is none: what rounding in double precision makes."""

FEWEST_RECIPES = 5
"""Recipes that a mean of speeds over recipes needs."""

WIDEST_RATIO = 100.0
"""The ratio of an interval's ends beyond which a ratio is not known at all."""

ROUNDING = 1e-4
"""Relative difference of two means that is none: what the engine may differ by from Keras, one backend from another."""
