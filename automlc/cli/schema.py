"""`automlc schema`: the JSON Schema of the spec language, for editors."""

import json

import click


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of the spec language.

    Save it and put `# yaml-language-server: $schema=automlc.schema.json` into the first line of a
    spec: editors then complete keys and underline mistakes.
    """
    from automlc.spec.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, sort_keys=True, ensure_ascii=False))
