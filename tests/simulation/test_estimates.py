"""Estimates of the simulator's parameters, on made-up cells and on the real ones."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from napari_celltype.simulation.fluorescence import draw_nuisances, indicator_response
from napari_celltype.simulation.parameters import INDICATORS

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from estimate_parameters import differences, estimate
from firing_statistics import burst_lengths, episodes, local_variation
from paired_cells import PairedCell, Trial, read_cells, shot_noise, slow_drift
from spike_responses import (
    EXPONENTS,
    CellFit,
    best_nonlinearity,
    exponential_sums,
    fit_response,
    kernel_peak,
    nonlinearity_scores,
)

STEP = 1 / 40


def _cell(
    dff: np.ndarray,
    spikes: np.ndarray,
    *,
    step: float = STEP,
    cell_type: str = "PY",
    preparation: str = "in vivo",
    dataset: str = "made up",
) -> PairedCell:
    trial = Trial(dff, np.arange(dff.size) * step, spikes)
    return PairedCell(dataset, cell_type, "GCaMP6f", preparation, (trial,))


def _poisson(rng: np.random.Generator, rate: float, seconds: float) -> np.ndarray:
    return np.sort(rng.uniform(0, seconds, rng.poisson(rate * seconds)))


def _responding_cell(
    rng: np.random.Generator,
    *,
    amplitude: float = 0.05,
    rise: float = 0.016,
    decay: float = 0.398,
    exponent: float = 2.0,
    seconds: float = 300,
    **options: str,
) -> PairedCell:
    """Return a cell whose dF/F follows the simulator's response to its spikes."""
    spikes = _poisson(rng, 1.0, seconds)
    spikes = np.sort(np.concatenate([spikes, spikes[::4] + 0.01]))
    silent = Trial(np.zeros(round(seconds / STEP)), np.arange(0, seconds, STEP), spikes)
    sums = exponential_sums(silent, np.array([rise, decay]))
    calcium = (sums[1] - sums[0]) / kernel_peak(rise, decay)
    dff = amplitude * calcium**exponent + rng.normal(0, 0.02, calcium.size)
    return _cell(dff, spikes, **options)


def test_the_fit_finds_what_a_spike_does():
    rng = np.random.default_rng(0)
    found = fit_response(CellFit(_responding_cell(rng)), 2.0, 60.0)
    assert found.amplitude == pytest.approx(0.05, rel=0.15)
    assert found.rise == pytest.approx(0.016, rel=0.6)
    assert found.decay == pytest.approx(0.398, rel=0.3)
    assert found.explained > 0.9


@pytest.mark.parametrize("indicator", ["GCaMP6f", "GCaMP6s", "OGB-1"])
def test_the_fitted_response_is_the_simulators(indicator):
    rng = np.random.default_rng(7)
    counts = rng.poisson(1.0 * 0.005, (1, 40_000)).astype(np.float32)
    one = np.ones(1, dtype=np.float32)
    plain = replace(
        draw_nuisances(1, rng, indicator=indicator, expression=1.0),
        decay_factor=one,
        rise_factor=one,
        tail_factor=one,
    )
    dff = indicator_response(counts, one, plain, 0.005, 1)[0].astype(np.float64)
    bins = np.repeat(np.arange(counts.size), counts[0].astype(np.int64))
    table = {name: number.low for name, number in INDICATORS[indicator].items()}
    found = fit_response(
        CellFit(_cell(dff, (bins - 1) * 0.005, step=0.005)),
        table["exponent"],
        table["saturation"],
    )
    assert found.explained > 0.995
    assert found.amplitude == pytest.approx(table["amplitude"], rel=0.1)


def test_the_exponent_is_found():
    rng = np.random.default_rng(1)
    fits = [CellFit(_responding_cell(rng, exponent=1.5)) for _ in range(3)]
    exponent, _ = best_nonlinearity([nonlinearity_scores(fit) for fit in fits])
    assert exponent == pytest.approx(1.5, abs=EXPONENTS[1] - EXPONENTS[0])


