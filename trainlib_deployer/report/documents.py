"""The JSON Schema of every --json document, by command."""

from __future__ import annotations

from collections.abc import Mapping

from trainlib_deployer.report.deploy_report import CHECK_SCHEMA, DEPLOY_SCHEMA
from trainlib_deployer.report.explain import EXPLAIN_SCHEMAS
from trainlib_deployer.report.plan_memory_report import PLAN_MEMORY_SCHEMA
from trainlib_deployer.report.run_report import RUN_SCHEMA
from trainlib_deployer.report.schema import Schema, whole_schema
from trainlib_deployer.report.targets_report import TARGETS_SCHEMA

DOCUMENTS: Mapping[str, tuple[Schema, ...]] = {
    "deploy": (DEPLOY_SCHEMA, RUN_SCHEMA),  # with --run it is that of `run`
    "check": (CHECK_SCHEMA,),
    "explain": EXPLAIN_SCHEMAS,
    "run": (RUN_SCHEMA,),
    "targets": (TARGETS_SCHEMA,),
    "plan-memory": (PLAN_MEMORY_SCHEMA,),
}


def document_schema(command: str) -> Schema:
    return whole_schema(f"trainlib-deploy {command} --json", *DOCUMENTS[command])
