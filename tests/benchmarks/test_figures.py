"""Figures with their spread."""

from benchmarks.figures import Figure, differences, figure, percent, percentile, ratios


def test_a_figure_is_the_median_with_the_least_and_the_most() -> None:
    assert figure([3.0, 1.0, 2.0]) == Figure(2.0, 1.0, 3.0)
    assert str(figure([3.0, 1.0, 2.0])) == "2 (1–3)"


def test_a_figure_without_spread_is_one_number() -> None:
    assert str(figure([0.5, 0.5])) == "0.50"
    assert str(figure([1234.4])) == "1,234"
    assert str(figure([2.001, 2.002])) == "2"


def test_ratios_and_differences_are_taken_round_by_round() -> None:
    # A slow second round of the machine meets both, and the ratio stays.
    assert ratios([10.0, 20.0], [5.0, 10.0]) == Figure(2.0, 2.0, 2.0)
    assert differences([10.0, 21.0], [5.0, 15.0]) == Figure(5.5, 5.0, 6.0)


def test_shares_are_whole_percents() -> None:
    assert percent([0.5, 0.25]) == "38 (25–50) %"
    assert percent([0.0, 0.001]) == "0 %"


def test_percentiles() -> None:
    values = [float(number) for number in range(100)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile([7.0], 0.99) == 7
