"""RunLog + plan.json + golden.json → the document and the text of `run`."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from tests.cli.fake import GOLDEN, LOG, PLAN
from trainlib_deployer.errors import RunFailedError
from trainlib_deployer.report.documents import document_schema
from trainlib_deployer.report.run_report import RunReport, run_report
from trainlib_deployer.report.run_text import run_text
from trainlib_deployer.targets.log import parse_log


def report(log: str = LOG, **golden: Any) -> RunReport:
    found = run_report(parse_log(log.splitlines()), PLAN, {**GOLDEN, **golden})
    jsonschema.validate(found.document, document_schema("run"))
    return found


def test_the_document_has_what_the_design_promises() -> None:
    document = report().document
    assert document["status"] == "ok" and document["errors"] == []
    assert (document["target"], document["cores"], document["steps"]) == ("host", 2, 2)
    assert document["loss"] == [1.5, 1.25] and document["golden_loss"] == [1.5, 1.25]
    assert document["accuracy"] == {"device": 0.9, "golden": 0.9}
    assert document["tensors"][0] == {
        "name": "fc", "kind": "activation", "step": 0, "error": 1e-7, "tolerance": 1e-5,
        "ok": True, "reason": None,
    }  # fmt: skip
    absent = document["tensors"][-1]
    assert absent["ok"] is None and absent["reason"] == "nobody needs it"
    assert document["profile"] == {
        "unit": "ns",
        "total": 300,
        "steps": [
            {"name": "fc.fw", "layer": "fc", "phase": "fw", "kernel": "tl_linear_fw_f32",
             "macs": 50, "count": 100, "kernels": 100, "predicted": None},
            {"name": "fc.wg", "layer": "fc", "phase": "wg", "kernel": "tl_linear_wg_f32",
             "macs": 50, "count": 200, "kernels": 150, "predicted": None},
        ],
    }  # fmt: skip
    assert document["memory"] == {"l1": {"capacity": 1000, "used": 900, "lower_bound": 800}}


def test_stacks_are_reported_where_the_target_knows_them() -> None:
    assert report().document["stack"] == [] and "stack" not in run_text(report())
    lines = "stack core 0 100 of 2048 bytes\nstack core 1 1500 of 2048 bytes\n"
    found = report(LOG.replace("result ok", f"{lines}result ok"))
    assert found.document["stack"][1] == {"core": 1, "peak": 1500, "size": 2048}
    assert "at most 1,500 of 2,048 bytes (core 1)" in run_text(found)


def test_the_text_says_the_same() -> None:
    text = run_text(report(notes=["step 1 is checked instead"]))
    for words in (
        "net on host, 2 cores: agrees with PyTorch",
        "1.5000 -> 1.2500 in 2 training steps",
        "90.0% on the test data",
        "2 compared, the worst error is 2.00% of its tolerance (weight_grad fc.weight",
        "1 never materialised",
        "L1 900 of 1,000 bytes",
        "step 1 is checked instead",
        "100 MAC, 300 ns",
        "MAC/ns",
    ):
        assert words in text


def test_a_mismatch_names_the_first_step_and_the_worst_element() -> None:
    log = LOG.replace(
        "error 2.0e-07, tolerance 1.0e-05, ok",
        "error 5.0e-01, tolerance 1.0e-05, MISMATCH at 7: 1.0e+00, expected 2.0e+00",
    ).replace("result ok", "result mismatch")
    found = report(log)
    assert found.document["status"] == "mismatch"
    first = found.failures[0].message
    assert "first at Step fc.wg (training step 0): weight_grad fc.weight" in first
    assert "worst at element 7: 1, expected 2" in first
    assert "DIFFERS" in run_text(found)


def test_what_is_not_finite_has_no_place_in_json() -> None:
    log = LOG.replace("loss 0: 1.5 1.25", "loss 0: 1.5 nan").replace(
        "error 1.0e-07, tolerance 1.0e-05, ok",
        "error nan, tolerance 1.0e-05, MISMATCH at 0: nan, expected 1.0",
    )
    found = report(log.replace("result ok", "result mismatch"))
    assert found.document["loss"] == [1.5, None]
    assert found.document["tensors"][0]["error"] is None
    assert "not finite" in run_text(found)


def test_a_change_outside_the_outputs_is_named() -> None:
    line = "check step 0, fc.wg: MEMORY l1 offset 8 changed outside the step's outputs, in fc\n"
    found = report(LOG.replace("loss 0", line + "loss 0").replace("result ok", "result mismatch"))
    assert "fc.wg (training step 0): it changed L1 at offset 8, in buffer fc" in str(
        found.failures[0]
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("check step 0, fc.wg", "weight_grad fc.weight was compared 0 times, not 1"),
        ("loss 0", "0 of 2 losses"),
        ("accuracy", "no accuracy"),
    ],
)
def test_a_check_that_did_not_happen_is_a_failure(line: str, told: str) -> None:
    rest = "\n".join(text for text in LOG.splitlines() if not text.startswith(line))
    with pytest.raises(RunFailedError, match=told):
        report(rest)


def test_an_accuracy_is_judged_where_it_is_compared() -> None:
    log = LOG.replace("accuracy 9 of 10, golden 9, ok", "accuracy 4 of 10, golden 9")
    assert report(log, accuracy_compared=False).document["status"] == "ok"
    with pytest.raises(RunFailedError, match="its accuracy was not judged"):
        report(log)


def test_a_network_that_only_predicts_has_no_profile() -> None:
    text = "\n".join(t for t in LOG.splitlines() if not t.startswith(("loss", "profile", "free")))
    found = report(text, loss=[], steps=0)
    assert found.document["profile"] is None and found.document["loss"] == []
    assert "loss" not in run_text(found)
