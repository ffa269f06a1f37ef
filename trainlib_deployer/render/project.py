"""Project → folder: render the templates, copy the library and the target, make the golden data."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from trainlib_deployer import __version__
from trainlib_deployer.errors import RunFailedError, ToolMissingError
from trainlib_deployer.project import Project
from trainlib_deployer.render.library import library_files
from trainlib_deployer.render.memory_map import project_picture
from trainlib_deployer.render.swap import GENERATOR, MANIFEST, check_output, replacing
from trainlib_deployer.render.view import ProjectView, project_view
from trainlib_deployer.resources import templates_root

_INCLUDED_ONLY = ("golden/", "net/")  # parts of golden.py and net.c, not files of the project


def write_project(project: Project, out: Path, *, golden: bool, force: bool) -> Path:
    """Write the generated project to `out`, which appears whole or not at all."""
    check_output(out, force=force)
    view = project_view(project)
    with replacing(out) as folder:
        files = render_files(project, view)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for name, source in view.inputs.items():
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(source, folder / name)
        (folder / "data").mkdir()
        if golden:
            make_golden(folder)
    return out


def render_files(project: Project, view: ProjectView) -> dict[str, bytes]:
    """Every generated file but data/ and inputs/, by its path."""
    context = view.context
    templates = templates_root()
    environment = Environment(
        loader=FileSystemLoader(templates / "project"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # C, Make and Markdown, not HTML
    )
    files = _mirror(environment, templates / "project", context)
    sources = {kernel.source for kernel in project.kernels.values()}
    texts = [text.decode() for name, text in files.items() if name.startswith("src/")]
    targets = sorted(path for path in (templates / "targets").rglob("*") if path.is_file())
    texts += [path.read_text(encoding="utf-8") for path in targets if path.suffix in (".c", ".h")]
    for name in library_files(templates / "lib", sources, texts):
        files[f"lib/{name}"] = (templates / "lib" / name).read_bytes()
    # all of them: `make TARGET=other` builds for another one
    for path in targets:
        files[f"target/{path.relative_to(templates / 'targets').as_posix()}"] = path.read_bytes()
    files["model.yaml"] = project.spec.text
    files["memory.svg"] = project_picture(project).encode()
    files["plan.json"] = _json(view.plan)
    files[MANIFEST] = _json(_manifest(project, files))
    return dict(sorted(files.items()))


def _mirror(environment: Environment, root: Path, context: Mapping[str, Any]) -> dict[str, bytes]:
    """*.j2 is rendered, everything else is copied."""
    files = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if not path.is_file() or name.startswith(_INCLUDED_ONLY) or "__pycache__" in name:
            continue
        if path.suffix == ".j2":
            text = environment.get_template(name).render(context)
            files[name.removesuffix(".j2")] = text.encode()
        else:
            files[name] = path.read_bytes()
    return files


def _manifest(project: Project, files: Mapping[str, bytes]) -> dict[str, Any]:
    device = project.device
    return {
        "generator": GENERATOR,
        "version": __version__,
        "network": project.spec.name,
        "target": device.target,
        "spec_sha256": hashlib.sha256(project.spec.text).hexdigest(),
        "device": device.as_json(),
        "options": {"steps": project.training_steps},
        "files": {name: hashlib.sha256(text).hexdigest() for name, text in sorted(files.items())},
    }


def _json(document: object) -> bytes:
    return (json.dumps(document, indent=1) + "\n").encode()


def make_golden(folder: Path) -> None:
    """Run golden.py in a Python of its own: torch is not imported into the tool."""
    result = subprocess.run(
        [sys.executable, "golden.py"], cwd=folder, capture_output=True, text=True, check=False
    )
    if result.returncode == 0:
        return
    last = (result.stderr.strip().splitlines() or ["no message"])[-1]
    if "No module named 'torch'" in last or "No module named 'numpy'" in last:
        raise ToolMissingError(
            "PyTorch is not installed, and the golden model needs it."
            " Install torch, or use --no-golden and run `make golden` elsewhere."
        )
    raise RunFailedError(f"the golden model failed: {last}")