def test_calcium_at_a_frame_counts_the_spikes_before_it():
    trial = Trial(np.zeros(5), np.arange(5) * 0.1, np.array([0.05, 0.1, 0.25]))
    sums = exponential_sums(trial, np.array([0.2]))[0]
    ages = trial.times[:, None] - trial.spikes
    expected = np.where(ages >= 0, np.exp(-ages / 0.2), 0).sum(axis=1)
    np.testing.assert_allclose(sums, expected, rtol=1e-9)


def test_noise_is_scaled_by_the_frame_rate():
    values = np.random.default_rng(2).normal(0, 0.05, 50_000)
    noise = shot_noise(_cell(values, np.zeros(0)))
    deviation = 0.05 * np.sqrt(2) * 0.6745 * 100 / np.sqrt(40)
    assert noise == pytest.approx(deviation, rel=0.02)


def test_shot_noise_is_not_drift():
    rng = np.random.default_rng(3)
    seconds = np.arange(0, 600, STEP)
    noise = rng.normal(0, 0.05, seconds.size)
    wave = 0.05 * np.sqrt(2) * np.sin(2 * np.pi * seconds / 60)
    assert slow_drift(_cell(noise, np.zeros(0))) < 0.002
    assert slow_drift(_cell(noise + wave, np.zeros(0))) == pytest.approx(0.05, rel=0.1)


def test_drift_of_a_cell_that_is_never_silent_is_unknown():
    spikes = np.arange(0, 600, 0.5)
    assert np.isnan(slow_drift(_cell(np.zeros(24_000), spikes)))


@pytest.mark.parametrize("order", [1, 4])
def test_local_variation_tells_the_order_of_gamma_intervals(order):
    rng = np.random.default_rng(4)
    spikes = np.cumsum(rng.gamma(order, 1 / order, 20_000))
    found = local_variation(_cell(np.zeros(9), spikes))
    assert found == pytest.approx(3 / (2 * order + 1), rel=0.05)


def test_spikes_close_together_are_one_burst():
    spikes = np.array([0.0, 0.01, 0.02, 1.0, 2.0, 2.005])
    assert burst_lengths(_cell(np.zeros(9), spikes)).tolist() == [3, 1, 2]


def test_responses_to_stimuli_are_found_in_the_spikes():
    rng = np.random.default_rng(5)
    onsets = np.arange(10, 290, 20.0)
    responses = [onset + _poisson(rng, 40, 4) for onset in onsets]
    spikes = np.sort(np.concatenate([_poisson(rng, 0.5, 300), *responses]))
    found = episodes(_cell(np.zeros(12_000), spikes))
    assert np.median(found.intervals) == 20
    assert np.median(found.decays) <= 4
    assert np.median(found.peaks) == pytest.approx(45, rel=0.2)
    assert found.resting == pytest.approx(0.5, rel=0.3)


def test_what_no_cell_tells_is_absent():
    rng = np.random.default_rng(6)
    cells = [_responding_cell(rng, seconds=120) for _ in range(4)]
    found = estimate(cells)
    assert "BEHAVIOUR.puff_interval" not in found
    assert "SPIKING.PY.rest_rate" in found
    assert found["NUISANCES.noise"].n_cells == 4


def test_spike_times_are_read_in_seconds_without_padding(tmp_path):
    columns = "file,dataset,cell_type,indicator,preparation"
    row = 'cell.mat,DS15,PY,OGB1,"slice, KCl puff"'
    (tmp_path / "real_cells.csv").write_text(f"{columns}\n{row}\n")
    (tmp_path / "real_cells").mkdir()
    trial = {
        "fluo_time": np.arange(5) / 10,
        "fluo_mean": np.zeros(5),
        "events_AP": np.array([3000.0, 1000.0, np.nan]),
    }
    savemat(tmp_path / "real_cells" / "cell.mat", {"CAttached": trial})
    (cell,) = read_cells(tmp_path)
    assert (cell.preparation, cell.indicator) == ("slice", "OGB-1")
    assert cell.sampling_frequency == pytest.approx(10)
    np.testing.assert_allclose(cell.trials[0].spikes, [0.1, 0.3])


@pytest.mark.slow
def test_measured_numbers_of_the_simulator_are_those_of_the_real_cells(shared_data):
    assert differences(estimate(read_cells(shared_data))) == []
