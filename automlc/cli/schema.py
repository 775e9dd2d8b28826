"""`automlc schema`: the JSON Schemas of the spec language and of the artifacts."""

import json
from importlib.resources import files

import click

# Artifacts whose schema is a file: name -> (package, file).
ARTIFACTS = {
    "plan": ("automlc.runtime", "schemas/plan.schema.json"),
    "graph": ("automlc.compiler", "schemas/graph.schema.json"),
    "lock": ("automlc.compiler", "schemas/lock.schema.json"),
}


@click.command("schema")
@click.option(
    "--of",
    type=click.Choice(["spec", *ARTIFACTS]),
    default="spec",
    show_default=True,
    help="The spec language, or an artifact: plan.json, graph.json, automlc.lock.",
)
def command(of: str) -> None:
    """Print the JSON Schema of the spec language, or of an artifact.

    Save it and put `# yaml-language-server: $schema=automlc.schema.json` into the first line of a
    spec: editors then complete keys and underline mistakes.
    """
    from automlc.spec.schema import json_schema

    if of in ARTIFACTS:
        package, name = ARTIFACTS[of]
        click.echo(files(package).joinpath(name).read_text(encoding="utf-8"), nl=False)
        return
    click.echo(json.dumps(json_schema(), indent=2, sort_keys=True, ensure_ascii=False))
