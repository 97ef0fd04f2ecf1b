"""While predictions are hidden for labelling, no part of the window gives them away."""

import numpy as np
from qtpy.QtWidgets import QLabel

from napari_celltype.celltypes import UNSURE_COLOR
from napari_celltype.gui.look import means_tab
from napari_celltype.gui.scene import scene_of

NAMES = ("PY", "PV", "SOM", "VIP")


def text_of(widget):
    """Return what can be read in a widget, also behind a tab."""
    return "\n".join(label.text() for label in widget.findChildren(QLabel))


def test_nothing_on_the_screen_gives_predictions_away(window, qtbot, predict, hold):
    viewer, classify = window.viewer, window.dock
    session, rois = scene_of(viewer).session, window.rois_dock
    _, export = viewer.window.add_plugin_dock_widget("napari-celltype", "Export")
    assert "not classified yet" in text_of(classify.legend)
    before = window.layer("colors").data.copy()
    rows = np.tile([0.9, 0.1, 0.0, 0.0], (12, 1))
    rows[4:7] = [0.1, 0.7, 0.1, 0.1]
    predict(session, rows)
    session.select(4)
    session.select(None)
    rois.tabs.setCurrentWidget(rois.means)
    qtbot.waitUntil(lambda: bool(rois.means.means), timeout=10_000)
    export.parent().raise_()
    qtbot.waitUntil(lambda: "12 rows" in export.preview.caption.text(), timeout=10_000)
    assert "parvalbumin\n3" in text_of(classify.legend)
    # Averages are on their way, and nobody looks at the tab.
    go = hold(means_tab, "mean_traces")
    rois.means.refresh()
    qtbot.waitUntil(lambda: rois.means.job.running)
    rois.tabs.setCurrentWidget(rois.traces)

    session.show_predictions(False)
    # At once, whatever is on its way or was drawn before.
    assert (window.layer("colors").data == before).all()
    assert not export.preview.table.isVisible()
    legend = text_of(classify.legend)
    assert "12 ROIs, predictions hidden" in legend
    assert not any(name in legend.split() for name in NAMES)
    qtbot.waitUntil(lambda: "Type" not in " ".join(rois.table.titles))
    assert not any("p_" in title or "Best" in title for title in rois.table.titles)
    features = window.layer("rois").features
    told = ["group", "predicted", "probability", "p_IN"]
    assert features[told].isna().to_numpy().all()
    assert not {"p_PV", "why_unsure", "prediction_set", "subtype"} & set(features)
    assert not any(name in window.hover(4) for name in NAMES)

    session.select(4)
    assert rois.traces.title.text() == "ROI 4"
    assert rois.traces.card.words.text() == "Predictions are hidden; H shows them."
    (curve,) = rois.plot._curves[: rois.plot.n_traces]
    assert curve.opts["pen"].color().name().upper() == UNSURE_COLOR.upper()
    assert not rois.means.means
    with qtbot.waitSignal(rois.means.job.ended, timeout=30_000):
        go.set()
    rois.tabs.setCurrentWidget(rois.means)
    assert not rois.means.means
    assert rois.means.job.notice.text == "Predictions are hidden; H shows them."
    rois.tabs.setCurrentWidget(rois.gallery)
    assert [rois.gallery.model.data(rois.gallery.model.index(4, 0))] == ["4"]
    assert [
        rois.filters.name.itemText(i) for i in range(rois.filters.name.count())
    ] == ["any type"]
    qtbot.waitUntil(lambda: "12 rows" in export.preview.caption.text(), timeout=10_000)
    shown = export.preview.table.model()
    cells = {
        shown.data(shown.index(4, column)) for column in range(shown.columnCount())
    }
    assert not cells & {*NAMES, "IN", "0.7"}


def test_a_label_that_is_an_accepted_prediction_is_no_ground_truth(
    window, qtbot, predict
):
    scene = scene_of(window.viewer)
    session, rois = scene.session, window.rois_dock
    predict(session, [0.1, 0.7, 0.1, 0.1])
    session.select_many([0, 1])
    scene.labelling.accept()
    session.select_many([2, 3, 5])
    scene.labelling.give("PV")
    session.select(0)
    qtbot.waitUntil(lambda: "no ground truth): PV" in rois.traces.card.words.text())
    session.select(2)
    assert "Label: PV" in rois.traces.card.words.text()
    members = means_tab.members_of(session, session.active, "label")
    assert {name: ids.tolist() for name, ids in members.items()} == {"PV": [2, 3, 5]}
